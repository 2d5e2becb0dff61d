import type { MeterProvider } from '@opentelemetry/api'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import { SluiceError } from '../shared/errors.ts'
import { checkOptions, type OptionRule } from '../shared/options.ts'
import type { Sluice } from '../sluice/sluice.ts'
import { hostOf, type SluiceHost } from '../sluice/sluice-host.ts'
import { recordDurations } from './durations.ts'
import { FamilyInstruments } from './family-instruments.ts'
import { loadApi } from './load-api.ts'

const SCOPE = '@sluice/core'

export interface ExportMetricsOptions {
  /**
   * Provider of the instruments.
   * @defaultValue the global provider of `@opentelemetry/api` at the time of the call
   */
  readonly meterProvider?: MeterProvider
}

const rules: Readonly<Record<keyof ExportMetricsOptions, OptionRule>> = {
  meterProvider: {
    expected: 'a meter provider of OpenTelemetry',
    accepts: (value) => typeof (value as MeterProvider | null)?.getMeter === 'function',
  },
}

/**
 * Exports the metrics of a Sluice's monitor to OpenTelemetry. Counters and gauges are observable instruments,
 * which are read when metrics are collected. `http.server.request.duration`, `sluice.scope.duration` and
 * `db.client.operation.duration` are histograms, in which each scope and statement is recorded. Other
 * histograms and summaries are exported as `….count` and `….sum`, and as gauges of their quantiles.
 *
 * @returns A function that stops the export.
 * @throws InvalidOptionError; MissingPackageError without `@opentelemetry/api`; SluiceError
 * `SLUICE_MONITOR_OFF` if the monitor is disabled.
 * @example
 * ```ts
 * import { exportMetrics } from '@sluice/core/opentelemetry'
 *
 * await exportMetrics(sluice, { meterProvider })
 * ```
 */
export async function exportMetrics(sluice: Sluice, options: ExportMetricsOptions = {}): Promise<() => void> {
  checkOptions(options, rules)
  const host = hostOf(sluice)
  const monitor = monitorOf(sluice)
  const { metrics } = await loadApi('exportMetrics')
  const meter = (options.meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE)
  const stopDurations = recordDurations(meter, host)
  const instruments = new FamilyInstruments(meter, () => monitor.collectMetrics(), reporting(host))
  await instruments.start()
  return () => {
    stopDurations()
    instruments.stop()
  }
}

function monitorOf({ monitor }: Sluice): MonitoringAndAutoScalingEngine {
  if (monitor === undefined)
    throw new SluiceError(
      'SLUICE_MONITOR_OFF',
      'There is nothing to export: the Sluice was created with `monitor: false`. Remove that option.',
    )
  return monitor
}

function reporting(host: SluiceHost): (error: unknown) => void {
  return (error) => host.reportError(error)
}
