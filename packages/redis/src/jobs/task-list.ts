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
    return this.redis.ask(() => this.redis.client.smembers(this.redis.key('queues')))
  }

  async list(
    { queue, status, batchId }: TaskFilter,
    { offset, limit }: Required<PageRange>,
  ): Promise<readonly TaskRecord[]> {
    if (batchId !== undefined) {
      const isWhole = queue === undefined && status === undefined
      const [first, last] = isWhole ? [offset, offset + limit - 1] : [0, -1]
      const parts = await this.redis.ask(() =>
        this.redis.client.zrange(this.redis.key(`batch:${batchId}:parts`), `${first}`, `${last}`),
      )
      return await this.#matching(parts.map(placeOf), { queue, status }, isWhole ? 0 : offset, limit)
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
        const ids = await this.redis.ask(() =>
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
