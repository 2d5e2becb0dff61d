import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { Periodic } from '../shared/timers.ts'
import { Alerting } from './alerts/alerting.ts'
import type { SystemReaders } from './collectors/cgroup.ts'
import { type CollectOptions, Collectors, resolveCollectOptions } from './collectors/collectors.ts'
import { FeedBook } from './feeds/feed-book.ts'
import { seriesFamilies } from './feeds/series-families.ts'
import { ForecastBook } from './forecast/forecast-book.ts'
import { MetricStore } from './metrics/metric-store.ts'
import { MetricTypes } from './metrics/metric-type.ts'
import type { Series } from './metrics/series.ts'
import {
  type MonitoringEvents,
  type MonitoringOptions,
  monitoringEvents,
  type ResolvedMonitoringOptions,
  resolveMonitoringOptions,
} from './monitoring-options.ts'
import { MAX_ALERTS, Reports } from './report/reports.ts'
import type { TuningFacts } from './report/tuning-advice.ts'
import type { WorkerState } from './scaling/control/control-options.ts'
import { ScalingDesk } from './scaling-desk.ts'

/** Parts that a Sluice passes to its engine. */
export interface MonitoringEngineParts {
  readonly clock?: Clock
  readonly onError?: (error: unknown, event: PropertyKey) => void
  /** Statistics of other engines, for advice. */
  readonly facts?: () => Promise<TuningFacts>
  /** Called once per second before values are stored, while anything is recorded. */
  readonly beforeTick?: () => void
  readonly readers?: SystemReaders
}

const TICK_MS = 1_000
const POOL_MS = 60_000

/** The parts of a monitoring engine, and their work once per second. */
export class MonitoringParts {
  readonly clock: Clock
  readonly events: Emitter<MonitoringEvents>
  readonly types: MetricTypes = new MetricTypes()
  readonly store: MetricStore
  readonly alerting: Alerting
  readonly forecasts: ForecastBook
  readonly feeds: FeedBook
  readonly reports: Reports
  readonly collect: ResolvedMonitoringOptions['collect']
  /** Runs once a second, from when something is recorded. */
  readonly turning: Periodic
  readonly #createDesk: () => ScalingDesk
  #desk: ScalingDesk | undefined
  #collectors: Collectors | undefined
  #isClosed = false

  /** @throws InvalidOptionError. */
  constructor(
    options: MonitoringOptions,
    private readonly parts: MonitoringEngineParts,
  ) {
    const { maxSeries, alerts, forecasts, scaling, collect } = resolveMonitoringOptions(options)
    this.collect = collect
    this.clock = parts.clock ?? systemClock
    this.events = new Emitter(monitoringEvents, parts.onError ?? (() => {}))
    const { clock, events, types } = this
    const onError = (error: unknown) => events.emit('error', { error })
    this.store = new MetricStore(
      types,
      clock,
      maxSeries,
      (series, cell) => this.alerting.seeCell(series, cell),
      (series) => this.alerting.forget(series),
    )
    const { store } = this
    this.alerting = new Alerting({
      clock,
      rule: alerts,
      notifiers: alerts.notifiers,
      onError,
      onAlert: (alert, change) => events.emit('alert', { alert, change }),
    })
    this.forecasts = new ForecastBook({
      metrics: forecasts,
      // One that is registered later is missing until then.
      current: (metric) => (types.has(metric) ? store.current(metric) : undefined),
      wall: () => clock.wall(),
      onAnomaly: (anomaly) => events.emit('anomaly', anomaly),
    })
    const startedAt = clock.now()
    this.#createDesk = () =>
      new ScalingDesk(scaling, {
        clock,
        startedAt,
        current: (metric) => store.current(metric),
        state: () => this.#workerState(),
        onDecided: (event) => events.emit('scaling', event),
        onDone: (workers) => events.emit('scaled', { workers }),
        onError,
      })
    // A rule decides automatically from the start, and the workers of a target cost from then on.
    if (scaling.rule !== undefined || scaling.target !== undefined) this.#desk = this.#createDesk()
    this.reports = new Reports({
      store,
      types,
      alerts: this.alerting.book,
      forecasts: this.forecasts,
      desk: () => this.desk,
      forecastMetrics: forecasts,
      wall: () => clock.wall(),
      facts: () => this.#knownFacts(),
    })
    this.feeds = new FeedBook(onError)
    this.feeds.add({ name: 'monitor', collect: () => this.#ownFamilies() })
    this.turning = new Periodic(TICK_MS, () => {
      try {
        this.#tick()
      } catch (error) {
        // By a timer: nothing else would catch it.
        onError(error)
      }
      return !this.#isClosed
    })
  }

  /** Created when it is first used: most apps do not scale. */
  get desk(): ScalingDesk {
    if (this.#desk === undefined) {
      this.#desk = this.#createDesk()
      if (this.#isClosed) this.#desk.close()
    }
    return this.#desk
  }

  /** @throws UnknownMetricError; InvalidArgumentError. */
  record(type: string, value: number, source: string, times: number): Series {
    const series = this.#series(type, source, false)
    // Earlier values belong to the second in which they were recorded.
    this.store.tick()
    series.record(value, times)
    this.alerting.see(series, value)
    this.turning.start()
    return series
  }

  /** @throws UnknownMetricError; InvalidArgumentError. */
  meter(type: string, source: string): Series {
    const series = this.#series(type, source, true)
    this.turning.start()
    return series
  }

  /** @throws InvalidOptionError. */
  startCollecting(options: CollectOptions): () => void {
    this.assertOpen()
    const collectors = new Collectors(resolveCollectOptions(options), {
      now: () => this.clock.now(),
      record: (metric, value, source) => this.record(metric, value, source, 1),
      meter: (metric, source) => this.meter(metric, source),
      onError: (error) => this.events.emit('error', { error }),
      readers: this.parts.readers,
    })
    this.#collectors?.stop()
    this.#collectors = collectors
    collectors.start()
    return () => collectors.stop()
  }

  /** Puts away what came, and compares it with the objectives. */
  evaluate(): void {
    this.store.fold()
    this.alerting.evaluate()
  }

  /** @throws SluiceError `SLUICE_CLOSED`. */
  assertOpen(): void {
    if (this.#isClosed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'The monitoring engine is closed. Close it after everything that uses it.',
      )
  }

  /** A second call does nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#collectors?.stop()
    this.turning.stop()
    this.feeds.clear()
    this.alerting.close()
    this.#desk?.close()
    this.events.clear()
  }

  #series(type: string, source: string, isBound: boolean): Series {
    this.assertOpen()
    if (typeof source !== 'string' || source === '' || source.length > 200)
      throw new InvalidArgumentError('source', 'a string of 1 to 200 characters', source)
    return this.store.series(type, source, isBound)
  }

  #tick(): void {
    this.parts.beforeTick?.()
    this.evaluate()
    this.forecasts.tick()
    this.#desk?.count()
  }

  #ownFamilies(): ReturnType<typeof seriesFamilies> {
    this.evaluate()
    return seriesFamilies(this.store, this.alerting.book.active(MAX_ALERTS))
  }

  #workerState(): Omit<WorkerState, 'current'> {
    const waits = this.store.trend('poolWait', POOL_MS)
    const poolWaiting =
      waits.length === 0 ? undefined : waits.filter(({ value }) => value > 0).length / waits.length
    return { cpu: this.store.current('cpu'), throughput: this.store.current('requests'), poolWaiting }
  }

  async #knownFacts(): Promise<TuningFacts> {
    try {
      return (await this.parts.facts?.()) ?? {}
    } catch (error) {
      this.events.emit('error', { error })
      return {}
    }
  }
}
