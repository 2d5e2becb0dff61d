/**
 * Why a read was sent to the primary.
 *
 * - `write`: it is not a read, or not certainly one.
 * - `transaction`: it belongs to a transaction.
 * - `forced`: because of `onPrimary`, or because shadow mode compares it.
 * - `cached`: its result can be stored in a shared cache.
 * - `read-your-writes`: no replica is known to have replayed the reader's earlier writes.
 * - `lag`: the lag of every replica may exceed `maxLagMs`.
 * - `no-replica`: no replica is up and readable, or their positions are not known yet.
 * - `nearer`: the primary is nearer than each replica that could serve it.
 * - `failed`: a replica did not respond, or its response may differ from that of the primary.
 */
export type PrimaryReason =
  | 'write'
  | 'transaction'
  | 'forced'
  | 'cached'
  | 'read-your-writes'
  | 'lag'
  | 'no-replica'
  | 'nearer'
  | 'failed'

interface ReplicaStats {
  /** The node's id in the balancer's statistics. */
  readonly id: string
  readonly region?: string
  /** Reads that it answered, and times that it failed to. */
  readonly reads: number
  readonly failures: number
  readonly isUp: boolean
  /**
   * Milliseconds: 0 when it has replayed all that is known of. `Infinity`: more than `maxLagMs`, or nothing
   * is known.
   */
  readonly lagMs: number
}

/** Destinations of the reads of one client. */
export interface ReplicaRoutingStats {
  /** The id of the client. */
  readonly source: string
  readonly replicaReads: number
  readonly primaryReads: number
  readonly primaryReasons: Readonly<Record<PrimaryReason, number>>
  readonly replicas: readonly ReplicaStats[]
}

export function noReasons(): Record<PrimaryReason, number> {
  return {
    write: 0,
    transaction: 0,
    forced: 0,
    cached: 0,
    'read-your-writes': 0,
    lag: 0,
    'no-replica': 0,
    nearer: 0,
    failed: 0,
  }
}
