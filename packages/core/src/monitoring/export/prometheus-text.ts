import type { MetricFamily } from '../feeds/metric-family.ts'
import { prometheusHead } from './prometheus-names.ts'
import { numberText, type SampleStyle, samplesText } from './sample-text.ts'

/** What an answer with `metricsText()` has as its `Content-Type`. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const STYLE: SampleStyle = { bound: numberText, exemplar: () => '', accept: (sample) => sample }

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
    parts.push(`# HELP ${head.name} ${escapeHelp(family.help)}\n# TYPE ${head.name} ${family.type}\n${samplesText(family, head, STYLE)}`)
  }
  return parts.join('\n')
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
}
