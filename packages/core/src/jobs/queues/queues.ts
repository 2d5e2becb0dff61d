import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Mutable } from '../../shared/mutable.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { UnknownQueueError } from '../job-errors.ts'
import { checkQueueOptions, type QueueOptions, type RateLimit } from '../job-options.ts'
import type { Processor, ProcessorOptions } from '../processor.ts'
import { QueueStats } from './queue-stats.ts'

const DEFAULT_CONCURRENCY = 10
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
    checkConcurrency('maxConcurrency', maxConcurrency)
    if (options !== undefined) checkQueueOptions(options)
    const known = this.#queues.get(name)
    if (known !== undefined && options === undefined) return viewOf(known)
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
    checkConcurrency('maxConcurrency', maxConcurrency)
    const queue: Mutable<QueueState> = this.get(name)
    queue.maxConcurrency = maxConcurrency
  }

  /** @throws InvalidArgumentError; InvalidOptionError. */
  setProcessor(name: string, processor: Processor, options: ProcessorOptions): void {
    if (typeof processor !== 'function') throw new InvalidArgumentError('processor', 'a function', processor)
    checkOptions(options, { concurrency: option.integer(1, 100_000), perItem: option.boolean })
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

function viewOf({ name, maxConcurrency }: TaskQueue): TaskQueue {
  return { name, maxConcurrency }
}

function checkConcurrency(argument: string, value: number): void {
  const rule = option.integer(1, 100_000)
  if (!rule.accepts(value)) throw new InvalidArgumentError(argument, rule.expected, value)
}
