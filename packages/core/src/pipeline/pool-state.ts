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
