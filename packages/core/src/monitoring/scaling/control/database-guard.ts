import { BUSY_CPU } from '../../../shared/thresholds.ts'
import { percent, shown, type WorkerState, workers } from './control-options.ts'

/** From this share of looks on, the pools of connections are what holds requests up. */
const WAITING = 0.3
const LEAST_GAIN = 1.05
const MAX_GROWTH = 1.5
const SETTLE_MS = 60_000
const BLOCK_MS = 600_000

interface Step {
  readonly at: number
  readonly from: number
  readonly throughput: number
}

/** The result of the guard; `reason` if it changed the number of workers. */
export interface Guarded {
  readonly desired: number
  readonly reason?: string
}

/**
 * Keeps workers from being added to a database that cannot take more: each brings connections, and beyond
 * some number of them a database answers less in all. Scaling up is refused while requests wait for
 * connections and workers have CPU to spare; what was added and brought nothing is taken back.
 */
export class DatabaseGuard {
  #step: Step | undefined
  #blockedUntil = Number.NEGATIVE_INFINITY

  constructor(
    private readonly options: {
      readonly capacity: number
      readonly startUpSeconds: number
      readonly maxConnections?: number | undefined
    },
  ) {}

  /** Connections for each of so many workers. */
  poolSize(count: number): number | undefined {
    const { maxConnections } = this.options
    return maxConnections === undefined
      ? undefined
      : Math.max(1, Math.floor(maxConnections / Math.max(1, count)))
  }

  /** @param desired - Number of workers that the load requires. */
  check(now: number, state: WorkerState, desired: number): Guarded {
    const undone = this.#undo(now, state)
    if (undone !== undefined) return undone
    if (desired <= state.current) return { desired }
    const refusal = this.#refusal(now, state, desired)
    if (refusal !== undefined)
      return { desired: state.current, reason: `Not scaled up to ${desired}: ${refusal}` }
    return this.#limited(state, desired)
  }

  /** Records the final decision, whose step may have to be reverted. */
  decided(now: number, state: WorkerState, desired: number): void {
    const { current, throughput } = state
    if (desired > current && this.#step === undefined && throughput !== undefined)
      this.#step = { at: now, from: current, throughput }
  }

  #undo(now: number, { current, throughput, poolWaiting }: WorkerState): Guarded | undefined {
    const step = this.#step
    if (step === undefined || now < step.at + this.options.startUpSeconds * 1000 + SETTLE_MS) return undefined
    this.#step = undefined
    const isShort = poolWaiting !== undefined && poolWaiting > WAITING
    if (
      !isShort ||
      throughput === undefined ||
      throughput >= LEAST_GAIN * step.throughput ||
      current <= step.from
    )
      return undefined
    this.#blockedUntil = now + BLOCK_MS
    const gain = step.throughput > 0 ? throughput / step.throughput - 1 : 0
    return {
      desired: step.from,
      reason: `Reverted from ${current} to ${workers(step.from)}: scaling up changed the throughput by only ${percent(gain)} (from ${shown(step.throughput)} to ${shown(throughput)} responses/s), and requests wait for database connections.`,
    }
  }

  #refusal(now: number, state: WorkerState, desired: number): string | undefined {
    const { current, poolWaiting } = state
    if (now < this.#blockedUntil) {
      const minutes = Math.ceil((this.#blockedUntil - now) / 60_000)
      return `the last step up had no effect, because the database is the bottleneck. Next attempt in ${minutes} min at the earliest.`
    }
    const { maxConnections } = this.options
    if (maxConnections !== undefined && current >= maxConnections && desired > maxConnections) {
      return `${maxConnections} database connections are not enough for more than ${workers(maxConnections)}.`
    }
    const cpu = this.#cpuOf(state)
    if (poolWaiting === undefined || poolWaiting <= WAITING || cpu === undefined || cpu >= BUSY_CPU)
      return undefined
    return `requests waited for a database connection in ${percent(poolWaiting)} of the measurements, and workers use ${shown(cpu)}% of their CPU: the database is the bottleneck.`
  }

  #limited({ current, poolWaiting }: WorkerState, desired: number): Guarded {
    const { maxConnections = Number.POSITIVE_INFINITY } = this.options
    const isWaiting = poolWaiting !== undefined && poolWaiting > WAITING
    const growth = isWaiting
      ? Math.max(current + 1, Math.ceil(current * MAX_GROWTH))
      : Number.POSITIVE_INFINITY
    const limit = Math.min(maxConnections, growth)
    if (desired <= limit) return { desired }
    const because =
      limit === growth
        ? 'requests wait for database connections, so a smaller step comes first'
        : `there are only ${maxConnections} database connections`
    return { desired: limit, reason: `Scaled up to ${limit} instead of ${desired}: ${because}.` }
  }

  /** Estimated from the throughput if it is unknown, for workers that only respond to requests. */
  #cpuOf({ cpu, throughput, current }: WorkerState): number | undefined {
    if (cpu !== undefined) return cpu
    return throughput === undefined || current === 0
      ? undefined
      : (100 * throughput) / (this.options.capacity * current)
  }
}
