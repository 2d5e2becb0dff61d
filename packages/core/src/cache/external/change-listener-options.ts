import { checkOptions, option } from '../../shared/options.ts'
import type { RandomSource } from '../../shared/random.ts'
import { channelRule } from './change-triggers-sql.ts'

/** A connection that notifications come over: `new pg.Client(…)`, not yet connected. */
export interface ChangeConnection {
  connect(): Promise<unknown>
  query(sql: string): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (message: { readonly channel: string; readonly payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/** What is told of changes; a Sluice is one. */
export interface ChangeTarget {
  /** Somebody wrote to a table: `schema.table`. */
  invalidate(table: string): void
  /** Writes are not seen from now on: what is kept is neither given nor added to, until the function is called; then it is all gone. */
  suspend(): () => void
}

export interface ListenOptions {
  /**
   * The channel that the triggers notify.
   * @defaultValue 'sluice_changes'
   */
  readonly channel?: string
  /**
   * Milliseconds between questions to the database whether the connection still stands; without an answer before the next one, it is taken
   * for lost. It bounds what a connection that died without a word leaves unseen, to twice as much. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly heartbeatMs?: number
  /**
   * Milliseconds in which a connection must stand. Minimum: `10`.
   * @defaultValue 10000
   */
  readonly connectTimeoutMs?: number
  /**
   * Milliseconds before the second attempt to connect; doubled with each further one, and up to half of it left to chance. Minimum: `1`.
   * @defaultValue 100
   */
  readonly retryBaseMs?: number
  /**
   * Milliseconds between attempts to connect at most. Minimum: `1`.
   * @defaultValue 10000
   */
  readonly retryMaxMs?: number
  /**
   * Told when the connection was lost, and of each attempt that failed. Must not throw.
   * @defaultValue nothing
   */
  readonly onDown?: (error: unknown) => void
  /**
   * Told when changes are heard, the first time and again. Must not throw.
   * @defaultValue nothing
   */
  readonly onUp?: () => void
  /**
   * Where chance comes from. For tests.
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
