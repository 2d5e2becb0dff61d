import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { Periodic } from '../shared/timers.ts'
import type { Alert } from './alerts/alert.ts'
import { AlertBook } from './alerts/alert-book.ts'
import { type Notifier, Notifiers } from './alerts/notifier.ts'
import { BurnRateObjective, type Objective, type ObjectiveOptions } from './alerts/objective.ts'
import { ThresholdWatch } from './alerts/threshold-watch.ts'
import { type CollectOptions, resolveCollectOptions } from './collectors/collect-options.ts'
import { Collectors } from './collectors/collectors.ts'
import type { SystemReaders } from './collectors/system-readers.ts'
import { openMetricsText } from './export/open-metrics-text.ts'
import { prometheusText } from './export/prometheus-text.ts'
import { FeedBook } from './feeds/feed-book.ts'
import type { MetricFamily, MetricFeed } from './feeds/metric-family.ts'
import { seriesFamilies } from './feeds/series-families.ts'
import type { Prediction } from './forecast/prediction.ts'
import { ForecastBook } from './forecast-book.ts'
import { type HealthCheckResult, healthOf } from './health.ts'
import type { Cell } from './metrics/cell-ring.ts'
import { MetricStore, type TrendData } from './metrics/metric-store.ts'
import { type MetricName, type MetricType, type MetricTypeOptions, MetricTypes } from './metrics/metric-type.ts'
import type { Series } from './metrics/series.ts'
import type { MonitoringEvents } from './monitoring-events.ts'
import { type MonitoringOptions, type ResolvedMonitoringOptions, resolveMonitoringOptions } from './monitoring-options.ts'
import type { PerformanceReport } from './report/performance-report.ts'
import { scalingAdvice } from './report/scaling-advice.ts'
import { type TuningFacts, tuningAdvice } from './report/tuning-advice.ts'
import type { WorkerState } from './scaling/control/worker-state.ts'
import type { ScaleDirection, ScalingPolicy } from './scaling/policies/scaling-policy.ts'
import type { ScalingEvent, ScalingSkip } from './scaling/scaling-event.ts'
import { ScalingDesk } from './scaling-desk.ts'
import type { MetricAnomaly } from './trends/anomaly-watch.ts'
import { analyzeTrend, type TrendAnalysis } from './trends/trend-analysis.ts'

/** What a Sluice joins its engine with. */
export interface MonitoringEngineParts {
  readonly clock?: Clock
  readonly onError?: (error: unknown) => void
  /** What other engines know that advice is given on. */
  readonly facts?: () => Promise<TuningFacts>
  /** Called once a second before what came is put away, while anything is recorded. */
  readonly beforeTurn?: () => void
  /** What collectors read the system by. */
  readonly readers?: SystemReaders
}

/** One value that was recorded. */
export interface Metric {
  readonly type: string
  readonly value: number
  readonly unit: string
  readonly source: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

/** Records values of one metric from one source: for what happens often. */
export interface Meter {
  /** @throws InvalidArgumentError for what is not a finite number of at least 0. */
  record(value: number): void
}

/** What a page of metrics can be written in. */
export type MetricsFormat = 'prometheus' | 'openmetrics'
const FORMATS: Readonly<Record<MetricsFormat, (families: readonly MetricFamily[]) => string>> = {
  prometheus: prometheusText,
  openmetrics: openMetricsText,
}
const TURN_MS = 1_000
const TREND_MS = 1_800_000
const MAX_LIMIT = 10_000
/** Among saved forecasts, those that scaling goes by. */
const SCALED_LOAD = 'scaling load'
const POOL_MS = 60_000
const DAY_MS = 86_400_000
const REPORT_MINUTES = 15
const REPORT_ANOMALIES = 20

/**
 * What an app does and how it fares: metrics in bounded memory, alerts, trends and forecasts; and how many workers there are to be.
 *
 * Values are counted when they are recorded, and put in order once a second. What is not recorded is missing, which is not zero.
 *
 * @example
 * ```ts
 * const monitor = new MonitoringAndAutoScalingEngine()
 * const meter = monitor.meter('responseTime', 'GET /cities')
 * meter.record(12.5)
 * monitor.getSystemHealth().status // 'healthy'
 * ```
 */
export class MonitoringAndAutoScalingEngine {
  readonly #options: ResolvedMonitoringOptions
  readonly #clock: Clock
  readonly #events: Emitter<MonitoringEvents>
  readonly #types = new MetricTypes()
  readonly #store: MetricStore
  readonly #alerts: AlertBook
  readonly #thresholds: ThresholdWatch
  readonly #notifiers: Notifiers
  readonly #objectives = new Map<string, BurnRateObjective>()
  readonly #forecasts: ForecastBook
  readonly #feeds: FeedBook
  readonly #turning: Periodic
  readonly #desk: ScalingDesk
  readonly #parts: MonitoringEngineParts
  #collectors: Collectors | undefined
  #isClosed = false

  /** @throws InvalidOptionError. */
  constructor(options?: MonitoringOptions)
  /**
   * @param parts - What a Sluice hands over, and tests; apps leave it out.
   * @internal
   */
  constructor(options?: MonitoringOptions, parts?: MonitoringEngineParts)
  constructor(options: MonitoringOptions = {}, parts: MonitoringEngineParts = {}) {
    this.#options = resolveMonitoringOptions(options)
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#events = new Emitter(parts.onError ?? (() => {}))
    const { maxSeries, alerts, forecasts, scaling, feeds, collect } = this.#options
    this.#store = new MetricStore(
      this.#types,
      this.#clock,
      maxSeries,
      (series, cell) => this.#thresholds.see(series, alertValue(series.type, cell)),
      (series) => this.#thresholds.forget(series),
    )
    this.#notifiers = new Notifiers(alerts.notifyTimeoutMs, (error) => this.#events.emit('error', { error }))
    for (const notifier of alerts.notifiers) this.#notifiers.add(notifier)
    this.#alerts = new AlertBook(this.#clock, (alert, change) => {
      this.#events.emit('alert', { alert, change })
      this.#notifiers.tell(alert, change)
    })
    this.#thresholds = new ThresholdWatch(this.#alerts, this.#clock, () => alerts)
    this.#forecasts = new ForecastBook({
      ...forecasts,
      // One that is registered later is missing until then.
      current: (metric) => (this.#types.has(metric) ? this.#store.current(metric) : undefined),
      wall: () => this.#clock.wall(),
      onAnomaly: (anomaly) => this.#events.emit('anomaly', anomaly),
    })
    this.#desk = new ScalingDesk(scaling, {
      clock: this.#clock,
      current: (metric) => this.#store.current(metric),
      state: () => this.#workerState(),
      onDecided: (event) => this.#events.emit('scaling', event),
      onDone: (workers) => this.#events.emit('scaled', { workers }),
      onError: (error) => this.#events.emit('error', { error }),
    })
    this.#turning = new Periodic(TURN_MS, () => {
      try {
        this.#turn()
      } catch (error) {
        // By a timer: nobody else would catch it.
        this.#events.emit('error', { error })
      }
      return !this.#isClosed
    })
    this.#feeds = new FeedBook(feeds, (error) => this.#events.emit('error', { error }))
    this.#feeds.add({ name: 'monitor', collect: () => seriesFamilies(this.#store, this.getActiveAlerts(MAX_LIMIT)) })
    if (collect !== false) this.startCollecting(collect)
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof MonitoringEvents>(event: K, listener: (payload: MonitoringEvents[K]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Makes a type of metric known, or gives one other thresholds.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  registerMetric(name: string, options: MetricTypeOptions = {}): MetricType {
    const type = this.#types.register(name, options)
    this.#store.retype(type)
    return type
  }

  /** The types of metrics that there are. */
  getMetricTypes(): readonly MetricType[] {
    return this.#types.all
  }

  /**
   * Records a value. An alert that follows from it is there at once.
   *
   * @param value - In the type's unit. @param source - Where it was measured: a node, a route. @param unit - A label.
   * @throws UnknownMetricError; InvalidArgumentError for a value that is not a finite number of at least 0.
   */
  recordMetric(type: MetricName, value: number, source: string, unit?: string): Metric {
    this.#assertOpen()
    const series = this.#seriesOf(type, source, false)
    // What came before belongs to the second in which it came.
    this.#store.turn()
    series.record(value)
    this.#thresholds.see(series, value)
    this.#turning.start()
    return { type, value, unit: unit ?? series.type.unit, source, timestamp: this.#clock.wall() }
  }

  /**
   * A handle that records values of one metric from one source, for a few nanoseconds each. Alerts follow within a second.
   *
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  meter(type: MetricName, source: string): Meter {
    this.#assertOpen()
    const series = this.#seriesOf(type, source, true)
    this.#turning.start()
    return series
  }

  /**
   * Records what the process and its host are like, every five seconds: `cpu`, `memory`, `disk`, `network`, `eventLoopUtilization`, `eventLoopDelay`, `gcPause`,
   * `cpuThrottling`, and `connections` of servers. What cannot be read is missing. Options of an earlier call do not count any more.
   *
   * @returns What stops it.
   * @throws InvalidOptionError.
   */
  startCollecting(options: CollectOptions = {}): () => void {
    this.#assertOpen()
    const resolved = resolveCollectOptions(options)
    this.#collectors?.stop()
    const collectors = new Collectors(resolved, {
      now: () => this.#clock.now(),
      record: (metric, value, source) => this.recordMetric(metric, value, source),
      meter: (metric, source) => this.meter(metric, source),
      onError: (error) => this.#events.emit('error', { error }),
      readers: this.#parts.readers,
    })
    this.#collectors = collectors
    collectors.start()
    return () => collectors.stop()
  }

  /**
   * Adds what others tell to what is exported; returns what takes it off again.
   *
   * @throws InvalidArgumentError for what is no feed, or has a name that another has.
   */
  addFeed(feed: MetricFeed): () => void {
    this.#assertOpen()
    return this.#feeds.add(feed)
  }

  /** What is recorded here and what all feeds tell. A feed that fails or is slow is left out and counted. */
  collectMetrics(): Promise<readonly MetricFamily[]> {
    return this.#feeds.collect()
  }

  /**
   * The same as the text of a page for Prometheus, of the type `METRICS_CONTENT_TYPE`; in the format of OpenMetrics of the type `OPEN_METRICS_CONTENT_TYPE`.
   *
   * @throws InvalidArgumentError.
   */
  async metricsText(format: MetricsFormat = 'prometheus'): Promise<string> {
    const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
    if (write === undefined) throw new InvalidArgumentError('format', Object.keys(FORMATS).join(' or '), format)
    return write(await this.collectMetrics())
  }

  /** What a metric was, its sources as one: a value a second of the last two minutes, and coarser ones before. @throws UnknownMetricError; InvalidArgumentError. */
  getMetricTrend(type: MetricName, windowMs: number = TREND_MS): readonly TrendData[] {
    if (!option.positive.accepts(windowMs)) throw new InvalidArgumentError('windowMs', option.positive.expected, windowMs)
    return this.#store.trend(type, windowMs)
  }

  /**
   * How a metric's values of the last five minutes are spread, its sources as one: each value, which is right to 1.54 %, and how often it came, the smallest first.
   * Those of several processes can be added up, which quantiles cannot. @throws UnknownMetricError.
   */
  getMetricDistribution(type: MetricName): readonly (readonly [value: number, count: number])[] {
    return this.#store.distribution(type).entries()
  }

  /** Whether a metric goes up or down. @throws UnknownMetricError; InvalidArgumentError. */
  calculateTrendAnalysis(type: MetricName, windowMs: number = TREND_MS): TrendAnalysis {
    return analyzeTrend(this.getMetricTrend(type, windowMs))
  }

  /** What a metric is, its sources as one; `undefined`: nothing came for 15 seconds, which is not 0. @throws UnknownMetricError. */
  currentLoad(metric: MetricName): number | undefined {
    return this.#store.current(metric)
  }

  /**
   * What a metric will be, with an interval that is as wide as it has to be.
   *
   * @param minutesAhead - Above 0, at most 60.
   * @returns `undefined` as long as nothing was recorded.
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  predictLoad(metric: MetricName, minutesAhead = 5): Prediction | undefined {
    this.#types.get(metric)
    return this.#forecasts.predict(metric, minutesAhead)
  }

  /** What the forecasts have learnt: plain data, to be kept and given to `restoreForecasts`. */
  saveForecasts(): Readonly<Record<string, unknown>> {
    return { ...this.#forecasts.save(), [SCALED_LOAD]: this.#desk.save() }
  }

  /** @throws InvalidArgumentError for what `saveForecasts` did not give; nothing is restored then. */
  restoreForecasts(states: Readonly<Record<string, unknown>>): void {
    if (!option.object.accepts(states)) throw new InvalidArgumentError('states', 'what saveForecasts gave', states)
    const { [SCALED_LOAD]: load, ...metrics } = states
    const take = load === undefined ? undefined : this.#desk.restored(load)
    this.#forecasts.restore(metrics)
    take?.()
  }

  /** Values and changes of the forecast metrics that were not to be expected, the oldest first. @throws UnknownMetricError. */
  getAnomalies(type?: MetricName): readonly MetricAnomaly[] {
    if (type !== undefined) this.#types.get(type)
    return this.#forecasts.anomalies(type)
  }

  /** What all metrics were in the last five minutes, and what is wrong. */
  getSystemHealth(): HealthCheckResult {
    this.#evaluate()
    return healthOf(this.#store, this.#alerts.active(MAX_LIMIT), this.#clock.wall())
  }

  /**
   * Tells of the load that scaling goes by (`scaling.rule`), at least every three seconds.
   *
   * @param arrivals - Requests that came since the last time, answered or not. @param backlog - Requests that wait.
   * @throws InvalidArgumentError.
   */
  recordLoad(arrivals: number, backlog = 0): void {
    this.#assertOpen()
    for (const [name, value] of Object.entries({ arrivals, backlog }))
      if (!option.number(0).accepts(value)) throw new InvalidArgumentError(name, option.number(0).expected, value)
    this.#desk.scaler.record(arrivals, backlog)
    this.#turning.start()
  }

  /**
   * Scales by a threshold of a metric. Evaluated every five seconds (`scaling.intervalMs`), and by `evaluateScalingPolicies`.
   *
   * @param scaleAmount - By how many percent of the workers; by one at least.
   * @param cooldownSeconds - After a decision, in which it makes none.
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  createScalingPolicy(
    name: string,
    metric: MetricName,
    threshold: number,
    direction: ScaleDirection,
    scaleAmount = 25,
    cooldownSeconds = 300,
  ): ScalingPolicy {
    this.#assertOpen()
    this.#types.get(metric)
    const policy = this.#desk.scaler.policies.create(name, metric, threshold, direction, scaleAmount, cooldownSeconds)
    this.#desk.scaler.start()
    return policy
  }

  getScalingPolicies(): readonly ScalingPolicy[] {
    return this.#desk.scaler.policies.list()
  }

  /** @throws InvalidArgumentError when there is none of this id. */
  setScalingPolicyEnabled(id: string, isEnabled: boolean): ScalingPolicy {
    return this.#desk.scaler.policies.setEnabled(id, isEnabled)
  }

  /** @returns Whether there was one. */
  removeScalingPolicy(id: string): boolean {
    return this.#desk.scaler.policies.remove(id)
  }

  /** Has the policies decide now, within their cooldowns. What is decided is carried out by the target, and kept in the history with its reasons; without a target that alone. */
  evaluateScalingPolicies(): ScaleDirection | null {
    this.#assertOpen()
    return this.#desk.scaler.evaluatePolicies()
  }

  /**
   * Scales because somebody wants to. It is in the history, with who it was.
   *
   * @param amount - In percent of the workers; by one at least.
   * @returns What was decided; `null` where there may be no more, or no fewer.
   * @throws InvalidArgumentError; ScalingFailedError while it is not known how many workers there are.
   */
  triggerScaling(direction: ScaleDirection, amount: number, by?: string): ScalingEvent | null {
    this.#assertOpen()
    return this.#desk.scaler.triggerScaling(direction, amount, by)
  }

  /** Decisions to scale, the newest first. @throws InvalidArgumentError. */
  getScalingHistory(limit = 50): readonly ScalingEvent[] {
    return this.#desk.scaler.history(limitOf(limit))
  }

  /** What was looked at and not done, and why, the newest first. @throws InvalidArgumentError. */
  getScalingSkips(limit = 50): readonly ScalingSkip[] {
    return this.#desk.scaler.skips(limitOf(limit))
  }

  /** What to do about the number of workers, for people; also where nothing scales by itself. */
  getScalingRecommendations(): readonly string[] {
    const { metrics } = this.getSystemHealth()
    return scalingAdvice({
      ...{ metrics, alerts: this.#alerts.active(MAX_LIMIT), policies: this.getScalingPolicies() },
      current: (metric) => this.#store.current(metric),
      typeOf: (metric) => this.#types.get(metric),
      forecasts: this.#allForecasts(),
    })
  }

  /** How the app fares: health, trends, forecasts, alerts, and what to change. `reportMarkdown` makes a page of it. */
  async getPerformanceReport(): Promise<PerformanceReport> {
    const health = this.getSystemHealth()
    const names = [...new Set(health.metrics.map(({ metric }) => metric))]
    const trends = Object.fromEntries(names.map((name) => [name, this.calculateTrendAnalysis(name)]))
    const forecasts = this.#allForecasts()
    const now = this.#clock.wall()
    const resolved = this.#alerts.resolved(MAX_LIMIT).filter(({ resolvedAt = 0 }) => resolvedAt > now - DAY_MS)
    const critical = Object.fromEntries(this.#types.all.map((type) => [type.name, type.critical]))
    return {
      generatedAt: now,
      health,
      alerts: this.#alerts.active(MAX_LIMIT),
      trends,
      forecasts,
      anomalies: this.#forecasts.anomalies(undefined).slice(-REPORT_ANOMALIES),
      scaling: { events: this.getScalingHistory().filter(({ timestamp }) => timestamp > now - DAY_MS), cost: this.#desk.cost() },
      advice: tuningAdvice({ ...(await this.#knownFacts()), metrics: health.metrics, trends, critical, resolved }),
    }
  }

  /** Open alerts, the worst first. @throws InvalidArgumentError. */
  getActiveAlerts(limit = 100): readonly Alert[] {
    this.#evaluate()
    return this.#alerts.active(limitOf(limit))
  }

  /** Alerts that are over, the newest first. @throws InvalidArgumentError. */
  getResolvedAlerts(limit = 100): readonly Alert[] {
    return this.#alerts.resolved(limitOf(limit))
  }

  /** Somebody takes care of it. @returns Whether there was an open one that nobody had acknowledged. @throws InvalidArgumentError. */
  acknowledgeAlert(id: string, by: string): boolean {
    return this.#alerts.acknowledge(id, by)
  }

  /** It is over. Where its reason is not, there will be another one. @returns Whether there was an open one. */
  resolveAlert(id: string, by?: string): boolean {
    return this.#alerts.resolve(id, by)
  }

  /** Tells somebody of alerts from now on; returns the function that stops it. */
  addNotifier(notifier: Notifier): () => void {
    if (typeof (notifier as Notifier | null)?.notify !== 'function')
      throw new InvalidArgumentError('notifier', 'an object with a function `notify`', notifier)
    return this.#notifiers.add(notifier)
  }

  /**
   * A share of good events that is to be reached. There is an alert when the bad ones use up what is allowed too quickly. Of one name there is one.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  createObjective(name: string, options: ObjectiveOptions = {}): Objective {
    this.#assertOpen()
    const objective = new BurnRateObjective(name, options, this.#clock, this.#alerts)
    this.#objectives.set(name, objective)
    this.#turning.start()
    return objective
  }

  /** Stops everything but the target of scaling and its workers: who made that closes it. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#turning.stop()
    this.#collectors?.stop()
    this.#feeds.clear()
    this.#notifiers.close()
    this.#desk.close()
    this.#events.clear()
  }

  #seriesOf(type: string, source: string, isBound: boolean): Series {
    if (typeof source !== 'string' || source === '' || source.length > 200)
      throw new InvalidArgumentError('source', 'a text of 1 to 200 characters', source)
    return this.#store.series(type, source, isBound)
  }

  #allForecasts(): Readonly<Record<string, Prediction>> {
    const registered = this.#options.forecasts.metrics.filter((metric) => this.#types.has(metric))
    const known = registered.flatMap((metric) => {
      const prediction = this.predictLoad(metric, REPORT_MINUTES)
      return prediction === undefined ? [] : [[metric, prediction] as const]
    })
    return Object.fromEntries(known)
  }

  #workerState(): Omit<WorkerState, 'current'> {
    const waits = this.#store.trend('poolWait', POOL_MS)
    const poolWaiting = waits.length === 0 ? undefined : waits.filter(({ value }) => value > 0).length / waits.length
    return { cpu: this.#store.current('cpu'), throughput: this.#store.current('requests'), poolWaiting }
  }

  async #knownFacts(): Promise<TuningFacts> {
    try {
      return (await await this.#parts.facts?.()) ?? {}
    } catch (error) {
      this.#events.emit('error', { error })
      return {}
    }
  }

  #turn(): void {
    this.#parts.beforeTurn?.()
    this.#evaluate()
    this.#forecasts.turn()
    this.#desk.count()
  }

  #evaluate(): void {
    this.#store.fold()
    for (const objective of this.#objectives.values()) objective.evaluate()
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new SluiceError('SLUICE_CLOSED', 'This monitoring engine was closed.')
  }
}

function alertValue({ across }: MetricType, { sum, count, max }: Cell): number {
  return across === 'max' ? max : sum / count
}

function limitOf(limit: number): number {
  const rule = option.integer(1, MAX_LIMIT)
  if (!rule.accepts(limit)) throw new InvalidArgumentError('limit', rule.expected, limit)
  return limit
}
