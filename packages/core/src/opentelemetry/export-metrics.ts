import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  MeterProvider,
  Observable,
} from '@opentelemetry/api'
import type { Labels, MetricFamily } from '../monitoring/feeds/metric-family.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import { SluiceError } from '../shared/errors.ts'
import { DATABASE_BOUNDS_MS, REQUEST_BOUNDS_MS } from '../shared/histogram.ts'
import { checkOptions, type OptionRule } from '../shared/options.ts'
import type { Sluice } from '../sluice/sluice.ts'
import { hostOf, type SluiceHost } from '../sluice/sluice-host.ts'
import { loadApi, requestAttributes, SCOPE, statementAttributes } from './export-spans.ts'

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

const REQUEST_DURATION = 'http.server.request.duration'
const SCOPE_DURATION = 'sluice.scope.duration'
const STATEMENT_DURATION = 'db.client.operation.duration'

/** Families that are recorded as they happen: an observable instrument cannot be a histogram. */
const RECORDED: ReadonlySet<string> = new Set([REQUEST_DURATION, SCOPE_DURATION, STATEMENT_DURATION])

/** Maximum number of distinguished normalized queries and names, as in the other exports. */
const MAX_SETS = 1_000
const OVERFLOW: Attributes = { 'otel.metric.overflow': true }

/** Records the duration of each scope and statement. Returns what stops it. */
function recordDurations(meter: Meter, host: SluiceHost): () => void {
  const histogram = (name: string, description: string, boundsMs: readonly number[]) =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: boundsMs.map((bound) => bound / 1_000) },
    })
  const requests = histogram(REQUEST_DURATION, 'Duration of HTTP requests', REQUEST_BOUNDS_MS)
  const scopes = histogram(SCOPE_DURATION, 'Duration of scopes that are not HTTP requests', REQUEST_BOUNDS_MS)
  const statements = histogram(
    STATEMENT_DURATION,
    'Duration of database statements, by normalized query',
    DATABASE_BOUNDS_MS,
  )
  const ofScopes = new AttributeSets()
  const ofStatements = new AttributeSets()
  const stopScopes = host.scopes.watchEnds((scope) => {
    if (scope.isOwn) return
    const seconds = Math.max(0, host.now() - scope.startedAt) / 1_000
    const request = requestAttributes(scope)
    if (request === undefined)
      scopes.record(
        seconds,
        ofScopes.get(scope.name, () => ({ 'sluice.scope.name': scope.name })),
      )
    else
      requests.record(
        seconds,
        ofScopes.get(`${scope.name} ${scope.statusCode}`, () => request),
      )
  })
  const stopStatements = host.watchStatements({
    begin: (_sql, dialect, analyzed) => {
      if (analyzed.statement.isOwn === true) return undefined
      const { fingerprint } = analyzed
      const attributes = ofStatements.get(`${dialect} ${fingerprint}`, () => ({
        ...statementAttributes(dialect, analyzed),
        'sluice.query.fingerprint': fingerprint,
      }))
      return {
        ended: (startedAt, endedAt) =>
          statements.record(Math.max(0, endedAt - startedAt) / 1_000, attributes),
      }
    },
  })
  return () => {
    stopScopes()
    stopStatements()
  }
}

/** Attributes by a key, made once; those that are too many are one. */
class AttributeSets {
  readonly #sets = new Map<string, Attributes>()

  get(key: string, make: () => Attributes): Attributes {
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    if (this.#sets.size >= MAX_SETS) return OVERFLOW
    const created = make()
    this.#sets.set(key, created)
    return created
  }
}

interface Point {
  readonly name: string
  readonly help: string
  readonly unit: string | undefined
  readonly kind: 'counter' | 'gauge'
  readonly labels: Labels
  readonly value: number
}

/**
 * Observable instruments for families. Which there are is found out as they come: those that are new are
 * observed from the next collection on.
 */
class FamilyInstruments {
  readonly #instruments = new Map<string, Observable>()
  readonly #callback: BatchObservableCallback = (result) => this.#observe(result)
  #observed: ReadonlySet<Observable> = new Set()
  #isStopped = false

  constructor(
    private readonly meter: Meter,
    private readonly collect: () => Promise<readonly MetricFamily[]>,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    for (const point of pointsOf(await this.collect())) this.#instrumentOf(point)
    this.#register()
  }

  stop(): void {
    this.#isStopped = true
    this.meter.removeBatchObservableCallback(this.#callback, [...this.#observed])
  }

  async #observe(result: BatchObservableResult): Promise<void> {
    try {
      const before = this.#instruments.size
      for (const point of pointsOf(await this.collect())) {
        if (this.#isStopped) return
        const instrument = this.#instrumentOf(point)
        // A collection must not observe an instrument that it did not begin with.
        if (this.#observed.has(instrument)) result.observe(instrument, point.value, point.labels)
      }
      if (this.#instruments.size > before) this.#register()
    } catch (error) {
      this.onError(error)
    }
  }

  #instrumentOf({ name, help, unit, kind }: Point): Observable {
    let instrument = this.#instruments.get(name)
    if (instrument === undefined) {
      const options = { description: help, ...(unit === undefined ? {} : { unit }) }
      instrument =
        kind === 'counter'
          ? this.meter.createObservableCounter(name, options)
          : this.meter.createObservableGauge(name, options)
      this.#instruments.set(name, instrument)
    }
    return instrument
  }

  #register(): void {
    if (this.#isStopped) return
    this.meter.removeBatchObservableCallback(this.#callback, [...this.#observed])
    this.#observed = new Set(this.#instruments.values())
    this.meter.addBatchObservableCallback(this.#callback, [...this.#observed])
  }
}

function pointsOf(families: readonly MetricFamily[]): readonly Point[] {
  return families.filter(({ name }) => !RECORDED.has(name)).flatMap(pointsIn)
}

function pointsIn(family: MetricFamily): readonly Point[] {
  const { name, help, unit } = family
  switch (family.type) {
    case 'counter':
    case 'gauge': {
      const kind = family.type
      return family.samples.map(({ labels, value }) => ({ name, help, unit, kind, labels, value }))
    }
    case 'histogram':
      return family.samples.flatMap(({ labels, counts, sum }) => {
        const all = counts.reduce((total, count) => total + count, 0)
        return totalsOf(family, labels, all, sum)
      })
    case 'summary':
      return family.samples.flatMap(({ labels, quantiles, sum, count }) => [
        ...totalsOf(family, labels, count, sum),
        ...quantiles.map(({ quantile, value }): Point => {
          return { name, help, unit, kind: 'gauge', labels: { ...labels, quantile: String(quantile) }, value }
        }),
      ])
  }
}

function totalsOf(
  { name, help, unit }: MetricFamily,
  labels: Labels,
  count: number | undefined,
  sum: number | undefined,
): readonly Point[] {
  const points: Point[] = []
  const add = (part: string, of: string | undefined, value: number) =>
    points.push({
      name: `${name}.${part}`,
      help: `${help}: ${part}`,
      unit: of,
      kind: 'counter',
      labels,
      value,
    })
  if (count !== undefined) add('count', undefined, count)
  if (sum !== undefined) add('sum', unit, sum)
  return points
}
