import type { LoadBalancerStats, PrimaryReason } from '@sluice/core'

export interface ReplicaRow {
  readonly id: string
  readonly reads: number
  readonly failures: number
  readonly isUp: boolean
  /** Milliseconds; `null`: more than it may be, or not known. */
  readonly lagMs: number | null
}

/** Where the reads of one client go. */
export interface ReplicaGroup {
  readonly source: string
  readonly replicaReads: number
  readonly primaryReads: number
  readonly primaryReasons: Readonly<Record<PrimaryReason, number>>
  readonly replicas: readonly ReplicaRow[]
}

/** `GET api/nodes`: who carries the load? `null` in its place: the balancer is off and there are no replicas. */
export interface NodesPage {
  /** `null`: the balancer is off. */
  readonly balancer: LoadBalancerStats | null
  /** How evenly it is spread: 1 is even; `null`: a node got nothing. */
  readonly imbalanceRatio: number | null
  readonly replicas: readonly ReplicaGroup[]
}
