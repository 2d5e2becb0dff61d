import { InvalidArgumentError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import type { Alert } from './alerts/alert-book.ts'
import type { Notifier } from './alerts/notifier.ts'
import type { Objective, ObjectiveOptions } from './alerts/objective.ts'
import type { CollectOptions } from './collectors/collect-options.ts'
import type { Collectors } from './collectors/collectors.ts'
import { type MetricsFormat, metricsTextOf } from './export/open-metrics-text.ts'
import type { MetricFamily, MetricFeed } from './feeds/metric-family.ts'
import type { Prediction } from './forecast/load-forecaster-options.ts'
import type { HealthCheckResult } from './health.ts'
import type { TrendData } from './metrics/metric-store.ts'
import type { MetricName, MetricType, MetricTypeOptions } from './metrics/metric-type.ts'
import type { Series } from './metrics/series.ts'
import type { MonitoringEvents, MonitoringOptions } from './monitoring-options.ts'
import { type MonitoringEngineParts, MonitoringParts } from './monitoring-parts.ts'
import type { PerformanceReport } from './report/performance-report.ts'
import { TREND_MS } from './report/reports.ts'
import type { ScaleDirection, ScalingPolicy } from './scaling/policies/scaling-policies.ts'
import type { ScalingEvent, ScalingSkip } from './scaling/scaling-history.ts'
import type { MetricAnomaly } from './trends/anomaly-watch.ts'
import type { TrendAnalysis } from './trends/trend-analysis.ts'

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

const _TURN_MS = 1_000
const MAX_LIMIT = 10_000
/** Among saved forecasts, those that scaling goes by. */
const SCALED_LOAD = 'scaling load'
const _POOL_MS = 60_000

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
  readonly #parts: MonitoringParts
  #collectors: Collectors | undefined

  /** @throws InvalidOptionError. */
  constructor(options?: MonitoringOptions)
  /**
   * @param parts - What a Sluice hands over, and tests; apps leave it out.
   * @internal
   */
  constructor(options?: MonitoringOptions, parts?: MonitoringEngineParts)
  constructor(options: MonitoringOptions = {}, parts: MonitoringEngineParts = {}) {
    this.#parts = new MonitoringParts(options, parts)
    const { collect } = this.#parts
    if (collect !== false) this.startCollecting(collect)
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof MonitoringEvents>(event: K, listener: (payload: MonitoringEvents[K]) => void): () => void {
    return this.#parts.events.on(event, listener)
  }

  /**
   * Makes a type of metric known, or gives one other thresholds.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  registerMetric(name: string, options: MetricTypeOptions = {}): MetricType {
    const type = this.#parts.types.register(name, options)
    this.#parts.store.retype(type)
    return type
  }

  /** The types of metrics that there are. */
  getMetricTypes(): readonly MetricType[] {
    return this.#parts.types.all
  }

  /**
   * Records a value. An alert that follows from it is there at once.
   *
   * @param value - In the type's unit. @param source - Where it was measured: a node, a route. @param unit - A label.
   * @throws UnknownMetricError; InvalidArgumentError for a value that is not a finite number of at least 0.
   */
  recordMetric(type: MetricName, value: number, source: string, unit?: string): Metric {
    const series = this.recordRepeated(type, value, source, 1)
    return { type, value, unit: unit ?? series.type.unit, source, timestamp: this.#parts.clock.wall() }
  }

  /** Records a value that was measured several times. @internal */
  recordRepeated(type: MetricName, value: number, source: string, times: number): Pick<Series, 'type'> {
    this.#parts.assertOpen()
    const series = this.#parts.seriesOf(type, source, false)
    // What came before belongs to the second in which it came.
    this.#parts.store.turn()
    series.record(value, times)
    this.#parts.alerting.see(series, value)
    this.#parts.turning.start()
    return series
  }

  /**
   * A handle that records values of one metric from one source, for a few nanoseconds each. Alerts follow within a second.
   *
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  meter(type: MetricName, source: string): Meter {
    this.#parts.assertOpen()
    const series = this.#parts.seriesOf(type, source, true)
    this.#parts.turning.start()
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
    this.#parts.assertOpen()
    const collectors = this.#parts.collectors(options, {
      record: (metric, value, source) => this.recordMetric(metric, value, source),
      meter: (metric, source) => this.meter(metric, source),
    })
    this.#collectors?.stop()
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
    this.#parts.assertOpen()
    return this.#parts.feeds.add(feed)
  }

  /** What is recorded here and what all feeds tell. A feed that fails or is slow is left out and counted. */
  collectMetrics(): Promise<readonly MetricFamily[]> {
    return this.#parts.feeds.collect()
  }

  /**
   * The same as the text of a page for Prometheus, of the type `METRICS_CONTENT_TYPE`; in the format of OpenMetrics of the type `OPEN_METRICS_CONTENT_TYPE`.
   *
   * @throws InvalidArgumentError.
   */
  async metricsText(format: MetricsFormat = 'prometheus'): Promise<string> {
    return metricsTextOf(format, () => this.collectMetrics())
  }

  /** What a metric was, its sources as one: a value a second of the last two minutes, and coarser ones before. @throws UnknownMetricError; InvalidArgumentError. */
  getMetricTrend(type: MetricName, windowMs: number = TREND_MS): readonly TrendData[] {
    checkWindow(windowMs)
    return this.#parts.store.trend(type, windowMs)
  }

  /**
   * How a metric's values of the last five minutes are spread, its sources as one: each value, which is right to 1.54 %, and how often it came, the smallest first.
   * Those of several processes can be added up, which quantiles cannot. @throws UnknownMetricError.
   */
  getMetricDistribution(type: MetricName): readonly (readonly [value: number, count: number])[] {
    return this.#parts.store.distribution(type).entries()
  }

  /** Whether a metric goes up or down. @throws UnknownMetricError; InvalidArgumentError. */
  calculateTrendAnalysis(type: MetricName, windowMs: number = TREND_MS): TrendAnalysis {
    checkWindow(windowMs)
    return this.#parts.reports.trend(type, windowMs)
  }

  /** What a metric is, its sources as one; `undefined`: nothing came for 15 seconds, which is not 0. @throws UnknownMetricError. */
  currentLoad(metric: MetricName): number | undefined {
    return this.#parts.store.current(metric)
  }

  /**
   * What a metric will be, with an interval that is as wide as it has to be.
   *
   * @param minutesAhead - Above 0, at most 60.
   * @returns `undefined` as long as nothing was recorded.
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  predictLoad(metric: MetricName, minutesAhead = 5): Prediction | undefined {
    this.#parts.types.get(metric)
    return this.#parts.forecasts.predict(metric, minutesAhead)
  }

  /** What the forecasts have learnt: plain data, to be kept and given to `restoreForecasts`. */
  saveForecasts(): Readonly<Record<string, unknown>> {
    return { ...this.#parts.forecasts.save(), [SCALED_LOAD]: this.#parts.desk.save() }
  }

  /** @throws InvalidArgumentError for what `saveForecasts` did not give; nothing is restored then. */
  restoreForecasts(states: Readonly<Record<string, unknown>>): void {
    if (!option.object.accepts(states)) throw new InvalidArgumentError('states', 'what saveForecasts gave', states)
    const { [SCALED_LOAD]: load, ...metrics } = states
    const take = load === undefined ? undefined : this.#parts.desk.restored(load)
    this.#parts.forecasts.restore(metrics)
    take?.()
  }

  /** Values and changes of the forecast metrics that were not to be expected, the oldest first. @throws UnknownMetricError. */
  getAnomalies(type?: MetricName): readonly MetricAnomaly[] {
    if (type !== undefined) this.#parts.types.get(type)
    return this.#parts.forecasts.anomalies(type)
  }

  /** What all metrics were in the last five minutes, and what is wrong. */
  getSystemHealth(): HealthCheckResult {
    this.#parts.evaluate()
    return this.#parts.reports.health()
  }

  /**
   * Tells of the load that scaling goes by (`scaling.rule`), at least every three seconds.
   *
   * @param arrivals - Requests that came since the last time, answered or not. @param backlog - Requests that wait.
   * @throws InvalidArgumentError.
   */
  recordLoad(arrivals: number, backlog = 0): void {
    this.#parts.assertOpen()
    for (const [name, value] of Object.entries({ arrivals, backlog }))
      if (!option.number(0).accepts(value)) throw new InvalidArgumentError(name, option.number(0).expected, value)
    this.#parts.desk.scaler.record(arrivals, backlog)
    this.#parts.turning.start()
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
    this.#parts.assertOpen()
    this.#parts.types.get(metric)
    const policy = this.#parts.desk.scaler.policies.create(name, metric, threshold, direction, scaleAmount, cooldownSeconds)
    this.#parts.desk.scaler.start()
    return policy
  }

  getScalingPolicies(): readonly ScalingPolicy[] {
    return this.#parts.desk.scaler.policies.list()
  }

  /** @throws InvalidArgumentError when there is none of this id. */
  setScalingPolicyEnabled(id: string, isEnabled: boolean): ScalingPolicy {
    return this.#parts.desk.scaler.policies.setEnabled(id, isEnabled)
  }

  /** @returns Whether there was one. */
  removeScalingPolicy(id: string): boolean {
    return this.#parts.desk.scaler.policies.remove(id)
  }

  /** Has the policies decide now, within their cooldowns. What is decided is carried out by the target, and kept in the history with its reasons; without a target that alone. */
  evaluateScalingPolicies(): ScaleDirection | null {
    this.#parts.assertOpen()
    return this.#parts.desk.scaler.evaluatePolicies()
  }

  /**
   * Scales because somebody wants to. It is in the history, with who it was.
   *
   * @param amount - In percent of the workers; by one at least.
   * @returns What was decided; `null` where there may be no more, or no fewer.
   * @throws InvalidArgumentError; ScalingFailedError while it is not known how many workers there are.
   */
  triggerScaling(direction: ScaleDirection, amount: number, by?: string): ScalingEvent | null {
    this.#parts.assertOpen()
    return this.#parts.desk.scaler.triggerScaling(direction, amount, by)
  }

  /** Decisions to scale, the newest first. @throws InvalidArgumentError. */
  getScalingHistory(limit = 50): readonly ScalingEvent[] {
    return this.#parts.desk.scaler.history(limitOf(limit))
  }

  /** What was looked at and not done, and why, the newest first. @throws InvalidArgumentError. */
  getScalingSkips(limit = 50): readonly ScalingSkip[] {
    return this.#parts.desk.scaler.skips(limitOf(limit))
  }

  /** What to do about the number of workers, for people; also where nothing scales by itself. */
  getScalingRecommendations(): readonly string[] {
    this.#parts.evaluate()
    return this.#parts.reports.recommendations()
  }

  /** How the app fares: health, trends, forecasts, alerts, and what to change. `reportMarkdown` makes a page of it. */
  async getPerformanceReport(): Promise<PerformanceReport> {
    this.#parts.evaluate()
    return await this.#parts.reports.performance()
  }

  /** Open alerts, the worst first. @throws InvalidArgumentError. */
  getActiveAlerts(limit = 100): readonly Alert[] {
    this.#parts.evaluate()
    return this.#parts.alerting.book.active(limitOf(limit))
  }

  /** Alerts that are over, the newest first. @throws InvalidArgumentError. */
  getResolvedAlerts(limit = 100): readonly Alert[] {
    return this.#parts.alerting.book.resolved(limitOf(limit))
  }

  /** Somebody takes care of it. @returns Whether there was an open one that nobody had acknowledged. @throws InvalidArgumentError. */
  acknowledgeAlert(id: string, by: string): boolean {
    return this.#parts.alerting.book.acknowledge(id, by)
  }

  /** It is over. Where its reason is not, there will be another one. @returns Whether there was an open one. */
  resolveAlert(id: string, by?: string): boolean {
    return this.#parts.alerting.book.resolve(id, by)
  }

  /** Tells somebody of alerts from now on; returns the function that stops it. */
  addNotifier(notifier: Notifier): () => void {
    return this.#parts.alerting.addNotifier(notifier)
  }

  /**
   * A share of good events that is to be reached. There is an alert when the bad ones use up what is allowed too quickly. Of one name there is one.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  createObjective(name: string, options: ObjectiveOptions = {}): Objective {
    this.#parts.assertOpen()
    const objective = this.#parts.alerting.addObjective(name, options)
    this.#parts.turning.start()
    return objective
  }

  /** Stops everything but the target of scaling and its workers: who made that closes it. A second call does nothing. */
  close(): void {
    this.#collectors?.stop()
    this.#parts.close()
  }
}

function checkWindow(windowMs: number): void {
  if (!option.positive.accepts(windowMs)) throw new InvalidArgumentError('windowMs', option.positive.expected, windowMs)
}

function limitOf(limit: number): number {
  const rule = option.integer(1, MAX_LIMIT)
  if (!rule.accepts(limit)) throw new InvalidArgumentError('limit', rule.expected, limit)
  return limit
}
