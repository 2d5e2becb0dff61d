import { backOffMs, setLongTimeout, within } from '../../../shared/timers.ts'
import type { WakeHint } from '../job-backend.ts'
import { ignore, NOTHING, type PooledQueries } from './pooled-queries.ts'
import type { PostgresPoolClient } from './postgres-options.ts'
import { identifier } from './sql/records.ts'

const HEARTBEAT_MS = 5_000
const BACK_OFF = { baseMs: 200, maxMs: 5_000 }

interface WakeMessage extends WakeHint {
  readonly from?: string | null
}

/**
 * Holds one connection to receive notifications of other processes. Reconnects when it breaks; polling finds
 * the tasks of missed notifications.
 */
export class WakeListener {
  #client: PostgresPoolClient | undefined
  #isStarted = false
  #isClosed = false
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly queries: PooledQueries,
    private readonly channel: string,
    private readonly timeoutMs: number,
    /** Sender id of this process, whose own notifications are ignored. */
    private readonly self: string,
    private readonly onHint: (hint: WakeHint) => void,
  ) {}

  /** Starts listening at the first call. If the pool has only one connection, it is left to queries. */
  start(): void {
    if (this.#isStarted || this.#isClosed || this.queries.pool.options?.max === 1) return
    this.#isStarted = true
    this.#connect().catch(ignore)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#drop(this.#client)
  }

  async #connect(): Promise<void> {
    let client: PostgresPoolClient | undefined
    try {
      client = await this.queries.lend()
      if (this.#isClosed) {
        client.release()
        return
      }
      const held = client
      this.#client = held
      held.on('error', () => this.#lost(held))
      held.on('end', () => this.#lost(held))
      held.on('notification', ({ channel, payload }) => {
        if (channel === this.channel && payload !== undefined && held === this.#client)
          this.#received(payload)
      })
      await within(this.timeoutMs, held.query({ text: `LISTEN ${identifier(this.channel)}` }))
      // It was lost or closed meanwhile.
      if (held !== this.#client) return
      held.unref?.()
      this.#failures = 0
      this.onHint({})
      this.#beat(held)
    } catch {
      if (client === undefined) this.#retry()
      else this.#lost(client)
    }
  }

  /** Detects a connection that died silently. */
  #beat(client: PostgresPoolClient): void {
    this.#wait(HEARTBEAT_MS, () => {
      within(this.timeoutMs, client.query({ text: NOTHING })).then(
        () => client === this.#client && this.#beat(client),
        () => this.#lost(client),
      )
    })
  }

  #received(payload: string): void {
    let message: WakeMessage | null
    try {
      message = JSON.parse(payload) as WakeMessage | null
    } catch {
      return
    }
    // Any user of the database can send messages on the channel.
    if (typeof message === 'object' && message !== null && message.from !== this.self) this.onHint(message)
  }

  #lost(client: PostgresPoolClient): void {
    if (client !== this.#client) return
    this.#drop(client)
    this.#retry()
  }

  #drop(client: PostgresPoolClient | undefined): void {
    this.#client = undefined
    client?.release(true)
  }

  #retry(): void {
    if (this.#isClosed) return
    this.#failures += 1
    this.#wait(backOffMs(BACK_OFF, this.#failures, Math.random), () => void this.#connect())
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setLongTimeout(then, ms)
    this.#timer.unref()
  }
}

/**
 * Minimum interval between notifications of one queue: PostgreSQL serializes their commits across all of its
 * databases.
 */
const APART_MS = 10

/**
 * Decides when other processes are notified of a queue: immediately, then combined with notifications that
 * follow soon.
 */
export class WakeSender {
  readonly #notifiedAt = new Map<string, number>()
  readonly #due = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #sending: Promise<void> | undefined

  constructor(private readonly send: (queues: readonly string[]) => Promise<void>) {}

  /** @returns Whether to notify now; otherwise, a notification follows later. */
  isDue(queue: string): boolean {
    const now = performance.now()
    const notifiedAt = this.#notifiedAt.get(queue) ?? Number.NEGATIVE_INFINITY
    if (now - notifiedAt >= APART_MS) {
      this.#notifiedAt.set(queue, now)
      return true
    }
    this.#due.add(queue)
    if (this.#timer === undefined) {
      this.#timer = setLongTimeout(() => this.#flush(), APART_MS)
      this.#timer.unref()
    }
    return false
  }

  /** Sends the remaining notifications. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#flush()
    await this.#sending
  }

  #flush(): void {
    this.#timer = undefined
    const queues = [...this.#due]
    this.#due.clear()
    if (queues.length === 0) return
    const now = performance.now()
    for (const queue of queues) this.#notifiedAt.set(queue, now)
    // Processes without a notification find the tasks by polling.
    const sent = Promise.all([this.#sending, this.send(queues).catch(() => {})])
    this.#sending = sent.then(() => {})
  }
}
