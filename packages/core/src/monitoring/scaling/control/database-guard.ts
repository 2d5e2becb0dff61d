import { percent, shown, type WorkerState, workers } from './decision.ts'

/** From this share of looks on, the pools of connections are what holds requests up. */
const WAITING = 0.3
/** Workers that use less CPU than this wait for something else. */
const BUSY_CPU = 80
const LEAST_GAIN = 1.05
const MAX_GROWTH = 1.5
const SETTLE_MS = 60_000
const BLOCK_MS = 600_000

interface Step {
  readonly at: number
  readonly from: number
  readonly throughput: number
}

/** What the guard makes of a number of workers; `reason` where it is another one. */
export interface Guarded {
  readonly desired: number
  readonly reason?: string
}

/**
 * Keeps workers from being added to a database that cannot take more: each brings connections, and beyond some number of them a database answers less in
 * all. Scaling up is refused while requests wait for connections and workers have CPU to spare; what was added and brought nothing is taken back.
 */
export class DatabaseGuard {
  #step: Step | undefined
  #blockedUntil = Number.NEGATIVE_INFINITY

  constructor(
    private readonly options: { readonly capacity: number; readonly startUpSeconds: number; readonly maxConnections?: number | undefined },
  ) {}

  /** Connections for each of so many workers. */
  poolSize(count: number): number | undefined {
    const { maxConnections } = this.options
    return maxConnections === undefined ? undefined : Math.max(1, Math.floor(maxConnections / Math.max(1, count)))
  }

  /** @param desired - What the load asks for. */
  check(now: number, state: WorkerState, desired: number): Guarded {
    const undone = this.#undo(now, state)
    if (undone !== undefined) return undone
    if (desired <= state.current) return { desired }
    const refusal = this.#refusal(now, state, desired)
    if (refusal !== undefined) return { desired: state.current, reason: `Not up to ${desired}: ${refusal}` }
    return this.#limited(state, desired)
  }

  /** Tells what was decided in the end: a step that may have to be taken back. */
  decided(now: number, state: WorkerState, desired: number): void {
    const { current, throughput } = state
    if (desired > current && this.#step === undefined && throughput !== undefined) this.#step = { at: now, from: current, throughput }
  }

  #undo(now: number, { current, throughput, poolWaiting }: WorkerState): Guarded | undefined {
    const step = this.#step
    if (step === undefined || now < step.at + this.options.startUpSeconds * 1000 + SETTLE_MS) return undefined
    this.#step = undefined
    const isShort = poolWaiting !== undefined && poolWaiting > WAITING
    if (!isShort || throughput === undefined || throughput >= LEAST_GAIN * step.throughput || current <= step.from) return undefined
    this.#blockedUntil = now + BLOCK_MS
    const gain = step.throughput > 0 ? throughput / step.throughput - 1 : 0
    return {
      desired: step.from,
      reason: `Back from ${current} to ${workers(step.from)}: the step up changed what is answered by ${percent(gain)} only (from ${shown(step.throughput)} to ${shown(throughput)} a second), and requests wait for database connections.`,
    }
  }

  #refusal(now: number, state: WorkerState, desired: number): string | undefined {
    const { current, poolWaiting } = state
    if (now < this.#blockedUntil) {
      const minutes = Math.ceil((this.#blockedUntil - now) / 60_000)
      return `the last step up brought nothing, because of the database; up again in ${minutes} min at the earliest.`
    }
    const { maxConnections } = this.options
    if (maxConnections !== undefined && current >= maxConnections && desired > maxConnections) {
      return `${maxConnections} database connections are not enough for more than ${workers(maxConnections)}.`
    }
    const cpu = this.#cpuOf(state)
    if (poolWaiting === undefined || poolWaiting <= WAITING || cpu === undefined || cpu >= BUSY_CPU) return undefined
    return `requests waited for a database connection in ${percent(poolWaiting)} of the looks, and workers use ${shown(cpu)} % of their CPU: the database is what is short.`
  }

  #limited({ current, poolWaiting }: WorkerState, desired: number): Guarded {
    const { maxConnections = Number.POSITIVE_INFINITY } = this.options
    const isWaiting = poolWaiting !== undefined && poolWaiting > WAITING
    const growth = isWaiting ? Math.max(current + 1, Math.ceil(current * MAX_GROWTH)) : Number.POSITIVE_INFINITY
    const limit = Math.min(maxConnections, growth)
    if (desired <= limit) return { desired }
    const because =
      limit === growth ? 'requests wait for database connections: a smaller step first' : `there are ${maxConnections} database connections`
    return { desired: limit, reason: `Up to ${limit} and not to ${desired}: ${because}.` }
  }

  /** What is answered tells it, too, of workers that do nothing else. */
  #cpuOf({ cpu, throughput, current }: WorkerState): number | undefined {
    if (cpu !== undefined) return cpu
    return throughput === undefined || current === 0 ? undefined : (100 * throughput) / (this.options.capacity * current)
  }
}
