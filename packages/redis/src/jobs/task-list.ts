import type { PageRange, TaskFilter, TaskRecord, TaskStatus } from '@sluice/core/jobs'
import { type FlatHash, recordOf } from './job-fields.ts'
import type { JobsRedis } from './jobs-redis.ts'

/** Tasks that are read per call. */
const GROUP = 200

type RecordReply = readonly [queue: string, id: string, state: string, due: string, fields: FlatHash]
/** Where a task is stored. */
type Place = readonly [queue: string, id: string]

interface Criteria {
  readonly queue: string | undefined
  readonly status: TaskStatus | undefined
}

/** The BullMQ indexes with tasks of a status. Some also contain tasks of other statuses. */
const INDEXES: Readonly<Record<TaskStatus, readonly string[]>> = {
  pending: ['delayed'],
  retry: ['delayed'],
  queued: ['prioritized', 'wait', 'paused'],
  processing: ['active'],
  completed: ['completed'],
  cancelled: ['completed'],
  failed: ['completed'],
  dead: ['failed'],
}
const ALL = ['delayed', 'prioritized', 'wait', 'paused', 'active', 'completed', 'failed']
const LISTS = new Set(['wait', 'paused', 'active'])

/**
 * Reads tasks. It finds the tasks of a batch and dead-lettered tasks by their index, and other tasks by
 * reading all ids in the BullMQ indexes of their status.
 */
export class TaskList {
  constructor(private readonly redis: JobsRedis) {}

  async get(id: string): Promise<TaskRecord | undefined> {
    const queue = await this.queueOf(id)
    if (queue === undefined) return undefined
    const [record] = await this.#records([[queue, id]])
    return record
  }

  async queueOf(id: string): Promise<string | undefined> {
    return ((await this.redis.run('find', '', id)) as string | null) ?? undefined
  }

  queues(): Promise<string[]> {
    return this.redis.send(() => this.redis.client.smembers(this.redis.key('queues')))
  }

  async list(
    { queue, status, batchId }: TaskFilter,
    { offset, limit }: Required<PageRange>,
  ): Promise<readonly TaskRecord[]> {
    if (batchId !== undefined) {
      const isComplete = queue === undefined && status === undefined
      const [first, last] = isComplete ? [offset, offset + limit - 1] : [0, -1]
      const parts = await this.redis.send(() =>
        this.redis.client.zrange(this.redis.key(`batch:${batchId}:parts`), `${first}`, `${last}`),
      )
      return await this.#matching(parts.map(placeOf), { queue, status }, isComplete ? 0 : offset, limit)
    }
    const queues = queue === undefined ? await this.queues() : [queue]
    const places =
      status === 'dead' ? await this.#dead(queues, offset + limit) : await this.#byId(queues, status)
    return await this.#matching(places, { queue, status }, offset, limit)
  }

  /** Returns the tasks in the order in which they failed. */
  async #dead(queues: readonly string[], count: number): Promise<readonly Place[]> {
    const found = await Promise.all(queues.map((queue) => this.deadOf(queue, 0, count - 1)))
    return queues
      .flatMap((queue, at) => (found[at] ?? []).map(({ id, failedAt }) => ({ queue, id, failedAt })))
      .sort((left, right) => left.failedAt - right.failedAt)
      .map(({ queue, id }) => [queue, id])
  }

  async deadOf(
    queue: string,
    first: number,
    last: number,
  ): Promise<{ readonly id: string; readonly failedAt: number; readonly bytes: number }[]> {
    const found = (await this.redis.run('dead', queue, first, last)) as [string, string, number][]
    return found.map(([id, failedAt, bytes]) => ({ id, failedAt: Number(failedAt), bytes }))
  }

  /** Returns the tasks in the order of their ids, which is the order of their creation. */
  async #byId(queues: readonly string[], status: TaskStatus | undefined): Promise<readonly Place[]> {
    const { client, root } = this.redis
    const places: Place[] = []
    for (const queue of queues) {
      for (const index of status === undefined ? ALL : INDEXES[status]) {
        const key = `${root}${queue}:${index}`
        const ids = await this.redis.send(() =>
          LISTS.has(index) ? client.lrange(key, 0, -1) : client.zrange(key, '0', '-1'),
        )
        for (const id of ids) places.push([queue, id])
      }
    }
    return places.sort(([, left], [, right]) => (left < right ? -1 : 1))
  }

  async #matching(
    places: readonly Place[],
    filter: Criteria,
    offset: number,
    limit: number,
  ): Promise<TaskRecord[]> {
    const found: TaskRecord[] = []
    let skip = offset
    for (let at = 0; at < places.length && found.length < limit; at += GROUP) {
      for (const record of await this.#records(places.slice(at, at + GROUP))) {
        if (filter.queue !== undefined && record.queue !== filter.queue) continue
        if (filter.status !== undefined && record.status !== filter.status) continue
        if (skip > 0) skip -= 1
        else if (found.length < limit) found.push(record)
      }
    }
    return found
  }

  async #records(places: readonly Place[]): Promise<TaskRecord[]> {
    if (places.length === 0) return []
    const found = (await this.redis.run('records', '', ...places.flat())) as (RecordReply | null)[]
    return found.filter((record) => record !== null).map((record) => recordOf(...record))
  }
}

function placeOf(part: string): Place {
  const at = part.indexOf(':')
  return [part.slice(0, at), part.slice(at + 1)]
}

/** Dead-lettered tasks that are processed per call. */
const DEAD_GROUP = 500

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
      const some = await this.tasks.deadOf(queue, known.count, known.count + DEAD_GROUP - 1)
      const bytes = some.reduce((sum, one) => sum + one.bytes, known.bytes)
      known = { count: known.count + some.length, bytes, last: some.at(-1)?.id ?? known.last }
      isMore = some.length === DEAD_GROUP
    }
    this.#known.set(queue, known)
    return known.bytes
  }

  /** Returns the oldest tasks of all queues, and for each of them the bytes of the older ones. */
  async #oldest(queues: readonly string[]) {
    const found = await Promise.all(queues.map((queue) => this.tasks.deadOf(queue, 0, DEAD_GROUP - 1)))
    const all = queues.flatMap((queue, at) => (found[at] ?? []).map((one) => ({ queue, ...one })))
    let older = 0
    return all
      .sort((left, right) => left.failedAt - right.failedAt)
      .slice(0, DEAD_GROUP)
      .map((one) => {
        const placed = { ...one, older }
        older += one.bytes
        return placed
      })
  }
}
