import type { FamilyType, MetricFamily, Sample } from './metric-family.ts'

const TYPES: ReadonlySet<string> = new Set<FamilyType>(['counter', 'gauge', 'histogram', 'summary'])

/** Whether it can be exported at all. Feeds are code of others. */
export function isFamily(value: unknown): value is MetricFamily {
  if (typeof value !== 'object' || value === null) return false
  const { name, help, type, unit, samples } = value as Readonly<Record<string, unknown>>
  return (
    typeof name === 'string' &&
    /[A-Za-z]/.test(name) &&
    typeof help === 'string' &&
    (unit === undefined || typeof unit === 'string') &&
    TYPES.has(type as string) &&
    Array.isArray(samples)
  )
}

export function isSample(value: unknown, type: FamilyType): value is Sample {
  if (typeof value !== 'object' || value === null) return false
  const sample = value as Readonly<Record<string, unknown>>
  if (!areLabels(sample.labels)) return false
  if (type === 'histogram') return isHistogram(sample)
  if (type === 'summary') return Array.isArray(sample.quantiles) && isCount(sample.sum) && isCount(sample.count)
  // A counter never goes below what it began with.
  return typeof sample.value === 'number' && (type === 'gauge' || sample.value >= 0)
}

function areLabels(labels: unknown): boolean {
  return typeof labels === 'object' && labels !== null && Object.values(labels).every((value) => typeof value === 'string')
}

function isHistogram({ bounds, counts, sum, exemplars }: Readonly<Record<string, unknown>>): boolean {
  return (
    Array.isArray(bounds) &&
    Array.isArray(counts) &&
    counts.length === bounds.length + 1 &&
    bounds.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > bounds[at - 1])) &&
    counts.every((count) => count >= 0) &&
    typeof sum === 'number' &&
    (exemplars === undefined || (Array.isArray(exemplars) && exemplars.every((one) => one === undefined || isExemplar(one))))
  )
}

function isExemplar(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { labels, value: number, timestamp } = value as Readonly<Record<string, unknown>>
  return areLabels(labels) && typeof number === 'number' && Number.isFinite(timestamp)
}

function isCount(value: unknown): boolean {
  return value === undefined || typeof value === 'number'
}
