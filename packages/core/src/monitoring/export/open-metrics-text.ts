import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Exemplar, HistogramSample, MetricFamily, SummarySample } from '../feeds/metric-family.ts'
import {
  escapeLabel,
  labelText,
  numberText,
  prometheusHead,
  prometheusText,
  type SampleStyle,
  samplesText,
} from './prometheus-text.ts'

/** `Content-Type` of a response with `metricsText('openmetrics')`. */
export const OPEN_METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Names that a family takes besides its own. */
const SUFFIXES: Readonly<Record<MetricFamily['type'], readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  summary: ['_count', '_sum', '_created'],
}
/** Limit for the names and values of an exemplar's labels together, in characters. */
const MAX_EXEMPLAR = 128

const STYLE: SampleStyle = {
  // Consumers compare bounds as strings: `1.0` and `1` are different.
  bound: (value) => (Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : numberText(value)),
  exemplar: exemplarText,
  accept,
}

/**
 * Families in the text format of OpenMetrics 1.0: https://prometheus.io/docs/specs/om/open_metrics_spec/.
 * Omits data that the format does not allow: a family with a name that is already used, negative sums,
 * exemplars that are too long.
 */
export function openMetricsText(families: readonly MetricFamily[]): string {
  const taken = new Set<string>()
  let text = ''
  for (const family of families) {
    const head = prometheusHead(family)
    const names = [head.family, ...SUFFIXES[family.type].map((suffix) => head.family + suffix)]
    if (family.samples.length === 0 || names.some((name) => taken.has(name))) continue
    for (const name of names) taken.add(name)
    text += `# TYPE ${head.family} ${family.type}\n`
    if (head.unit !== '') text += `# UNIT ${head.family} ${head.unit}\n`
    text += `# HELP ${head.family} ${escapeLabel(family.help)}\n${samplesText(family, head, STYLE)}`
  }
  return `${text}# EOF\n`
}

function exemplarText({ labels, value, timestamp }: Exemplar, scale: (value: number) => number): string {
  const length = Object.entries(labels).reduce(
    (sum, [name, text]) => sum + [...name].length + [...text].length,
    0,
  )
  return length > MAX_EXEMPLAR
    ? ''
    : ` # {${labelText(labels)}} ${numberText(scale(value))} ${timestamp.toFixed(3)}`
}

function accept<TSample extends HistogramSample | SummarySample>(sample: TSample): TSample | undefined {
  if ('quantiles' in sample) {
    const { quantiles, sum, count } = sample
    return {
      ...sample,
      quantiles: quantiles.filter(({ quantile, value }) => quantile >= 0 && quantile <= 1 && !(value < 0)),
      sum: isTotal(sum) ? sum : undefined,
      count: isTotal(count) ? count : undefined,
    }
  }
  // If values can be negative, the sum can decrease.
  return sample.sum >= 0 && (sample.bounds[0] ?? 0) >= 0 ? sample : undefined
}

function isTotal(value: number | undefined): boolean {
  return value !== undefined && value >= 0
}

/** The format of a page of metrics. */
export type MetricsFormat = 'prometheus' | 'openmetrics'

const FORMATS: Readonly<Record<MetricsFormat, (families: readonly MetricFamily[]) => string>> = {
  prometheus: prometheusText,
  openmetrics: openMetricsText,
}

/** @throws InvalidArgumentError, before it collects anything. */
export async function metricsTextOf(
  format: MetricsFormat,
  collect: () => Promise<readonly MetricFamily[]>,
): Promise<string> {
  const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (write === undefined) throw new InvalidArgumentError('format', Object.keys(FORMATS).join(' or '), format)
  return write(await collect())
}
