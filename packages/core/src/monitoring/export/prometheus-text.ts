import type { HistogramSample, Labels, MetricFamily, NumberSample, SummarySample } from '../feeds/metric-family.ts'
import { labelName, type PrometheusHead, prometheusHead } from './prometheus-names.ts'

/** What an answer with `metricsText()` has as its `Content-Type`. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Families in Prometheus' text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/. Of names that are the same once they are written as
 * Prometheus writes them, the first one stays.
 */
export function prometheusText(families: readonly MetricFamily[]): string {
  const seen = new Set<string>()
  const parts: string[] = []
  for (const family of families) {
    const head = prometheusHead(family)
    if (family.samples.length === 0 || seen.has(head.name)) continue
    seen.add(head.name)
    parts.push(`# HELP ${head.name} ${escapeHelp(family.help)}\n# TYPE ${head.name} ${family.type}\n${linesOf(family, head).join('')}`)
  }
  return parts.join('\n')
}

function linesOf(family: MetricFamily, head: PrometheusHead): readonly string[] {
  const seen = new Set<string>()
  // One that comes twice makes Prometheus refuse the whole page; labels may become the same when they are written.
  const once = <TSample extends { readonly labels: Labels }>(
    samples: readonly TSample[],
    reserved: string | undefined,
    lines: Lines<TSample>,
  ) =>
    samples.flatMap((sample) => {
      const labels = labelText(sample.labels, reserved)
      if (seen.has(labels)) return []
      seen.add(labels)
      return lines(sample, labels, head)
    })
  if (family.type === 'histogram') return once(family.samples, 'le', histogramLines)
  if (family.type === 'summary') return once(family.samples, 'quantile', summaryLines)
  return once<NumberSample>(family.samples, undefined, ({ value }, labels) => [line(head.name, labels, head.scale(value))])
}

type Lines<TSample> = (sample: TSample, labels: string, head: PrometheusHead) => readonly string[]

function histogramLines({ bounds, counts, sum }: HistogramSample, labels: string, { name, scale }: PrometheusHead): readonly string[] {
  let total = 0
  const buckets = counts.map((count, at) => {
    total += count
    const bound = bounds[at]
    return line(`${name}_bucket`, withLabel(labels, 'le', bound === undefined ? '+Inf' : numberText(scale(bound))), total)
  })
  return [...buckets, line(`${name}_sum`, labels, scale(sum)), line(`${name}_count`, labels, total)]
}

function summaryLines({ quantiles, sum, count }: SummarySample, labels: string, { name, scale }: PrometheusHead): readonly string[] {
  const lines = quantiles.map(({ quantile, value }) => line(name, withLabel(labels, 'quantile', numberText(quantile)), scale(value)))
  if (sum !== undefined) lines.push(line(`${name}_sum`, labels, scale(sum)))
  if (count !== undefined) lines.push(line(`${name}_count`, labels, count))
  return lines
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${numberText(value)}\n` : `${name}{${labels}} ${numberText(value)}\n`
}

/** @param reserved - A label that the format itself uses. */
function labelText(labels: Labels, reserved?: string): string {
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

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
}

function escapeLabel(text: string): string {
  // Most have none of it.
  return /[\\\n"]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"') : text
}
