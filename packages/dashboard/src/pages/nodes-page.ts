import type { Sluice } from '@sluice/core'
import type { NodesPage } from '../protocol/nodes.ts'

/** Who carries the load? `null`: the balancer is off, and there are no replicas. */
export function nodesPage({ balancer, replicas }: Sluice): NodesPage | null {
  const groups = replicas.getStats()
  if (balancer === undefined && groups.length === 0) return null
  const ratio = balancer?.getBalancingEfficiency().imbalanceRatio
  return {
    balancer: balancer?.getClusterStats() ?? null,
    imbalanceRatio: ratio === undefined || !Number.isFinite(ratio) ? null : ratio,
    replicas: groups.map((group) => ({
      ...group,
      replicas: group.replicas.map((replica) => ({ ...replica, lagMs: Number.isFinite(replica.lagMs) ? replica.lagMs : null })),
    })),
  }
}
