import { InvalidArgumentError } from '@sluice/core'
import {
  type AddedTask,
  type BatchRow,
  type CancelledBatch,
  type CancelledTask,
  type JobBackend,
  JobBackendError,
  type NewBatch,
  type NewTask,
  type PageRange,
  type QueueCounts,
  type RenewedClaims,
  type RetentionLimits,
  type StepResult,
  type TaskClaim,
  type TaskFilter,
  type TaskOutcome,
  type TaskRecord,
  type WakeHint,
} from '@sluice/core/jobs'
import type { Cluster, Redis } from 'ioredis'
import { batchFields, batchRowsOf, type FlatHash, storedSettings } from './job-fields.ts'
import {
  type BullmqJobBackendOptions,
  closedError,
  JobsRedis,
  type ResolvedBullmqJobBackendOptions,
  resolveBullmqJobBackendOptions,
} from './jobs-redis.ts'
import { loadBullmq } from './load-bullmq.ts'
import { Steps } from './steps.ts'
import { DeadLetters, TaskList } from './task-list.ts'

/** Maximum characters of data per script call. */
const MAX_SENT = 4_194_304

interface Parts {
  readonly redis: JobsRedis
  readonly steps: Steps
  readonly tasks: TaskList
  readonly dead: DeadLetters
}

/**
 * Stores tasks in Redis, as jobs of BullMQ, for any number of processes on any number of machines. Dashboards
 * for BullMQ show them: waiting by priority, delayed, active, and failed. Failed jobs are the dead-letter
 * queue.
 *
 * Accepted tasks are as durable as Redis: after a restart, the backend continues with the tasks that Redis
 * has persisted, according to its `appendonly` and `appendfsync`.
 *
 * @param connection - An instance of ioredis 5 or 6: a single node, behind Sentinels, or a Cluster. Only its
 * connection options are used, for separate connections.
 * @throws InvalidOptionError; InvalidArgumentError if `connection` is not an instance of ioredis. At its
 * first use: JobBackendError without BullMQ 6.7.
 *
 * @example
 * ```ts
 * import { AsyncBatchProcessingEngine } from '@sluice/core'
 * import { bullmqJobBackend } from '@sluice/redis/bullmq'
 * import { Redis } from 'ioredis'
 *
 * const backend = bullmqJobBackend(new Redis('redis://127.0.0.1:6379'))
 * const jobs = new AsyncBatchProcessingEngine({ backend })
 * ```
 */
export function bullmqJobBackend(
  connection: Redis | Cluster,
  options: BullmqJobBackendOptions = {},
): JobBackend {
  if (typeof connection?.duplicate !== 'function')
    throw new InvalidArgumentError('connection', 'an instance of ioredis', connection)
  return new BullmqBackend(connection, resolveBullmqJobBackendOptions(options, connection.isCluster === true))
}

class BullmqBackend implements JobBackend {
  readonly name = 'bullmq'
  readonly isDurable = true
  readonly isShared = true
  readonly hasTransactions = false
  readonly stepsAtOnce = 2
  readonly #listeners = new Set<(hint: WakeHint) => void>()
  #parts: Parts | undefined
  #isClosed = false

  constructor(
    private readonly connection: Redis | Cluster,
    private readonly options: ResolvedBullmqJobBackendOptions,
  ) {}

  async open(): Promise<void> {
    if (this.#parts !== undefined) return
    const bullmq = await loadBullmq()
    if (this.#isClosed) throw closedError()
    const redis = new JobsRedis(this.connection, this.options, bullmq, {
      receive: (message) => this.#receive(message),
      lost: () => this.#wake({}),
    })
    const tasks = new TaskList(redis)
    this.#parts = { redis, steps: new Steps(redis), tasks, dead: new DeadLetters(redis, tasks) }
    try {
      await redis.connected()
    } catch (error) {
      this.#parts = undefined
      redis.close()
      throw error
    }
  }

  async add(tasks: readonly NewTask[]): Promise<readonly AddedTask[]> {
    const { redis } = this.#opened()
    const added: AddedTask[] = []
    for (const [queue, group] of groupsOf(tasks)) {
      const reply = (await redis.run('add', queue, group.length, ...group.flatMap(taskArguments))) as (
        | string
        | number
      )[]
      for (let at = 0; at < reply.length; at += 2)
        added.push({ id: String(reply[at]), isDuplicate: reply[at + 1] === 1 })
    }
    return added
  }

  step(
    queue: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): Promise<StepResult> {
    return this.#opened().steps.step(queue, outcomes, want, owner, leaseMs)
  }

  async renew(claims: readonly TaskClaim[], _owner: string, leaseMs: number): Promise<RenewedClaims> {
    const held = claims.flatMap(({ queue, id, token }) => [queue, id, token])
    const [lost, cancelled] = (await this.#opened().redis.run('renew', '', Math.ceil(leaseMs), ...held)) as [
      number[],
      number[],
    ]
    const claimsAt = (places: readonly number[]) =>
      places.map((place) => claims[place]).filter((claim) => claim !== undefined)
    return { lost: claimsAt(lost), cancelled: claimsAt(cancelled) }
  }

  async cancel(id: string, at: number): Promise<CancelledTask | undefined> {
    const { redis, tasks } = this.#opened()
    const queue = await tasks.queueOf(id)
    if (queue === undefined) return undefined
    const [was, ended] = (await redis.run('cancel', queue, id, Math.floor(at))) as [
      CancelledTask['was'] | null,
      FlatHash[],
    ]
    return was === null ? undefined : { was, batches: batchRowsOf(ended) }
  }

  async replay(id: string): Promise<boolean> {
    const { redis, tasks } = this.#opened()
    const queue = await tasks.queueOf(id)
    return queue !== undefined && (await redis.run('replay', queue, id)) === 1
  }

  async purge({
    queue,
    id,
    before,
  }: {
    readonly queue?: string
    readonly id?: string
    readonly before?: number
  }): Promise<number> {
    const { redis, tasks } = this.#opened()
    const until = before === undefined ? '+inf' : before
    if (id !== undefined) {
      const found = await tasks.queueOf(id)
      if (found === undefined || (queue !== undefined && queue !== found)) return 0
      return (await redis.run('purge', found, until, id)) as number
    }
    let purged = 0
    for (const name of queue === undefined ? await tasks.queues() : [queue]) {
      for (let some = -1; some !== 0; purged += some) some = (await redis.run('purge', name, until)) as number
    }
    return purged
  }

  async pause(queue: string, isPaused: boolean): Promise<void> {
    await this.#opened().redis.run('pause', queue, isPaused ? 1 : 0)
  }

  async openBatch(batch: NewBatch): Promise<void> {
    const { redis } = this.#opened()
    await redis.send(() => redis.client.hset(redis.key(`batch:${batch.id}`), batchFields(batch)))
  }

  async sealBatch(id: string, chunks: number, totalItems: number, at: number): Promise<readonly BatchRow[]> {
    return batchRowsOf(await this.#opened().redis.run('seal', '', id, chunks, totalItems, Math.floor(at)))
  }

  async batch(id: string): Promise<BatchRow | undefined> {
    const [row] = batchRowsOf(await this.#opened().redis.run('batches', '', id))
    return row
  }

  async cancelBatch(id: string, at: number): Promise<CancelledBatch> {
    const { redis } = this.#opened()
    const batches: BatchRow[] = []
    for (let first = 0; ; ) {
      const [isFound, looked, ended] = (await redis.run('cancelBatch', '', id, Math.floor(at), first)) as [
        number,
        number,
        FlatHash[],
      ]
      batches.push(...batchRowsOf(ended))
      // The batch may end when its last waiting part is canceled. The next call then no longer finds it.
      if (looked === 0) return { isFound: isFound === 1 || first > 0, batches }
      first += looked
    }
  }

  async batchNotified(id: string): Promise<void> {
    await this.#opened().redis.run('notified', '', id)
  }

  async unnotifiedBatches(before: number): Promise<readonly BatchRow[]> {
    const { redis } = this.#opened()
    const ids = await redis.send(() => redis.client.zrangebyscore(redis.key('unnotified'), '-inf', before))
    return ids.length === 0 ? [] : batchRowsOf(await redis.run('batches', '', ...ids))
  }

  get(id: string): Promise<TaskRecord | undefined> {
    return this.#opened().tasks.get(id)
  }

  list(filter: TaskFilter, range: Required<PageRange>): Promise<readonly TaskRecord[]> {
    return this.#opened().tasks.list(filter, range)
  }

  async counts(queue: string): Promise<QueueCounts> {
    type Reply = [
      delayed: number,
      retry: number,
      queued: number,
      processing: number,
      dead: number,
      isPaused: number,
      times: string[],
    ]
    const [delayed, marked, queued, processing, dead, isPaused, times] = (await this.#opened().redis.run(
      'counts',
      queue,
    )) as Reply
    // Other programs may have moved tasks that are marked for a retry.
    const retry = Math.min(marked, delayed)
    const oldestQueuedAt = queued === 0 || times.length === 0 ? null : Math.min(...times.map(Number))
    return {
      pending: delayed - retry,
      queued,
      processing,
      retry,
      dead,
      oldestQueuedAt,
      isPaused: isPaused === 1,
    }
  }

  async takeSlot(key: string, at: number, expiresAt: number): Promise<boolean> {
    const { redis } = this.#opened()
    const ms = Math.max(1, Math.ceil(expiresAt - at))
    return (await redis.send(() => redis.client.set(redis.key(`slot:${key}`), '1', 'PX', ms, 'NX'))) === 'OK'
  }

  async tidy({ maxDeadBytes, maxBatchAgeMs }: RetentionLimits, at: number): Promise<void> {
    const { redis, dead } = this.#opened()
    const over = await redis.send(() =>
      redis.client.zrangebyscore(redis.key('ended'), '-inf', `(${at - maxBatchAgeMs}`),
    )
    for (const id of over) while ((await redis.run('forget', '', id)) === 1) {}
    await dead.tidy(maxDeadBytes)
  }

  onWake(listener: (hint: WakeHint) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#parts?.redis.close()
    this.#parts = undefined
  }

  #opened(): Parts {
    if (this.#parts !== undefined) return this.#parts
    throw this.#isClosed ? closedError() : new JobBackendError('This job backend is not open.')
  }

  #receive(message: string): void {
    try {
      this.#wake(JSON.parse(message) as WakeHint)
    } catch {
      this.#wake({})
    }
  }

  #wake(hint: WakeHint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}

/** Groups consecutive tasks of the same queue, with at most `MAX_SENT` characters in a group of several. */
function groupsOf(
  tasks: readonly NewTask[],
): readonly (readonly [queue: string, tasks: readonly NewTask[]])[] {
  const groups: [string, NewTask[]][] = []
  let sent = 0
  for (const task of tasks) {
    const last = groups.at(-1)
    if (last === undefined || last[0] !== task.queue || sent + task.data.length > MAX_SENT) {
      groups.push([task.queue, [task]])
      sent = task.data.length
    } else {
      last[1].push(task)
      sent += task.data.length
    }
  }
  return groups
}

function taskArguments(task: NewTask): (string | number)[] {
  const { id, createdAt, runAt, data, order, settings, uniqueKey, batchId, chunk, items } = task
  const delay = runAt === 0 ? 0 : Math.max(0, Math.ceil(runAt - createdAt))
  return [
    id,
    createdAt,
    delay,
    data,
    order,
    settings.maxRetries + 1,
    uniqueKey ?? '',
    storedSettings(task),
    batchId ?? '',
    chunk,
    items,
  ]
}
