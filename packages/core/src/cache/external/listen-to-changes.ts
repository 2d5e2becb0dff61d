import { callSafely } from '../../shared/call-safely.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'
import type { RandomSource } from '../../shared/random.ts'
import { isInstance } from '../../shared/thrown.ts'
import { backOffMs, setLongTimeout } from '../../shared/timers.ts'
import { channelRule, DEFAULT_CHANNEL } from './change-triggers-sql.ts'

/** A connection that receives notifications: `new pg.Client(…)`, not connected yet. */
export interface ChangeConnection {
  connect(): Promise<unknown>
  query(sql: string): Promise<unknown>
  end(): Promise<unknown>
  on(
    event: 'notification',
    listener: (message: { readonly channel: string; readonly payload?: string | undefined }) => void,
  ): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/** Receives the changes, such as a Sluice. */
export interface ChangeTarget {
  /** An external write modified a table: `schema.table`. */
  invalidate(table: string): void
  /**
   * External writes are not visible from now on. Until the returned function is called, nothing is served
   * from the cache or added to it. The call then invalidates all cached values.
   */
  suspend(): () => void
}

export interface ListenOptions {
  /**
   * Channel that the triggers notify.
   * @defaultValue 'sluice_changes'
   */
  readonly channel?: string
  /**
   * Interval of the connection checks, in milliseconds. If a check gets no response before the next one is
   * due, the connection counts as lost. If a connection breaks silently, external writes stay invisible for
   * at most twice this time. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly heartbeatMs?: number
  /**
   * Timeout for establishing the connection, in milliseconds. Minimum: `10`.
   * @defaultValue 10000
   */
  readonly connectTimeoutMs?: number
  /**
   * Delay before the second connection attempt, in milliseconds. Doubles with each further attempt; up to 50%
   * of it is jitter. Minimum: `1`.
   * @defaultValue 100
   */
  readonly retryBaseMs?: number
  /**
   * Maximum delay between connection attempts, in milliseconds. Minimum: `1`.
   * @defaultValue 10000
   */
  readonly retryMaxMs?: number
  /**
   * Called when the connection is lost, and after each failed attempt. Must not throw.
   * @defaultValue nothing
   */
  readonly onDown?: (error: unknown) => void
  /**
   * Called when the listener is connected, the first time and after each loss. Must not throw.
   * @defaultValue nothing
   */
  readonly onUp?: () => void
  /**
   * Source of random numbers. For tests.
   * @defaultValue Math.random
   */
  readonly random?: RandomSource
}

/** @throws InvalidOptionError */
function checkListenOptions(options: ListenOptions): void {
  checkOptions(options, {
    channel: channelRule,
    heartbeatMs: option.number(10),
    connectTimeoutMs: option.number(10),
    retryBaseMs: option.number(1),
    retryMaxMs: option.number(1),
    onDown: option.callback,
    onUp: option.callback,
    random: option.callback,
  })
}

/** Receives the notifications of the triggers that `changeTriggersSql` creates. */
export interface ChangeListener {
  /** Whether there is no connection, so that no changes are received. Nothing is served from memory then. */
  readonly suspended: boolean
  /** Resolves when the listener is connected for the first time, or closed. */
  readonly started: Promise<void>
  /** Stops listening. From then on, external writes become visible when cached values expire. */
  close(): Promise<void>
}

/**
 * Listens to external writes, and invalidates the cached values of the modified tables. While it has no
 * connection, no cached value is trusted. When it is connected again, all of them are invalidated.
 *
 * @param target - A Sluice.
 * @param createClient - Creates a client that is not connected yet; called again after each loss.
 * @throws InvalidOptionError
 * @example
 * ```ts
 * const listener = listenToChanges(sluice, () => new pg.Client(connectionString))
 * ```
 */
export function listenToChanges(
  target: ChangeTarget,
  createClient: () => ChangeConnection,
  options: ListenOptions = {},
): ChangeListener {
  if (typeof createClient !== 'function')
    throw new InvalidArgumentError('createClient', 'a function that creates a client', createClient)
  checkListenOptions(options)
  return new Listener(target, createClient, options)
}

class Listener implements ChangeListener {
  readonly started: Promise<void>
  #markStarted: () => void = () => {}
  #connection: ChangeConnection | undefined
  #resume: (() => void) | undefined
  #failures = 0
  /** The next attempt, the next heartbeat, or a timeout: one at a time. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(
    private readonly target: ChangeTarget,
    private readonly createClient: () => ChangeConnection,
    private readonly options: ListenOptions,
  ) {
    this.started = new Promise((resolve) => {
      this.#markStarted = resolve
    })
    this.#resume = target.suspend()
    this.#connect()
  }

  get suspended(): boolean {
    return this.#resume !== undefined
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    const connection = this.#connection
    this.#connection = undefined
    this.#resume?.()
    this.#resume = undefined
    this.#markStarted()
    await connection?.end().catch(ignore)
  }

  #connect(): void {
    let connection: ChangeConnection
    try {
      connection = this.createClient()
    } catch (error) {
      this.#retry(error)
      return
    }
    this.#connection = connection
    connection.on('error', (error) => this.#lost(connection, error))
    connection.on('end', () =>
      this.#lost(connection, new Error('The connection that listens for changes was closed.')),
    )
    connection.on('notification', ({ channel, payload }) => {
      if (channel === this.#channel && payload !== undefined && connection === this.#connection)
        this.#changed(payload)
    })
    this.#wait(this.options.connectTimeoutMs ?? 10_000, () =>
      this.#lost(connection, new Error('Connecting to listen for changes took too long.')),
    )
    this.#listen(connection).catch((error: unknown) => this.#lost(connection, error))
  }

  async #listen(connection: ChangeConnection): Promise<void> {
    await connection.connect()
    await connection.query(`LISTEN "${this.#channel.replaceAll('"', '""')}"`)
    if (connection !== this.#connection) return
    this.#failures = 0
    // Not before the reply: all commits from here on are received.
    this.#resume?.()
    this.#resume = undefined
    this.#markStarted()
    callSafely(() => this.options.onUp?.())
    this.#scheduleHeartbeat(connection)
  }

  #scheduleHeartbeat(connection: ChangeConnection): void {
    const everyMs = this.options.heartbeatMs ?? 1000
    this.#wait(everyMs, () => {
      this.#wait(everyMs, () =>
        this.#lost(connection, new Error('The connection that listens for changes does not respond.')),
      )
      connection.query('SELECT 1').then(
        () => connection === this.#connection && this.#scheduleHeartbeat(connection),
        (error: unknown) => this.#lost(connection, error),
      )
    })
  }

  #changed(table: string): void {
    try {
      this.target.invalidate(table)
    } catch (error) {
      // Nothing is cached for a table that no catalog contains.
      if (!isInstance(error, InvalidArgumentError)) this.target.suspend()()
    }
  }

  #lost(connection: ChangeConnection, error: unknown): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#resume ??= this.target.suspend()
    callSafely(() => connection.end())
    this.#retry(error)
  }

  #retry(error: unknown): void {
    if (this.#closed) return
    this.#failures += 1
    const { retryBaseMs: baseMs = 100, retryMaxMs: maxMs = 10_000, random = Math.random } = this.options
    this.#wait(backOffMs({ baseMs, maxMs }, this.#failures, random), () => this.#connect())
    callSafely(() => this.options.onDown?.(error))
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setLongTimeout(then, ms)
    this.#timer.unref()
  }

  get #channel(): string {
    return this.options.channel ?? DEFAULT_CHANNEL
  }
}

const ignore = (): void => {}
