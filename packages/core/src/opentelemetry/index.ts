export { type ExportMetricsOptions, exportMetrics } from './export-metrics.ts'
export { type ExportSpansOptions, exportSpans } from './export-spans.ts'
