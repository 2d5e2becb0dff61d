/** A pool of connections at one time. */
export interface PoolState {
  /** Connections that it keeps at least, and has at most. */
  readonly min: number
  readonly max: number
  /** In use, and waiting for use. */
  readonly used: number
  readonly idle: number
  /** Callers that wait for a connection. */
  readonly waiting: number
}

/** Whether a pool has no connection left for one more caller: all are in use, or promised to those who wait. */
export function isPoolExhausted({ idle, used, waiting, max }: PoolState): boolean {
  return idle === 0 && used + waiting >= max
}
