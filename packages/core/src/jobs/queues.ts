import type { Clock } from '../shared/clock.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { LatencyHistogram } from '../shared/histogram.ts'
import type { Mutable } from '../shared/mutable.ts'
import { checkArgument, checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { TaskOutcomeKind } from './backends/job-backend.ts'
import { UnknownQueueError } from './job-errors.ts'
import { checkQueueOptions, type QueueOptions, type RateLimit } from './job-options.ts'
import type { Processor, ProcessorOptions } from './processor.ts'

const DEFAULT_CONCURRENCY = 10
const CONCURRENCY: OptionRule = option.integer(1, 100_000)
/** Names that every backend supports. */
const NAME = /^[\w.-]{1,100}$/

/** A queue of tasks of one kind. */
export interface TaskQueue {
  readonly name: string
  /** Number of tasks that run concurrently in this process. */
  readonly maxConcurrency: number
}

/** A queue as this process knows it. */
export interface QueueState extends TaskQueue {
  readonly storesDeadLetters: boolean
  readonly rate: RateBucket | undefined
  readonly stats: QueueStats
  readonly processor: Processor | undefined
  readonly perItem: boolean
}

/**
 * Limits starts to a steady rate. It begins with 1 token: a full bucket would allow twice as many starts
 * initially.
 */
class RateBucket {
  #tokens = 1
  #at: number

  constructor(
    private readonly limit: RateLimit,
    now: number,
  ) {
    this.#at = now
  }

  /** How many may start now. */
  available(now: number): number {
    const { tasks, perMs } = this.limit
    this.#tokens = Math.min(tasks, this.#tokens + ((now - this.#at) / perMs) * tasks)
    this.#at = now
    return Math.floor(this.#tokens)
  }

  take(count: number): void {
    this.#tokens -= count
  }

  /** Milliseconds until one more may start. */
  waitMs(): number {
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * this.limit.perMs) / this.limit.tasks
  }
}

/** The queues that an engine knows. */
export class Queues {
  readonly #queues = new Map<string, Mutable<QueueState>>()
  /** Processors that hold something. */
  readonly #closing = new Set<Processor>()

  constructor(private readonly clock: Clock) {
    this.create('default', DEFAULT_CONCURRENCY, {})
  }

  get all(): readonly QueueState[] {
    return [...this.#queues.values()]
  }

  find(name: string): QueueState | undefined {
    return this.#queues.get(name)
  }

  /** @throws UnknownQueueError. */
  get(name: string): QueueState {
    const queue = this.#queues.get(name)
    if (queue === undefined) throw new UnknownQueueError(String(name), [...this.#queues.keys()])
    return queue
  }

  /**
   * @param options - Omitted: an existing queue keeps its options.
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  create(name: string, maxConcurrency: number = DEFAULT_CONCURRENCY, options?: QueueOptions): TaskQueue {
    if (typeof name !== 'string' || !NAME.test(name))
      throw new InvalidArgumentError('name', '1 to 100 letters, digits, ".", "_" and "-"', name)
    checkArgument('maxConcurrency', CONCURRENCY, maxConcurrency)
    if (options !== undefined) checkQueueOptions(options)
    const known = this.#queues.get(name)
    if (known !== undefined && options === undefined) return { name, maxConcurrency: known.maxConcurrency }
    const { rate, deadLetters = true } = options ?? {}
    const settings = {
      maxConcurrency,
      storesDeadLetters: deadLetters,
      rate: rate && new RateBucket(rate, this.clock.now()),
    }
    if (known === undefined)
      this.#queues.set(name, {
        name,
        ...settings,
        stats: new QueueStats(this.clock.now()),
        processor: undefined,
        perItem: false,
      })
    else Object.assign(known, settings)
    return { name, maxConcurrency }
  }

  /** @throws UnknownQueueError; InvalidArgumentError. */
  setConcurrency(name: string, maxConcurrency: number): void {
    checkArgument('maxConcurrency', CONCURRENCY, maxConcurrency)
    const queue: Mutable<QueueState> = this.get(name)
    queue.maxConcurrency = maxConcurrency
  }

  /** @throws InvalidArgumentError; InvalidOptionError. */
  setProcessor(name: string, processor: Processor, options: ProcessorOptions): void {
    checkArgument('processor', option.callback, processor)
    checkOptions(options, { concurrency: CONCURRENCY, perItem: option.boolean })
    this.create(name)
    const queue = this.#queues.get(name)
    if (queue === undefined) return
    if (processor.close !== undefined) this.#closing.add(processor)
    queue.processor = processor
    queue.perItem = options.perItem ?? false
    const concurrency = options.concurrency ?? processor.concurrency
    if (concurrency !== undefined) queue.maxConcurrency = concurrency
  }

  /** Closes the processors, including replaced ones. */
  async close(onError: (error: unknown) => void): Promise<void> {
    for (const processor of this.#closing) {
      try {
        await processor.close?.()
      } catch (error) {
        onError(error)
      }
    }
  }
}

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
