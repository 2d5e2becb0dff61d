import { LatencyHistogram } from '../../shared/histogram.ts'
import type { TaskOutcomeKind } from '../backends/job-backend.ts'

const WINDOW_SECONDS = 60
/** Within this time after a failure, a backend with pending writes has been retried. */
const FAILING_MS = 30_000
const QUANTILES = [0.5, 0.95, 0.99] as const

/** Milliseconds. */
export interface TimeQuantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Statistics of a queue in this process. */
export class QueueStats {
  completed = 0
  retried = 0
  dead = 0
  cancelled = 0
  released = 0
  timeouts = 0
  /** Number of outcomes that did not count. */
  lost = 0
  /** When a task was over the last time, by the clock. */
  progressAt: number
  readonly #wait = new LatencyHistogram()
  readonly #run = new LatencyHistogram()
  readonly #seconds = new Uint32Array(WINDOW_SECONDS)
  readonly #startedAt: number
  #second = 0
  #failure: { readonly at: number; readonly error: unknown } | undefined

  constructor(now: number) {
    this.progressAt = now
    this.#startedAt = now
  }

  /** The backend rejected a write, for example because the disk is full. Reads may still work. */
  backendFailed(now: number, error: unknown): void {
    this.#failure = { at: now, error }
  }

  /** The backend accepted a write. */
  backendWorked(): void {
    this.#failure = undefined
  }

  /** The error of the last write, if it failed within 30 seconds. */
  backendFailure(now: number): unknown {
    return this.#failure !== undefined && now - this.#failure.at < FAILING_MS
      ? this.#failure.error
      : undefined
  }

  started(now: number, waitMs: number): void {
    this.#wait.add(now, Math.max(0, waitMs))
  }

  ended(now: number, runMs: number, kind: TaskOutcomeKind): void {
    this.#run.add(now, runMs)
    this.progressAt = now
    this.#advance(now)
    const slot = this.#second % WINDOW_SECONDS
    this.#seconds[slot] = (this.#seconds[slot] ?? 0) + 1
    if (kind === 'done') this.completed += 1
    else if (kind === 'retry') this.retried += 1
    else if (kind === 'dead') this.dead += 1
    else if (kind === 'cancelled') this.cancelled += 1
    else this.released += 1
  }

  /** Finished attempts per second, in the last minute. */
  throughput(now: number): number {
    this.#advance(now)
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, (now - this.#startedAt) / 1_000))
    return this.#seconds.reduce((sum, count) => sum + count, 0) / seconds
  }

  waitMs(now: number): TimeQuantiles {
    return quantiles(this.#wait, now)
  }

  runMs(now: number): TimeQuantiles {
    return quantiles(this.#run, now)
  }

  /** The share of attempts that failed and are tried again. */
  get retryRate(): number {
    const all = this.completed + this.retried + this.dead
    return all === 0 ? 0 : this.retried / all
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000)
    if (second === this.#second) return
    const passed = Math.min(WINDOW_SECONDS, second - this.#second)
    for (let i = 1; i <= passed; i += 1) this.#seconds[(this.#second + i) % WINDOW_SECONDS] = 0
    this.#second = second
  }
}

function quantiles(histogram: LatencyHistogram, now: number): TimeQuantiles {
  const [p50 = 0, p95 = 0, p99 = 0] = histogram.quantiles(now, QUANTILES)
  return { p50, p95, p99 }
}
