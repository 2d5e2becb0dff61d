import type {
  Exemplar,
  HistogramSample,
  Labels,
  MetricFamily,
  NumberSample,
  SummarySample,
} from '../feeds/metric-family.ts'

/** Where the two text formats differ. */
export interface SampleStyle {
  /** A bound or a quantile: the value of a label. */
  bound(value: number): string
  /** Text after the count of a bucket. */
  exemplar(exemplar: Exemplar, scale: (value: number) => number): string
  /** Returns `undefined` for samples that the format does not support. */
  accept<TSample extends HistogramSample | SummarySample>(sample: TSample): TSample | undefined
}

/**
 * The lines of a family's samples. If several have the same labels in this format, the first one is used:
 * duplicates make Prometheus reject the whole page.
 */
export function samplesText(family: MetricFamily, head: PrometheusHead, style: SampleStyle): string {
  const seen = new Set<string>()
  const once = <TSample extends { readonly labels: Labels }>(
    samples: readonly TSample[],
    reserved: string | undefined,
    lines: (sample: TSample, labels: string) => string,
  ) => {
    let text = ''
    for (const sample of samples) {
      const labels = labelText(sample.labels, reserved)
      if (seen.has(labels)) continue
      seen.add(labels)
      text += lines(sample, labels)
    }
    return text
  }
  if (family.type === 'histogram')
    return once(family.samples, 'le', (sample, labels) => histogramLines(sample, labels, head, style))
  if (family.type === 'summary')
    return once(family.samples, 'quantile', (sample, labels) => summaryLines(sample, labels, head, style))
  return once<NumberSample>(family.samples, undefined, ({ value }, labels) =>
    line(head.name, labels, head.scale(value)),
  )
}

function histogramLines(
  histogram: HistogramSample,
  labels: string,
  { name, scale }: PrometheusHead,
  style: SampleStyle,
): string {
  const sample = style.accept(histogram)
  let total = 0
  let text = ''
  for (const [at, count] of histogram.counts.entries()) {
    total += count
    const bound = histogram.bounds[at]
    const exemplar = histogram.exemplars?.[at]
    const behind = exemplar === undefined ? '' : style.exemplar(exemplar, scale)
    text += line(
      `${name}_bucket`,
      withLabel(labels, 'le', bound === undefined ? '+Inf' : style.bound(scale(bound))),
      total,
      behind,
    )
  }
  return sample === undefined
    ? text
    : `${text}${line(`${name}_sum`, labels, scale(sample.sum))}${line(`${name}_count`, labels, total)}`
}

function summaryLines(
  histogram: SummarySample,
  labels: string,
  { name, scale }: PrometheusHead,
  style: SampleStyle,
): string {
  const { quantiles = [], sum, count } = style.accept(histogram) ?? {}
  let text = ''
  for (const { quantile, value } of quantiles)
    text += line(name, withLabel(labels, 'quantile', style.bound(quantile)), scale(value))
  if (sum !== undefined) text += line(`${name}_sum`, labels, scale(sum))
  if (count !== undefined) text += line(`${name}_count`, labels, count)
  return text
}

function line(name: string, labels: string, value: number, behind = ''): string {
  return labels === ''
    ? `${name} ${numberText(value)}${behind}\n`
    : `${name}{${labels}} ${numberText(value)}${behind}\n`
}

/** @param reserved - A label that the format itself uses. */
export function labelText(labels: Labels, reserved?: string): string {
  const written = new Map<string, string>()
  for (const label in labels) {
    const name = labelName(label, reserved)
    const value = labels[label] as string
    // As OpenTelemetry has it for names that differ in characters that Prometheus has not.
    const before = written.get(name)
    written.set(name, before === undefined ? value : `${before};${value}`)
  }
  let text = ''
  for (const [name, value] of written) text += `${text === '' ? '' : ','}${name}="${escapeLabel(value)}"`
  return text
}

function withLabel(text: string, name: string, value: string): string {
  return text === '' ? `${name}="${value}"` : `${text},${name}="${value}"`
}

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

export function escapeLabel(text: string): string {
  // Most have none of it.
  return /[\\\n"]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"') : text
}

/** The Prometheus name of a family, and the factor that converts its values to a base unit. */
interface PrometheusHead {
  /** Name of its samples, without the suffix of their kind. */
  readonly name: string
  /** The same without the `_total` of a counter. */
  readonly family: string
  /** Suffix of the family's name; `''`: none. */
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

/** Annotations in braces, such as `{request}`, are for people. */
const ANNOTATION = /\{[^{}]*\}/g

/**
 * As OpenTelemetry maps names to Prometheus:
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/.
 */
export function prometheusHead({
  name,
  unit = '',
  type,
}: Pick<MetricFamily, 'name' | 'unit' | 'type'>): PrometheusHead {
  const [counted = '', per] = unit.replace(ANNOTATION, '').split('/', 2)
  // `1` means a ratio for a gauge, and nothing for a counter.
  const known =
    counted === '1' && type !== 'gauge'
      ? undefined
      : Object.hasOwn(UNITS, counted)
        ? UNITS[counted]
        : undefined
  const word = known?.[0] ?? (counted === '1' ? '' : plain(counted))
  const perWord = per === undefined ? '' : `per_${per === 's' ? 'second' : plain(per)}`
  let full = plain(name)
  if (/^\d/.test(full)) full = `_${full}`
  if (type === 'counter') full = full.replace(/_total$/, '')
  for (const suffix of [word, perWord])
    if (suffix !== '' && !full.endsWith(`_${suffix}`)) full = `${full}_${suffix}`
  return {
    name: type === 'counter' ? `${full}_total` : full,
    family: full,
    // A unit per second, or per another unit.
    unit: word === '' || perWord === '' ? word : `${word}_${perWord}`,
    scale: known?.[1] ?? same,
  }
}

const names = new Map<string, string>()
const MAX_NAMES = 1_000

/** @param reserved - A label that the format itself uses. */
function labelName(label: string, reserved: string | undefined): string {
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

/** `Content-Type` of a response with `metricsText()`. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const STYLE: SampleStyle = { bound: numberText, exemplar: () => '', accept: (sample) => sample }

/**
 * Families in Prometheus' text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/. Of
 * names that are the same once they are written as Prometheus writes them, the first one stays.
 */
export function prometheusText(families: readonly MetricFamily[]): string {
  const seen = new Set<string>()
  const parts: string[] = []
  for (const family of families) {
    const head = prometheusHead(family)
    if (family.samples.length === 0 || seen.has(head.name)) continue
    seen.add(head.name)
    parts.push(
      `# HELP ${head.name} ${escapeHelp(family.help)}\n# TYPE ${head.name} ${family.type}\n${samplesText(family, head, STYLE)}`,
    )
  }
  return parts.join('\n')
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
}
