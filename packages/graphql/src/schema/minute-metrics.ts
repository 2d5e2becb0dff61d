import type { MetricName, MonitoringAndAutoScalingEngine } from '@sluice/core'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const NOT_KNOWN = -1

/** Metrics of one minute. -1 for an unknown value. */
interface MinuteMetrics {
  /** Start of the minute, in seconds since 1970. */
  readonly timestamp: number
  readonly cpu: number
  readonly memory: number
  readonly disk: number
  readonly responseTime: number
  readonly errorRate: number
  readonly requestsPerSecond: number
}

interface Sum {
  total: number
  count: number
}

/**
 * Returns the means of each minute with values, in order. Minutes without values are omitted, because missing
 * is not zero.
 */
export function minuteMetrics(
  monitor: MonitoringAndAutoScalingEngine,
  hours: number,
): readonly MinuteMetrics[] {
  const by = (metric: MetricName) => byMinute(monitor, metric, hours * HOUR_MS)
  const [cpu, memory, disk, responseTime] = [by('cpu'), by('memory'), by('disk'), by('responseTime')]
  const [errorRate, requests] = [by('errorRate'), by('requests')]
  const minutes = new Set(
    [cpu, memory, disk, responseTime, errorRate, requests].flatMap((values) => [...values.keys()]),
  )
  return [...minutes]
    .sort((a, b) => a - b)
    .map((minute) => ({
      timestamp: minute * 60,
      cpu: mean(cpu.get(minute)),
      memory: mean(memory.get(minute)),
      disk: mean(disk.get(minute)),
      responseTime: mean(responseTime.get(minute)),
      errorRate: mean(errorRate.get(minute)),
      requestsPerSecond: toInt(mean(requests.get(minute))),
    }))
}

function byMinute(
  monitor: MonitoringAndAutoScalingEngine,
  metric: MetricName,
  windowMs: number,
): ReadonlyMap<number, Sum> {
  const sums = new Map<number, Sum>()
  for (const { timestamp, value } of monitor.getMetricTrend(metric, windowMs)) {
    const minute = Math.floor(timestamp / MINUTE_MS)
    const sum = sums.get(minute) ?? { total: 0, count: 0 }
    sum.total += value
    sum.count += 1
    sums.set(minute, sum)
  }
  return sums
}

function mean(sum: Sum | undefined): number {
  return sum === undefined ? NOT_KNOWN : sum.total / sum.count
}

const MAX_INT = 2_147_483_647

/**
 * Converts to a GraphQL `Int`, which has 32 bits. Returns -1 for an unknown value, and for one that does not
 * fit.
 */
export function toInt(value: number): number {
  return Number.isFinite(value) && Math.abs(value) <= MAX_INT ? Math.round(value) : -1
}
