import type { LoadBalancerStats, NodeStats, RegionStats, TierStats } from '@sluice/core/siblings'
import type { NodesPage, ReplicaGroup, ReplicaRow } from '../../protocol/engine-pages.ts'
import { greatestOf, grouped, leastOf, summed, totalsOf, weighted } from './sums.ts'

/** The worst status of any process, because a node that one process cannot reach needs attention. */
const WORST = ['unhealthy', 'degraded', 'maintenance', 'healthy'] as const

export function mergeNodes(pages: readonly [NodesPage, ...NodesPage[]]): NodesPage {
  const balancers = pages.flatMap(({ balancer }) => (balancer === null ? [] : [balancer]))
  const groups = grouped(
    pages.flatMap(({ replicas }) => replicas),
    ({ source }) => source,
  )
  const [first, ...others] = balancers
  return {
    balancer: first === undefined ? null : mergeBalancers([first, ...others]),
    imbalanceRatio: greatestOf(pages.map(({ imbalanceRatio }) => imbalanceRatio)),
    replicas: groups.map(mergeGroup),
  }
}

function mergeBalancers(all: readonly [LoadBalancerStats, ...LoadBalancerStats[]]): LoadBalancerStats {
  const picks = all.reduce((sum, { nodes }) => sum + nodes.reduce((total, node) => total + node.picks, 0), 0)
  const nodes = grouped(
    all.flatMap((one) => one.nodes),
    ({ id }) => id,
  ).map((same) => mergeNode(same, picks))
  const withStatus = (status: NodeStats['status']) => nodes.filter((node) => node.status === status).length
  // Each process can use the full capacity of the nodes.
  const totalCapacity = Math.max(...all.map((one) => one.totalCapacity))
  const totals = totalsOf(all, ['totalRequests', 'failedRequests', 'activeConnections', 'sessions'])
  return {
    strategy: all[0].strategy,
    totalNodes: nodes.length,
    healthyNodes: withStatus('healthy'),
    degradedNodes: withStatus('degraded'),
    unhealthyNodes: withStatus('unhealthy'),
    maintenanceNodes: withStatus('maintenance'),
    ejectedNodes: nodes.filter(({ ejectedForMs }) => ejectedForMs > 0).length,
    isPanic: all.some(({ isPanic }) => isPanic),
    ...totals,
    totalCapacity,
    averageLoad: totalCapacity === 0 ? 0 : totals.activeConnections / totalCapacity,
    // A process of an earlier version reports none.
    regions: mergeRegions(all.flatMap(({ regions = [] }) => regions)),
    nodes,
  }
}

/** Nearest first, as far as processes agree. */
function mergeRegions(all: readonly RegionStats[]): readonly RegionStats[] {
  return grouped(all, ({ name }) => name)
    .map((same) => ({
      ...mergeTier(same),
      zones: grouped(
        same.flatMap(({ zones }) => zones),
        ({ name }) => name,
      ).map(mergeTier),
    }))
    .sort((a, b) => Number(b.isLocal) - Number(a.isLocal))
}

function mergeTier(all: readonly [TierStats, ...TierStats[]]): TierStats {
  return {
    name: all[0].name,
    isLocal: all.some(({ isLocal }) => isLocal),
    rttMs: leastOf(all.map(({ rttMs }) => rttMs)),
    ...totalsOf(all, ['requests', 'activeConnections', 'limit']),
    responseTime: weighted(all.map((tier) => [tier.responseTime, tier.requests] as const)) ?? 0,
    healthShare: Math.min(...all.map(({ healthShare }) => healthShare)),
  }
}

function mergeNode(all: readonly [NodeStats, ...NodeStats[]], allPicks: number): NodeStats {
  const mean = (field: 'p50' | 'p95' | 'p99' | 'responseTime' | 'errorRate') =>
    weighted(all.map((node) => [node[field], node.requests] as const)) ?? 0
  const totals = totalsOf(all, ['picks', 'requests', 'failures', 'ejections', 'activeConnections'])
  return {
    ...all[0],
    ...totals,
    status: WORST.find((status) => all.some((node) => node.status === status)) ?? all[0].status,
    responseTime: mean('responseTime'),
    errorRate: mean('errorRate'),
    share: allPicks === 0 ? 0 : totals.picks / allPicks,
    p50: mean('p50'),
    p95: mean('p95'),
    p99: mean('p99'),
    ejectedForMs: Math.max(...all.map(({ ejectedForMs }) => ejectedForMs)),
    isDraining: all.some(({ isDraining }) => isDraining),
  }
}

function mergeGroup(all: readonly [ReplicaGroup, ...ReplicaGroup[]]): ReplicaGroup {
  const replicas = grouped(
    all.flatMap((group) => group.replicas),
    ({ id }) => id,
  )
  const [first, ...others] = all
  return {
    source: first.source,
    ...totalsOf(all, ['replicaReads', 'primaryReads']),
    primaryReasons: summed([first.primaryReasons, ...others.map(({ primaryReasons }) => primaryReasons)]),
    replicas: replicas.map(mergeReplica),
  }
}

/** `null` is the worst lag: it exceeds the limit. */
function mergeReplica(all: readonly [ReplicaRow, ...ReplicaRow[]]): ReplicaRow {
  const { id, region } = all[0]
  return {
    id,
    ...(region !== undefined && { region }),
    ...totalsOf(all, ['reads', 'failures']),
    isUp: all.every(({ isUp }) => isUp),
    lagMs: all.some(({ lagMs }) => lagMs === null) ? null : greatestOf(all.map(({ lagMs }) => lagMs)),
  }
}
