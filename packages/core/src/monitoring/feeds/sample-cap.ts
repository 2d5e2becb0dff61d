import {
  type FamilyType,
  type HistogramSample,
  labelKey,
  type NumberSample,
  OVERFLOW_LABELS,
  type Sample,
  type SummarySample,
} from './metric-family.ts'

const OVERFLOW_KEY: string = labelKey(OVERFLOW_LABELS)

/**
 * Bounds the samples of one family. Which ones are let through does not change while they are there: one that
 * came late and was counted to the overflow stays there, so that its sum never falls.
 */
export class SampleCap {
  #kept: ReadonlySet<string> = new Set()
  #refused: ReadonlySet<string> = new Set()

  /**
   * @param dropped - Called for each sample that cannot be counted in the overflow, and for each duplicate.
   */
  constructor(
    private readonly max: number,
    private readonly dropped: (reason: 'overflow' | 'duplicate') => void,
  ) {}

  apply(type: FamilyType, samples: readonly Sample[]): readonly Sample[] {
    const seen = new Map<string, Sample>()
    for (const sample of samples) {
      const key = labelKey(sample.labels)
      if (seen.has(key)) this.dropped('duplicate')
      else seen.set(key, sample)
    }
    const kept = new Set<string>()
    for (const key of seen.keys()) if (this.#kept.has(key)) kept.add(key)
    const refused = new Set<string>()
    let overflow = seen.get(OVERFLOW_KEY)
    const passed: Sample[] = []
    for (const [key, sample] of seen) {
      if (key === OVERFLOW_KEY) continue
      if (kept.has(key) || (kept.size < this.max && !this.#refused.has(key))) {
        kept.add(key)
        passed.push(sample)
        continue
      }
      refused.add(key)
      const joined = join(type, overflow, sample)
      if (joined === undefined) this.dropped('overflow')
      else overflow = joined
    }
    this.#kept = kept
    this.#refused = refused
    return overflow === undefined ? passed : [...passed, overflow]
  }
}

/** @returns `undefined` where two are not one: the sum of two gauges may be nothing at all. */
function join(type: FamilyType, one: Sample | undefined, other: Sample): Sample | undefined {
  if (type === 'gauge') return undefined
  if (type === 'counter')
    return {
      labels: OVERFLOW_LABELS,
      value: ((one as NumberSample)?.value ?? 0) + (other as NumberSample).value,
    }
  if (type === 'summary') return joinSummaries(one as SummarySample | undefined, other as SummarySample)
  return joinHistograms(one as HistogramSample | undefined, other as HistogramSample)
}

function joinSummaries(one: SummarySample | undefined, other: SummarySample): SummarySample {
  const { sum = 0, count = 0 } = one ?? {}
  return {
    labels: OVERFLOW_LABELS,
    quantiles: [],
    sum: sum + (other.sum ?? 0),
    count: count + (other.count ?? 0),
  }
}

function joinHistograms(
  one: HistogramSample | undefined,
  other: HistogramSample,
): HistogramSample | undefined {
  if (one === undefined) return { ...other, labels: OVERFLOW_LABELS }
  const { bounds } = one
  if (other.bounds.length !== bounds.length || other.bounds.some((bound, at) => bound !== bounds[at]))
    return undefined
  const counts = one.counts.map((count, at) => count + (other.counts[at] as number))
  return { labels: OVERFLOW_LABELS, bounds, counts, sum: one.sum + other.sum }
}
