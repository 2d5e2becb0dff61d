import type { Exemplar, HistogramSample, Labels, MetricFamily, NumberSample, SummarySample } from '../feeds/metric-family.ts'
import { labelName, type PrometheusHead } from './prometheus-names.ts'

/** Where the two text formats differ. */
export interface SampleStyle {
  /** A bound or a quantile: the value of a label. */
  bound(value: number): string
  /** What is written behind the count of a bucket. */
  exemplar(exemplar: Exemplar, scale: (value: number) => number): string
  /** Samples that the format cannot have are left out of it. */
  accept<TSample extends HistogramSample | SummarySample>(sample: TSample): TSample | undefined
}

/** The lines of a family's samples. Of those that have the same labels once they are written, the first one stays: two make Prometheus refuse the whole page. */
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
  if (family.type === 'histogram') return once(family.samples, 'le', (sample, labels) => histogramLines(sample, labels, head, style))
  if (family.type === 'summary') return once(family.samples, 'quantile', (sample, labels) => summaryLines(sample, labels, head, style))
  return once<NumberSample>(family.samples, undefined, ({ value }, labels) => line(head.name, labels, head.scale(value)))
}

function histogramLines(given: HistogramSample, labels: string, { name, scale }: PrometheusHead, style: SampleStyle): string {
  const sample = style.accept(given)
  let total = 0
  let text = ''
  for (const [at, count] of given.counts.entries()) {
    total += count
    const bound = given.bounds[at]
    const exemplar = given.exemplars?.[at]
    const behind = exemplar === undefined ? '' : style.exemplar(exemplar, scale)
    text += line(`${name}_bucket`, withLabel(labels, 'le', bound === undefined ? '+Inf' : style.bound(scale(bound))), total, behind)
  }
  return sample === undefined ? text : `${text}${line(`${name}_sum`, labels, scale(sample.sum))}${line(`${name}_count`, labels, total)}`
}

function summaryLines(given: SummarySample, labels: string, { name, scale }: PrometheusHead, style: SampleStyle): string {
  const { quantiles = [], sum, count } = style.accept(given) ?? {}
  let text = ''
  for (const { quantile, value } of quantiles) text += line(name, withLabel(labels, 'quantile', style.bound(quantile)), scale(value))
  if (sum !== undefined) text += line(`${name}_sum`, labels, scale(sum))
  if (count !== undefined) text += line(`${name}_count`, labels, count)
  return text
}

function line(name: string, labels: string, value: number, behind = ''): string {
  return labels === '' ? `${name} ${numberText(value)}${behind}\n` : `${name}{${labels}} ${numberText(value)}${behind}\n`
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
