import { checkOptions, option } from '../../shared/options.ts'
import type { RandomSource } from '../../shared/random.ts'
import { channelRule } from './change-triggers-sql.ts'

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
export function checkListenOptions(options: ListenOptions): void {
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
