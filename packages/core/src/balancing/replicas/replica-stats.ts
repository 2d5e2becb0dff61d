/**
 * Why a read was asked of the primary.
 *
 * - `write`: it is none, or it is not certain that it is one.
 * - `transaction`: it belongs to one.
 * - `pinned`: by `onPrimary`, or because shadow mode compares it.
 * - `kept`: its answer may go to a store that processes share.
 * - `floor`: no replica is known to have replayed what the reader wrote before.
 * - `lag`: every replica may be further behind than `maxLagMs`.
 * - `no-replica`: none is up, none may be read from, or nothing is known of them yet.
 * - `failed`: a replica was asked, and did not answer, or not with what the primary would have said.
 */
export type PrimaryReason = 'write' | 'transaction' | 'pinned' | 'kept' | 'floor' | 'lag' | 'no-replica' | 'failed'

export interface ReplicaStats {
  /** The node's id in the balancer's statistics. */
  readonly id: string
  /** Reads that it answered, and times that it failed to. */
  readonly reads: number
  readonly failures: number
  readonly isUp: boolean
  /** Milliseconds: 0 when it has replayed all that is known of. `Infinity`: more than `maxLagMs`, or nothing is known. */
  readonly lagMs: number
}

/** Where the reads of one client went. */
export interface ReplicaRoutingStats {
  /** The id of the client. */
  readonly source: string
  readonly replicaReads: number
  readonly primaryReads: number
  readonly primaryReasons: Readonly<Record<PrimaryReason, number>>
  readonly replicas: readonly ReplicaStats[]
}

export function noReasons(): Record<PrimaryReason, number> {
  return { write: 0, transaction: 0, pinned: 0, kept: 0, floor: 0, lag: 0, 'no-replica': 0, failed: 0 }
}
