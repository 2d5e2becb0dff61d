import type { HealthStatus, NodeState, ServerNode } from './node-state.ts'
import type { EjectionReason } from './outlier-detector.ts'
import type { RegionStats } from './regions/region-picker.ts'
import type { BalancingStrategy } from './strategies/create-picker.ts'

/** Events of a balancer. */
export interface BalancingEvents {
  nodeAdded: { readonly node: ServerNode }
  /** `abandoned`: number of connections that were still open after the drain time. */
  nodeRemoved: { readonly node: ServerNode; readonly abandoned: number }
  /** A node receives no new requests, and is removed when its connections are closed. */
  draining: { readonly node: ServerNode; readonly activeConnections: number }
  statusChanged: { readonly node: ServerNode; readonly from: HealthStatus; readonly to: HealthStatus }
  /** A node receives no requests for `forMs` milliseconds, because of its responses or a lack of them. */
  ejected: { readonly node: ServerNode; readonly reason: EjectionReason; readonly forMs: number }
  /** The ejection of a node ended. It receives requests again, few at first. */
  reinstated: { readonly node: ServerNode }
  /** So many nodes are ejected that ejected ones are used anyway (`true`), or no longer (`false`). */
  panic: { readonly isPanic: boolean }
  strategyChanged: { readonly from: BalancingStrategy; readonly to: BalancingStrategy }
}

/** The names of the events. */
export const balancingEvents: Readonly<Record<keyof BalancingEvents, true>> = {
  nodeAdded: true,
  nodeRemoved: true,
  draining: true,
  statusChanged: true,
  ejected: true,
  reinstated: true,
  panic: true,
  strategyChanged: true,
}

export interface NodeStats extends ServerNode {
  /** How often it was picked, and its share of all picks, 0 to 1. */
  readonly picks: number
  readonly share: number
  readonly requests: number
  /** Requests that got no answer, or one of 500 and more. */
  readonly failures: number
  /** Milliseconds, of the last one to two minutes, right to 5%; 0 where nothing was answered. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Times that it was ejected, and for how many milliseconds more it is; 0: it is not. */
  readonly ejections: number
  readonly ejectedForMs: number
  readonly isDraining: boolean
}

export interface LoadBalancerStats {
  readonly strategy: BalancingStrategy
  readonly totalNodes: number
  readonly healthyNodes: number
  readonly degradedNodes: number
  readonly unhealthyNodes: number
  readonly maintenanceNodes: number
  readonly ejectedNodes: number
  /** Whether ejected nodes are used, because too few others are left. */
  readonly isPanic: boolean
  readonly totalRequests: number
  readonly failedRequests: number
  readonly activeConnections: number
  /** Connections that nodes may have that can be picked. */
  readonly totalCapacity: number
  /** The share of the capacity that is used, 0 to 1. */
  readonly averageLoad: number
  /** Sessions that stay with a node. */
  readonly sessions: number
  /** Nearest first; empty without the option `region`. */
  readonly regions: readonly RegionStats[]
  readonly nodes: readonly NodeStats[]
}

/** How evenly requests are spread. */
export interface BalancingEfficiency {
  readonly nodes: readonly {
    readonly id: string
    readonly picks: number
    /** Share of all picks, 0 to 1. */
    readonly share: number
    /** Expected share according to the weights (with `round-robin` and `random`, the same for all nodes). */
    readonly fairShare: number
    /** `share / fairShare`: 1 is even. */
    readonly ratio: number
  }[]
  /** The greatest ratio over the least. 1 is even; `Infinity` where a node got nothing. */
  readonly imbalanceRatio: number
}

const QUANTILES = [0.5, 0.95, 0.99]

export function statsOf(node: NodeState, now: number, allPicks: number): NodeStats {
  const [p50 = 0, p95 = 0, p99 = 0] = node.latencies.quantiles(now, QUANTILES)
  const { id, host, port, weight, status, activeConnections, maxConnections, responseTime, errorRate } = node
  const { region, zone } = node
  return {
    id,
    host,
    port,
    weight,
    status,
    activeConnections,
    maxConnections,
    responseTime,
    errorRate,
    ...(region !== undefined && { region }),
    ...(zone !== undefined && { zone }),
    picks: node.picks,
    share: allPicks === 0 ? 0 : node.picks / allPicks,
    requests: node.requests,
    failures: node.failures,
    p50,
    p95,
    p99,
    ejections: node.totalEjections,
    ejectedForMs: node.isEjected ? Math.max(0, node.ejectedUntil - now) : 0,
    isDraining: node.isDraining,
  }
}

export function clusterStatsOf(
  nodes: readonly NodeState[],
  cluster: Pick<LoadBalancerStats, 'strategy' | 'isPanic' | 'sessions' | 'regions'>,
  now: number,
): LoadBalancerStats {
  const sum = (of: (node: NodeState) => number) => nodes.reduce((total, node) => total + of(node), 0)
  const count = (status: HealthStatus) => sum((node) => Number(node.status === status))
  const picks = sum((node) => node.picks)
  const usable = nodes.filter((node) => node.isUp && (cluster.isPanic || !node.isEjected))
  const totalCapacity = usable.reduce((total, { maxConnections }) => total + maxConnections, 0)
  const used = usable.reduce((total, { activeConnections }) => total + activeConnections, 0)
  return {
    ...cluster,
    totalNodes: nodes.length,
    healthyNodes: count('healthy'),
    degradedNodes: count('degraded'),
    unhealthyNodes: count('unhealthy'),
    maintenanceNodes: count('maintenance'),
    ejectedNodes: sum(({ isEjected }) => Number(isEjected)),
    totalRequests: sum(({ requests }) => requests),
    failedRequests: sum(({ failures }) => failures),
    activeConnections: sum(({ activeConnections }) => activeConnections),
    totalCapacity,
    averageLoad: totalCapacity === 0 ? 0 : used / totalCapacity,
    nodes: nodes.map((node) => statsOf(node, now, picks)),
  }
}

export function efficiencyOf(nodes: readonly NodeState[], byWeight: boolean): BalancingEfficiency {
  const picks = nodes.reduce((sum, node) => sum + node.picks, 0)
  const weights = nodes.reduce((sum, { weight }) => sum + (byWeight ? weight : 1), 0)
  const shares = nodes.map((node) => {
    const share = picks === 0 ? 0 : node.picks / picks
    const fairShare = (byWeight ? node.weight : 1) / weights
    return { id: node.id, picks: node.picks, share, fairShare, ratio: share / fairShare }
  })
  const ratios = shares.map(({ ratio }) => ratio)
  const [most, least] = [Math.max(...ratios), Math.min(...ratios)]
  return { nodes: shares, imbalanceRatio: picks === 0 || nodes.length === 0 ? 1 : most / least }
}
