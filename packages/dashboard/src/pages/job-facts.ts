import type { ProcessingStats, QueueHealth, Sluice } from '@sluice/core'

const MAX_QUEUES = 50
/** 2 minutes of queue depths. */
const DEPTHS = 24
/** Minimum time between two depths. */
const DEPTH_GAP_MS = 4_500

const NO_TIMES = { p50: 0, p95: 0, p99: 0 }
const NOTHING: Omit<ProcessingStats, 'queue'> = {
  pending: 0,
  queued: 0,
  processing: 0,
  retry: 0,
  deadLetters: 0,
  isPaused: false,
  completed: 0,
  retried: 0,
  failed: 0,
  cancelled: 0,
  lost: 0,
  throughputPerSecond: 0,
  waitMs: NO_TIMES,
  runMs: NO_TIMES,
  retryRate: 0,
  oldestTaskMs: 0,
  isStalled: false,
}

/** The last known state of a queue. */
export interface QueueFacts extends ProcessingStats, QueueHealth {
  readonly maxConcurrency: number
  readonly depth: readonly (readonly [at: number, depth: number])[]
}

/** The last known state of all queues. Reading it can take one query per queue. */
export class JobFacts {
  queues: readonly QueueFacts[] = []
  readonly #depths = new Map<string, [at: number, depth: number][]>()
  #refreshing: Promise<void> | undefined

  constructor(private readonly sluice: Pick<Sluice, 'jobs'>) {}

  get deadLetters(): number {
    return this.queues.reduce((sum, { deadLetters }) => sum + deadLetters, 0)
  }

  /**
   * Reads the state again. Concurrent calls share one read. Does not open an engine that was not used yet.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #read(): Promise<void> {
    const { jobs } = this.sluice
    if (jobs?.isOpen !== true) return
    const queues = jobs.getQueues().slice(0, MAX_QUEUES)
    this.queues = await Promise.all(
      queues.map(async ({ name, maxConcurrency }) => {
        const [stats, health] = await Promise.all([this.#statsOf(jobs, name), jobs.getQueueHealth(name)])
        return { ...stats, ...health, maxConcurrency, depth: this.#depth(stats) }
      }),
    )
    for (const name of this.#depths.keys())
      if (!queues.some((queue) => queue.name === name)) this.#depths.delete(name)
  }

  /** Returns the last known statistics if the backend fails. The health of the queue reports the failure. */
  async #statsOf(jobs: NonNullable<Sluice['jobs']>, queue: string): Promise<ProcessingStats> {
    try {
      return await jobs.getProcessingStats(queue)
    } catch {
      return this.queues.find((known) => known.queue === queue) ?? { ...NOTHING, queue }
    }
  }

  #depth({
    queue,
    pending,
    queued,
    processing,
    retry,
  }: ProcessingStats): readonly (readonly [at: number, depth: number])[] {
    const depths = this.#depths.get(queue) ?? []
    this.#depths.set(queue, depths)
    const at = Date.now()
    if (at - (depths.at(-1)?.[0] ?? 0) >= DEPTH_GAP_MS)
      depths.push([at, pending + queued + processing + retry])
    if (depths.length > DEPTHS) depths.shift()
    return [...depths]
  }
}
