import { Random } from '../../support/random.ts'

/** Requests per second that a worker completes. */
export const CAPACITY = 100
/** Seconds that a request takes without waiting. */
const SERVICE_SECONDS = 0.01
/**
 * Upper limit of the p99 latency in seconds for a second to meet the objective: p99 is five times the mean.
 */
const OBJECTIVE_SECONDS = 0.2
const SLOWEST = 5
/** Seconds of work that may wait; requests beyond that are dropped. */
const QUEUE_SECONDS = 5
const DRAIN_SECONDS = 30
const RETRY_SECONDS = 3
const RETRY_SLOTS = 8

export interface FluidOptions {
  readonly startUpSeconds: number
  readonly workers: number
  readonly retries: number
  readonly seed: number
}

/** The results of one second. */
export interface Second {
  readonly arrivals: number
  readonly served: number
  readonly dropped: number
  readonly isOver: boolean
  /** The used share of its capacity. */
  readonly busy: number
  /** The p99 latency in seconds. */
  readonly slowest: number
}

/**
 * Workers as a fluid: the requests of a second are served up to the capacity, and the rest waits. In addition
 * to the backlog, requests delay each other as in a queue with many servers (Sakasegawa's approximation).
 */
export class FluidWorkers {
  readonly #random: Random
  readonly #retries = new Float64Array(RETRY_SLOTS)
  #active: number
  /** When starting workers will be up, and draining workers gone. */
  #starting: number[] = []
  #draining: number[] = []
  #second = 0
  backlog = 0

  constructor(private readonly options: FluidOptions) {
    this.#random = new Random(options.seed)
    this.#active = options.workers
  }

  /** Running and starting workers. */
  get workers(): number {
    return this.#active + this.#starting.length
  }

  get active(): number {
    return this.#active
  }

  /** All workers that must be paid for. */
  get paid(): number {
    return this.workers + this.#draining.length
  }

  scaleTo(count: number): void {
    for (let more = count - this.workers; more > 0; more -= 1)
      this.#starting.push(this.#second + this.options.startUpSeconds)
    for (let fewer = this.workers - count; fewer > 0; fewer -= 1) {
      if (this.#starting.pop() !== undefined) continue
      this.#active -= 1
      this.#draining.push(this.#second + DRAIN_SECONDS)
    }
  }

  /** Simulates one second. */
  pass(rate: number): Second {
    const now = this.#second
    this.#second += 1
    this.#active += this.#starting.filter((at) => at <= now).length
    this.#starting = this.#starting.filter((at) => at > now)
    this.#draining = this.#draining.filter((at) => at > now)
    const slot = now % RETRY_SLOTS
    const offered = rate + (this.#retries[slot] ?? 0)
    this.#retries[slot] = 0
    const arrivals = poisson(offered, this.#random)
    const capacity = this.#active * CAPACITY
    const served = Math.min(this.backlog + arrivals, capacity)
    const waiting = this.backlog + arrivals - served
    const dropped = Math.max(0, waiting - capacity * QUEUE_SECONDS)
    this.backlog = waiting - dropped
    const again = (now + RETRY_SECONDS) % RETRY_SLOTS
    this.#retries[again] = (this.#retries[again] ?? 0) + dropped * this.options.retries
    const slowest =
      this.backlog / capacity + SLOWEST * (SERVICE_SECONDS + this.#mutual(offered, capacity, arrivals))
    return {
      arrivals,
      served,
      dropped,
      isOver: slowest > OBJECTIVE_SECONDS,
      busy: served / capacity,
      slowest,
    }
  }

  /** The time that requests wait for each other while the capacity is sufficient. */
  #mutual(offered: number, capacity: number, arrivals: number): number {
    if (this.backlog > arrivals * 0.3) return 0
    const used = Math.min(0.995, offered / capacity)
    return (SERVICE_SECONDS * used ** (Math.sqrt(2 * (this.#active + 1)) - 1)) / (this.#active * (1 - used))
  }
}

/** A Poisson number: by Knuth if it is small, otherwise by the normal distribution. */
function poisson(mean: number, random: Random): number {
  if (mean >= 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
  }
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random.next(); product > limit; product *= random.next()) count += 1
  return count
}
