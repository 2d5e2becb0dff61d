import type { JobsRedis } from './jobs-redis.ts'
import type { TaskList } from './task-list.ts'

/** Dead-lettered tasks that are processed per call. */
const GROUP = 500

/** The known size of a queue's dead-letter queue. */
interface Counted {
  readonly count: number
  readonly bytes: number
  /** The id of the newest task. */
  readonly last: string | undefined
}

const NOTHING: Counted = { count: 0, bytes: 0, last: undefined }

/**
 * Limits the size of the dead-letter queues. It is called every 30 seconds, and does not read tasks again
 * that it has counted, unless some of them were deleted.
 */
export class DeadLetters {
  readonly #known = new Map<string, Counted>()

  constructor(
    private readonly redis: JobsRedis,
    private readonly tasks: TaskList,
  ) {}

  /**
   * Deletes the oldest tasks of all queues until the data of the remaining ones takes at most `maxBytes`.
   *
   * @throws JobBackendError.
   */
  async tidy(maxBytes: number): Promise<void> {
    const queues = await this.tasks.queues()
    let excess = -maxBytes
    for (const queue of queues) excess += await this.#bytesOf(queue)
    while (excess > 0) {
      const oldest = await this.#oldest(queues)
      if (oldest.length === 0) return
      for (const queue of queues) {
        const ids: string[] = []
        let bytes = 0
        for (const one of oldest) {
          if (one.queue !== queue || excess - one.older <= 0) continue
          ids.push(one.id)
          bytes += one.bytes
        }
        if (ids.length === 0) continue
        await this.redis.run('purge', queue, '+inf', ...ids)
        const known = this.#known.get(queue) ?? NOTHING
        this.#known.set(queue, { ...known, count: known.count - ids.length, bytes: known.bytes - bytes })
      }
      excess -= oldest.reduce((sum, { bytes }) => sum + bytes, 0)
    }
  }

  async #bytesOf(queue: string): Promise<number> {
    let known = this.#known.get(queue) ?? NOTHING
    const [last] = known.count > 0 ? await this.tasks.deadOf(queue, known.count - 1, known.count - 1) : []
    if (last?.id !== known.last || known.count <= 0) known = NOTHING
    for (let isMore = true; isMore; ) {
      const some = await this.tasks.deadOf(queue, known.count, known.count + GROUP - 1)
      const bytes = some.reduce((sum, one) => sum + one.bytes, known.bytes)
      known = { count: known.count + some.length, bytes, last: some.at(-1)?.id ?? known.last }
      isMore = some.length === GROUP
    }
    this.#known.set(queue, known)
    return known.bytes
  }

  /** Returns the oldest tasks of all queues, and for each of them the bytes of the older ones. */
  async #oldest(queues: readonly string[]) {
    const found = await Promise.all(queues.map((queue) => this.tasks.deadOf(queue, 0, GROUP - 1)))
    const all = queues.flatMap((queue, at) => (found[at] ?? []).map((one) => ({ queue, ...one })))
    let older = 0
    return all
      .sort((left, right) => left.failedAt - right.failedAt)
      .slice(0, GROUP)
      .map((one) => {
        const placed = { ...one, older }
        older += one.bytes
        return placed
      })
  }
}
