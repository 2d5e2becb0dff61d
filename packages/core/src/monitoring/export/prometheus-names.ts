import type { MetricFamily } from '../feeds/metric-family.ts'

/** How a family is called in Prometheus, and what its values are multiplied by to be in a base unit. */
export interface PrometheusHead {
  /** Of its samples, but for what their kind adds. */
  readonly name: string
  /** The same without the `_total` of a counter. */
  readonly family: string
  /** What the family's name ends with; `''`: it has none. */
  readonly unit: string
  scale(value: number): number
}

const same = (value: number): number => value
const times =
  (factor: number) =>
  (value: number): number =>
    value * factor
/** Not a product: 57 × 0.01 is not 0.57. */
const over =
  (divisor: number) =>
  (value: number): number =>
    value / divisor

/** By the unit in UCUM: the word that names end in, and the way to the base unit. */
const UNITS: Readonly<Record<string, readonly [word: string, scale: (value: number) => number]>> = {
  s: ['seconds', same],
  ms: ['seconds', over(1e3)],
  us: ['seconds', over(1e6)],
  ns: ['seconds', over(1e9)],
  min: ['seconds', times(60)],
  h: ['seconds', times(3_600)],
  d: ['seconds', times(86_400)],
  By: ['bytes', same],
  kBy: ['bytes', times(1e3)],
  MBy: ['bytes', times(1e6)],
  GBy: ['bytes', times(1e9)],
  KiBy: ['bytes', times(1_024)],
  MiBy: ['bytes', times(1_048_576)],
  GiBy: ['bytes', times(1_073_741_824)],
  '%': ['ratio', over(100)],
  '1': ['ratio', same],
}

/** What a unit has in braces is for people: `{request}`. */
const ANNOTATION = /\{[^}]*\}/g

/** As OpenTelemetry maps names to Prometheus: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/. */
export function prometheusHead({ name, unit = '', type }: Pick<MetricFamily, 'name' | 'unit' | 'type'>): PrometheusHead {
  const [counted = '', per] = unit.replace(ANNOTATION, '').split('/', 2)
  // A share of one is a gauge's; of a counter `1` says nothing.
  const known = counted === '1' && type !== 'gauge' ? undefined : Object.hasOwn(UNITS, counted) ? UNITS[counted] : undefined
  const word = known?.[0] ?? (counted === '1' ? '' : plain(counted))
  const perWord = per === undefined ? '' : `per_${per === 's' ? 'second' : plain(per)}`
  let full = plain(name)
  if (/^\d/.test(full)) full = `_${full}`
  if (type === 'counter') full = full.replace(/_total$/, '')
  for (const suffix of [word, perWord]) if (suffix !== '' && !full.endsWith(`_${suffix}`)) full = `${full}_${suffix}`
  return {
    name: type === 'counter' ? `${full}_total` : full,
    family: full,
    // By the second, or by something else, is no unit of its own.
    unit: word === '' || perWord === '' ? word : `${word}_${perWord}`,
    scale: known?.[1] ?? same,
  }
}

const names = new Map<string, string>()
const MAX_NAMES = 1_000

/** @param reserved - A label that the format itself uses. */
export function labelName(label: string, reserved: string | undefined): string {
  let name = names.get(label)
  if (name === undefined) {
    name = label.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(\d|$)/, '_$1')
    // Two at the beginning are Prometheus' own.
    if (name.startsWith('__')) name = `label${name}`
    if (names.size < MAX_NAMES) names.set(label, name)
  }
  return name === reserved ? `exported_${name}` : name
}

function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9_:]+/g, '_')
}
