/** The kinds of servers of a shared cache. */
export const STORE_NAMES = ['redis', 'memcached'] as const
export type StoreName = (typeof STORE_NAMES)[number]

/** A separate server that can be killed. Its port stays the same. */
export interface StoreServer {
  readonly port: number
  /** Kills it with `SIGKILL`: data that is not in a snapshot is lost. */
  kill(): Promise<void>
  /** Starts it again after `kill`, with the state of the last snapshot or without data. */
  restart(withSnapshot: boolean): Promise<void>
  flush(): Promise<void>
  saveSnapshot(): Promise<void>
  /** Closes the connections of subscribers. */
  cutSubscribers(): Promise<void>
}
