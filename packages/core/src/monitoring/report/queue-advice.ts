import { BUSY_CPU } from '../../shared/thresholds.ts'
import type { TuningAdvice } from './advice.ts'

/** A queue of tasks. */
export interface QueueFacts {
  readonly queue: string
  readonly maxConcurrency: number
  readonly queued: number
  readonly processing: number
  readonly oldestTaskMs: number
  readonly isPaused: boolean
  /** Finished attempts of this process per second, in the last minute. */
  readonly throughputPerSecond: number
}

const OLD_TASK_MS = 30_000

/** Whether tasks wait because as many as allowed are running. */
export function isHeldUp({
  isPaused,
  queued,
  oldestTaskMs,
  processing,
  maxConcurrency,
}: QueueFacts): boolean {
  return !isPaused && queued > 0 && oldestTaskMs >= OLD_TASK_MS && processing >= maxConcurrency
}

/** @param cpu - CPU usage of the busiest process in percent; `0` if it is unknown. */
export function queueAdvice(facts: QueueFacts, cpu: number): TuningAdvice | undefined {
  if (!isHeldUp(facts) || cpu >= BUSY_CPU) return undefined
  const { queue, oldestTaskMs, maxConcurrency, throughputPerSecond: rate } = facts
  const kind = 'concurrency'
  const problem = `Tasks of "${queue}" wait up to ${(oldestTaskMs / 1_000).toFixed(0)} s with a concurrency of ${maxConcurrency}, while CPU usage is ${cpu.toFixed(0)}%`
  if (rate === 0) return { kind, text: `${problem}: raise the concurrency.` }
  const to = 2 * maxConcurrency
  return {
    kind,
    setting: queueSetting(queue),
    from: maxConcurrency,
    to,
    expected: { measure: 'tasksPerSecond', from: rate, to: 2 * rate },
    text: `${problem}: raise the concurrency to ${to}. Up to ${short(2 * rate)} instead of ${short(rate)} tasks would finish per second.`,
  }
}

export function queueSetting(queue: string): string {
  return `concurrency of queue ${queue}`
}

function short(rate: number): string {
  return String(Number(rate.toPrecision(2)))
}
