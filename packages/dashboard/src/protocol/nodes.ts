import type { LoadBalancerStats, PrimaryReason } from '@sluice/core'

export interface ReplicaRow {
  readonly id: string
  readonly region?: string
  readonly reads: number
  readonly failures: number
  readonly isUp: boolean
  /** Milliseconds; `null` if the lag exceeds the limit or is unknown. */
  readonly lagMs: number | null
}

/** The replicas of one client. */
export interface ReplicaGroup {
  readonly source: string
  readonly replicaReads: number
  readonly primaryReads: number
  readonly primaryReasons: Readonly<Record<PrimaryReason, number>>
  readonly replicas: readonly ReplicaRow[]
}

/** `GET api/nodes`; `null` if the balancer is disabled and there are no replicas. */
export interface NodesPage {
  /** `null` if the balancer is disabled. */
  readonly balancer: LoadBalancerStats | null
  /** Ratio of the highest to the lowest load; 1 is even, `null` if a node received no requests. */
  readonly imbalanceRatio: number | null
  readonly replicas: readonly ReplicaGroup[]
}
