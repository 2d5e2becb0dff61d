import { errorMessage } from '../shared/error-message.ts'
import { Periodic } from '../shared/timers.ts'
import type { QueueCounts } from './backends/job-backend.ts'
import type { JobContext } from './job-context.ts'
import type { HealthState, QueueHealth } from './job-events.ts'
import type { QueueStats, TimeQuantiles } from './queues.ts'

/** Statistics of a queue. Counts are those of the backend; the other values are those of this process. */
export interface ProcessingStats {
  readonly queue: string
  readonly pending: number
  readonly queued: number
  readonly processing: number
  readonly retry: number
  readonly deadLetters: number
  readonly isPaused: boolean
  readonly completed: number
  readonly retried: number
  readonly failed: number
  readonly cancelled: number
  /** Outcomes that did not count, because another worker had been given the task. */
  readonly lost: number
  /** Finished attempts per second, in the last minute. */
  readonly throughputPerSecond: number
  /** Milliseconds from the creation of a task to its start, in the last 1 to 2 minutes. */
  readonly waitMs: TimeQuantiles
  readonly runMs: TimeQuantiles
  /** The share of attempts that failed and were tried again. */
  readonly retryRate: number
  /** Milliseconds for which the oldest task waits that could run. */
  readonly oldestTaskMs: number
  /** Whether ready tasks wait, and no task finished for 10 seconds. */
  readonly isStalled: boolean
}

const HEALTH_MS = 5_000
/**
 * Maximum number of tasks to count for the health, which is checked every few seconds: more make no
 * difference.
 */
const COUNTED_FOR_HEALTH = 1_000
const STALLED_MS = 10_000
const OLD_MS = 60_000
const MANY_RETRIES = 0.2
const ENOUGH = 20

function processingStats(
  queue: string,
  counts: QueueCounts,
  stats: QueueStats,
  now: number,
  wall: number,
): ProcessingStats {
  const oldestTaskMs = counts.oldestQueuedAt === null ? 0 : Math.max(0, wall - counts.oldestQueuedAt)
  return {
    queue,
    pending: counts.pending,
    queued: counts.queued,
    processing: counts.processing,
    retry: counts.retry,
    deadLetters: counts.dead,
    isPaused: counts.isPaused,
    completed: stats.completed,
    retried: stats.retried,
    failed: stats.dead,
    cancelled: stats.cancelled,
    lost: stats.lost,
    throughputPerSecond: stats.throughput(now),
    waitMs: stats.waitMs(now),
    runMs: stats.runMs(now),
    retryRate: stats.retryRate,
    oldestTaskMs,
    isStalled: !counts.isPaused && oldestTaskMs >= STALLED_MS && now - stats.progressAt >= STALLED_MS,
  }
}

/** @param hasWorker - Whether this process runs tasks of the queue. */
function healthOf(stats: ProcessingStats, hasWorker: boolean): QueueHealth {
  const reasons: string[] = []
  let health: HealthState = 'healthy'
  const add = (state: HealthState, reason: string) => {
    reasons.push(reason)
    if (health !== 'unhealthy') health = state
  }
  if (stats.isStalled && hasWorker)
    add('unhealthy', `${waiting(stats)} tasks wait, and no task finished for 10 seconds.`)
  else if (stats.oldestTaskMs >= OLD_MS && !stats.isPaused)
    add('degraded', `A task has waited for ${Math.round(stats.oldestTaskMs / 1_000)} seconds.`)
  if (stats.isPaused && stats.queued > 0)
    add('degraded', `The queue is paused, and ${waiting(stats)} tasks wait.`)
  if (stats.retryRate > MANY_RETRIES && stats.completed + stats.retried + stats.failed >= ENOUGH)
    add('degraded', `${Math.round(stats.retryRate * 100)}% of the attempts failed and were retried.`)
  const ended = stats.completed + stats.failed
  if (stats.failed > ended / 2 && ended >= ENOUGH)
    add('unhealthy', `${stats.failed} of ${ended} tasks failed permanently.`)
  return { health, reasons }
}

function waiting({ queued }: ProcessingStats): string {
  return queued < COUNTED_FOR_HEALTH ? `${queued}` : `${COUNTED_FOR_HEALTH} or more`
}

/** Reads statistics and health of queues, and notifies of a changed health. */
export class QueueWatch {
  readonly #known = new Map<string, HealthState>()
  readonly #watching = new Periodic(HEALTH_MS, () => this.#watch())

  /** @param hasWorker - Whether this process runs tasks of a queue. */
  constructor(
    private readonly context: JobContext,
    private readonly hasWorker: (queue: string) => boolean,
  ) {}

  /** Checks all queues every few seconds from now on, while anything listens to changes of their health. */
  start(): void {
    this.#watching.start()
  }

  stop(): void {
    this.#watching.stop()
  }

  /** @throws UnknownQueueError; JobBackendError. */
  async stats(queue: string, upTo?: number): Promise<ProcessingStats> {
    const { open, queues, clock } = this.context
    const { stats } = queues.get(queue)
    await open.open()
    return processingStats(queue, await open.backend.counts(queue, upTo), stats, clock.now(), clock.wall())
  }

  /** @throws UnknownQueueError. */
  async health(queue: string): Promise<QueueHealth> {
    const { queues, clock } = this.context
    const own = queues.get(queue).stats
    try {
      const found = healthOf(await this.stats(queue, COUNTED_FOR_HEALTH), this.hasWorker(queue))
      const failure = own.backendFailure(clock.now())
      if (failure === undefined) return found
      return {
        health: 'unhealthy',
        reasons: [`Its backend rejects writes: ${errorMessage(failure)}`, ...found.reasons],
      }
    } catch (error) {
      return { health: 'unhealthy', reasons: [`Its backend does not respond: ${errorMessage(error)}`] }
    }
  }

  #watch(): boolean {
    const { events, queues, open } = this.context
    // The event of another health reports a backend that does not answer: `health` does not reject.
    if (events.has('queue:health')) for (const { name } of queues.all) void this.#check(name)
    return !open.isClosed
  }

  /** A queue that is healthy at first is not reported. */
  async #check(queue: string): Promise<void> {
    const health = await this.health(queue)
    const before = this.#known.get(queue) ?? 'healthy'
    this.#known.set(queue, health.health)
    if (health.health !== before) this.context.events.emit('queue:health', { queue, health })
  }
}
