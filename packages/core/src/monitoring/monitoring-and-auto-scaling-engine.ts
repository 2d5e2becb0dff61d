import { checkArgument, type OptionRule, option } from '../shared/options.ts'
import type { Alert } from './alerts/alert-book.ts'
import type { Notifier } from './alerts/notifier.ts'
import type { Objective, ObjectiveOptions } from './alerts/objective.ts'
import type { CollectOptions } from './collectors/collectors.ts'
import { type MetricsFormat, metricsTextOf } from './export/open-metrics-text.ts'
import type { MetricFamily, MetricFeed } from './feeds/metric-family.ts'
import type { Prediction } from './forecast/forecaster-state.ts'
import type { TrendData } from './metrics/metric-store.ts'
import type { MetricName, MetricType, MetricTypeOptions } from './metrics/metric-type.ts'
import type { Meter, Metric, Series } from './metrics/series.ts'
import type { MonitoringEvents, MonitoringOptions } from './monitoring-options.ts'
import { type MonitoringEngineParts, MonitoringParts } from './monitoring-parts.ts'
import type { HealthCheckResult, PerformanceReport } from './report/performance-report.ts'
import { TREND_MS } from './report/reports.ts'
import type { ScaleDirection, ScalingPolicy } from './scaling/policies/scaling-policies.ts'
import type { ScalingEvent, ScalingSkip } from './scaling/scaling-history.ts'
import type { MetricAnomaly, TrendAnalysis } from './trends.ts'

const LIMIT: OptionRule = option.integer(1, 10_000)

/**
 * Records metrics of an app in bounded memory, raises alerts, computes trends and forecasts, and scales the
 * number of workers.
 *
 * Values are counted when they are recorded, and stored once a second. A value that is not recorded is
 * missing, which is not 0.
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

  /** @throws InvalidOptionError. */
  constructor(options?: MonitoringOptions)
  /**
   * @param parts - Passed by a Sluice and by tests; apps omit it.
   * @internal
   */
  constructor(options?: MonitoringOptions, parts?: MonitoringEngineParts)
  constructor(options: MonitoringOptions = {}, parts: MonitoringEngineParts = {}) {
    this.#parts = new MonitoringParts(options, parts)
    const { collect } = this.#parts
    if (collect !== false) this.startCollecting(collect)
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof MonitoringEvents>(
    event: K,
    listener: (payload: MonitoringEvents[K]) => void,
  ): () => void {
    return this.#parts.events.on(event, listener)
  }

  /**
   * Registers a type of metric, or changes the thresholds of an existing one.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  registerMetric(name: string, options: MetricTypeOptions = {}): MetricType {
    const type = this.#parts.types.register(name, options)
    this.#parts.store.retype(type)
    return type
  }

  /** The registered types of metrics. */
  getMetricTypes(): readonly MetricType[] {
    return this.#parts.types.all
  }

  /**
   * Records a value. An alert that results from it is raised immediately.
   *
   * @param value - In the type's unit.
   * @param source - Measured node or route.
   * @param unit - A label.
   * @throws UnknownMetricError; InvalidArgumentError for a value that is not a finite number of at least 0.
   */
  recordMetric(type: MetricName, value: number, source: string, unit?: string): Metric {
    const series = this.#parts.record(type, value, source, 1)
    return { type, value, unit: unit ?? series.type.unit, source, timestamp: this.#parts.clock.wall() }
  }

  /** Records a value that was measured several times. @internal */
  recordRepeated(type: MetricName, value: number, source: string, times: number): Pick<Series, 'type'> {
    return this.#parts.record(type, value, source, times)
  }

  /**
   * A handle that records values of one metric from one source, for a few nanoseconds each. Alerts follow
   * within a second.
   *
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  meter(type: MetricName, source: string): Meter {
    return this.#parts.meter(type, source)
  }

  /** A metric has no value, because there is nothing to measure: see `ThresholdWatch.idle`. @internal */
  idle(metric: string, source: string): void {
    this.#parts.alerting.idle(metric, source)
  }

  /**
   * Records metrics of the process and its host every 5 seconds: `cpu`, `memory`, `disk`, `network`,
   * `eventLoopUtilization`, `eventLoopDelay`, `gcPause`, `cpuThrottling`, and `connections` of servers.
   * Values that cannot be read are omitted. Replaces the options of an earlier call.
   *
   * @returns A function that stops it.
   * @throws InvalidOptionError.
   */
  startCollecting(options: CollectOptions = {}): () => void {
    return this.#parts.startCollecting(options)
  }

  /**
   * Adds metrics to the exported ones; returns a function that removes them.
   *
   * @throws InvalidArgumentError for an invalid feed, or a name that is already used.
   */
  addFeed(feed: MetricFeed): () => void {
    this.#parts.assertOpen()
    return this.#parts.feeds.add(feed)
  }

  /** Recorded metrics, and those of all feeds. A feed that fails or is slow is omitted and counted. */
  collectMetrics(): Promise<readonly MetricFamily[]> {
    return this.#parts.feeds.collect()
  }

  /**
   * The same as the text of a page for Prometheus, of the type `METRICS_CONTENT_TYPE`; in the format of
   * OpenMetrics of the type `OPEN_METRICS_CONTENT_TYPE`.
   *
   * @throws InvalidArgumentError.
   */
  async metricsText(format: MetricsFormat = 'prometheus'): Promise<string> {
    return metricsTextOf(format, () => this.collectMetrics())
  }

  /**
   * Trend of a metric, over all sources: one value per second for the last 2 minutes, and coarser ones
   * before.
   *
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  getMetricTrend(type: MetricName, windowMs: number = TREND_MS): readonly TrendData[] {
    checkArgument('windowMs', option.positive, windowMs)
    return this.#parts.store.trend(type, windowMs)
  }

  /**
   * How a metric's values of the last five minutes are spread, its sources as one: each value, which is right
   * to 1.54%, and how often it came, the smallest first. Those of several processes can be added up, which
   * quantiles cannot.
   *
   * @throws UnknownMetricError.
   */
  getMetricDistribution(type: MetricName): readonly (readonly [value: number, count: number])[] {
    return this.#parts.store.distribution(type).entries()
  }

  /**
   * Whether a metric goes up or down.
   *
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  calculateTrendAnalysis(type: MetricName, windowMs: number = TREND_MS): TrendAnalysis {
    checkArgument('windowMs', option.positive, windowMs)
    return this.#parts.reports.trend(type, windowMs)
  }

  /**
   * Current value of a metric, over all sources; `undefined` if there was no value for 15 seconds, which is
   * not 0.
   *
   * @throws UnknownMetricError.
   */
  currentLoad(metric: MetricName): number | undefined {
    return this.#parts.store.current(metric)
  }

  /**
   * Forecasts a metric, with a prediction interval.
   *
   * @param minutesAhead - Above 0, at most 60.
   * @returns `undefined` as long as nothing was recorded.
   * @throws UnknownMetricError; InvalidArgumentError.
   */
  predictLoad(metric: MetricName, minutesAhead = 5): Prediction | undefined {
    this.#parts.types.get(metric)
    return this.#parts.forecasts.predict(metric, minutesAhead)
  }

  /** Returns the learned state of the forecasts as plain data, for `restoreForecasts`. */
  saveForecasts(): Readonly<Record<string, unknown>> {
    return { ...this.#parts.forecasts.save(), ...this.#parts.desk.save() }
  }

  /** @throws InvalidArgumentError for what `saveForecasts` did not give; nothing is restored then. */
  restoreForecasts(states: Readonly<Record<string, unknown>>): void {
    checkArgument('states', { ...option.object, expected: 'a result of saveForecasts()' }, states)
    const { others, take } = this.#parts.desk.restored(states)
    this.#parts.forecasts.restore(others)
    take()
  }

  /**
   * Values and changes of the forecast metrics that were not to be expected, the oldest first.
   *
   * @throws UnknownMetricError.
   */
  getAnomalies(type?: MetricName): readonly MetricAnomaly[] {
    if (type !== undefined) this.#parts.types.get(type)
    return this.#parts.forecasts.anomalies(type)
  }

  /** Statistics of all metrics for the last 5 minutes, and problems. */
  getSystemHealth(): HealthCheckResult {
    this.#parts.evaluate()
    return this.#parts.reports.health()
  }

  /**
   * Records the load that scaling uses (`scaling.rule`), at least every 3 seconds.
   *
   * @param arrivals - Requests since the last call, answered or not.
   * @param backlog - Requests that wait.
   * @throws InvalidArgumentError.
   */
  recordLoad(arrivals: number, backlog = 0): void {
    this.#parts.assertOpen()
    checkArgument('arrivals', option.number(0), arrivals)
    checkArgument('backlog', option.number(0), backlog)
    this.#parts.desk.scaler.record(arrivals, backlog)
    this.#parts.turning.start()
  }

  /**
   * Scales by a threshold of a metric. Evaluated every five seconds (`scaling.intervalMs`), and by
   * `evaluateScalingPolicies`.
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
    const { scaler } = this.#parts.desk
    const policy = scaler.policies.create(name, metric, threshold, direction, scaleAmount, cooldownSeconds)
    scaler.start()
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

  /**
   * Evaluates the policies now, within their cooldowns. The target carries out the decision, and the history
   * contains it with its reasons; without a target, only the history.
   */
  evaluateScalingPolicies(): ScaleDirection | null {
    this.#parts.assertOpen()
    return this.#parts.desk.scaler.evaluatePolicies()
  }

  /**
   * Scales manually. The history contains the change, with the user.
   *
   * @param amount - Percent of the workers; at least one worker.
   * @returns The decision; `null` if the maximum or minimum is reached.
   * @throws InvalidArgumentError; ScalingFailedError while the number of workers is unknown.
   */
  triggerScaling(direction: ScaleDirection, amount: number, by?: string): ScalingEvent | null {
    this.#parts.assertOpen()
    return this.#parts.desk.scaler.triggerScaling(direction, amount, by)
  }

  /**
   * Decisions to scale, the newest first.
   *
   * @throws InvalidArgumentError.
   */
  getScalingHistory(limit = 50): readonly ScalingEvent[] {
    checkArgument('limit', LIMIT, limit)
    return this.#parts.desk.scaler.history(limit)
  }

  /**
   * Changes that were considered and not made, with the reasons, the newest first.
   *
   * @throws InvalidArgumentError.
   */
  getScalingSkips(limit = 50): readonly ScalingSkip[] {
    checkArgument('limit', LIMIT, limit)
    return this.#parts.desk.scaler.skips(limit)
  }

  /** Recommendations for the number of workers, for people; also without automatic scaling. */
  getScalingRecommendations(): readonly string[] {
    this.#parts.evaluate()
    return this.#parts.reports.recommendations()
  }

  /** Health, trends, forecasts, alerts, and recommended changes. `reportMarkdown` formats it as Markdown. */
  async getPerformanceReport(): Promise<PerformanceReport> {
    this.#parts.evaluate()
    return await this.#parts.reports.performance()
  }

  /**
   * Open alerts, the worst first.
   *
   * @throws InvalidArgumentError.
   */
  getActiveAlerts(limit = 100): readonly Alert[] {
    this.#parts.evaluate()
    checkArgument('limit', LIMIT, limit)
    return this.#parts.alerting.book.active(limit)
  }

  /**
   * Resolved alerts, the newest first.
   *
   * @throws InvalidArgumentError.
   */
  getResolvedAlerts(limit = 100): readonly Alert[] {
    checkArgument('limit', LIMIT, limit)
    return this.#parts.alerting.book.resolved(limit)
  }

  /**
   * Acknowledges an alert.
   *
   * @returns Whether it was open and not acknowledged.
   * @throws InvalidArgumentError.
   */
  acknowledgeAlert(id: string, by: string): boolean {
    return this.#parts.alerting.book.acknowledge(id, by)
  }

  /**
   * Resolves an alert. If its condition persists, a new one is raised.
   *
   * @returns Whether it was open.
   */
  resolveAlert(id: string, by?: string): boolean {
    return this.#parts.alerting.book.resolve(id, by)
  }

  /** Adds a notifier of alerts; returns a function that removes it. */
  addNotifier(notifier: Notifier): () => void {
    return this.#parts.alerting.addNotifier(notifier)
  }

  /**
   * Creates an objective for the share of good events. An alert is raised if bad events consume the error
   * budget too fast. An objective replaces an earlier one of the same name.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  createObjective(name: string, options: ObjectiveOptions = {}): Objective {
    this.#parts.assertOpen()
    const objective = this.#parts.alerting.addObjective(name, options)
    this.#parts.turning.start()
    return objective
  }

  /** Stops everything except the target of scaling and its workers. A second call has no effect. */
  close(): void {
    this.#parts.close()
  }
}
