import type { CacheStats } from '@sluice/core'
import type { LoadBalancerStats, NodeStats, RegionStats, TieredStats, TierStats } from '@sluice/core/siblings'
import { sumOfYields } from '@sluice/core/yield'
import { SHOWN } from '../../pages/jobs-page.ts'
import type {
  CachePage,
  DeadLetterGroup,
  JobsPage,
  NodesPage,
  QueueRow,
  ReplicaGroup,
  ReplicaRow,
  YieldPage,
} from '../../protocol/engine-pages.ts'
import { greatestOf, grouped, leastOf, summed, sumsOf, weighted } from './sums.ts'

export function mergeCache(pages: readonly [CachePage, ...CachePage[]]): CachePage {
  const reasons = grouped(
    pages.flatMap(({ passedThrough }) => passedThrough),
    ({ reason }) => reason,
  )
  const mean = (of: (page: CachePage) => number, weight: (page: CachePage) => number) =>
    weighted(pages.map((page) => [of(page), weight(page)] as const)) ?? 0
  return {
    stats: statsOf(pages),
    efficiency: {
      memoryEfficiency: mean(
        ({ efficiency }) => efficiency.memoryEfficiency,
        ({ stats }) => stats.usedMemory,
      ),
      hitsPerByte: mean(
        ({ efficiency }) => efficiency.hitsPerByte,
        ({ stats }) => stats.usedMemory,
      ),
      hitRateByNamespace: namespacesOf(pages),
      entriesNeverHit: pages.reduce((sum, { efficiency }) => sum + efficiency.entriesNeverHit, 0),
    },
    results: countersOf(pages, 'results'),
    tiered: countersOf(pages, 'tiered'),
    ...sumsOf(pages, ['operations', 'cacheHits', 'batched', 'prefetched', 'queries']),
    passedThrough: reasons
      .map((same) => ({ ...same[0], count: same.reduce((total, { count }) => total + count, 0) }))
      .sort((a, b) => b.count - a.count),
    isKeeping: pages.some(({ isKeeping }) => isKeeping),
  }
}

function countersOf(pages: readonly CachePage[], of: 'results' | 'tiered'): TieredStats {
  return summed(pages.map((page) => page[of]) as [TieredStats, ...TieredStats[]])
}

function statsOf(pages: readonly [CachePage, ...CachePage[]]): CacheStats {
  const all = pages.map(({ stats }) => stats) as [CacheStats, ...CacheStats[]]
  const sums = summed(all)
  const reads = sums.hits + sums.misses
  return {
    ...sums,
    hitRate: reads === 0 ? 0 : sums.hits / reads,
    averageAccessTimeMs:
      weighted(
        all.map(({ averageAccessTimeMs, hits, misses }) => [averageAccessTimeMs, hits + misses] as const),
      ) ?? 0,
  }
}

/**
 * Weights the rates of each process by its reads of all namespaces, because the number of reads per namespace
 * is unknown.
 */
function namespacesOf(pages: readonly CachePage[]): Readonly<Record<string, number>> {
  const rates = pages.flatMap(({ stats, efficiency }) =>
    Object.entries(efficiency.hitRateByNamespace).map(([name, rate]) => ({
      name,
      rate,
      weight: stats.hits + stats.misses,
    })),
  )
  const names = grouped(rates, ({ name }) => name)
  return Object.fromEntries(
    names.map((same) => [
      same[0].name,
      weighted(same.map(({ rate, weight }) => [rate, weight] as const)) ?? 0,
    ]),
  )
}

export function mergeYield(pages: readonly [YieldPage, ...YieldPage[]]): YieldPage {
  return {
    isRecording: pages.some(({ isRecording }) => isRecording),
    ...sumsOf(pages, ['processes']),
    report: sumOfYields(pages.flatMap(({ report }) => report ?? [])) ?? null,
  }
}

const DEPTH_STEP_MS = 5_000
export const HEALTH = ['unhealthy', 'degraded', 'healthy'] as const

/** Counts shared tasks once, and adds up the tasks and statistics of each process. */
export function mergeJobs(pages: readonly [JobsPage, ...JobsPage[]]): JobsPage {
  const rows = pages.flatMap(({ queues, isShared }) => queues.map((row) => ({ row, isShared })))
  const shared = pages.filter(({ isShared, isOpen }) => isShared && isOpen)
  const own = pages.filter(({ isShared }) => !isShared)
  // Each process with shared tasks reports all dead letters.
  const letters = [...shared.slice(0, 1), ...own].map(({ deadLetters }) => deadLetters)
  return {
    isOpen: pages.some(({ isOpen }) => isOpen),
    isShared: pages.some(({ isShared }) => isShared),
    queues: grouped(rows, ({ row }) => row.queue).map((same) =>
      mergeQueue(
        same.map(({ row }) => row) as [QueueRow, ...QueueRow[]],
        same.every(({ isShared }) => isShared),
      ),
    ),
    deadLetters: {
      total: letters.reduce((sum, { total }) => sum + total, 0),
      grouped: letters.reduce((sum, { grouped: count }) => sum + count, 0),
      groups: grouped(
        letters.flatMap(({ groups }) => groups),
        ({ key }) => key,
      )
        .map(mergeLetters)
        .sort((a, b) => b.count - a.count),
    },
  }
}

function mergeQueue(all: readonly [QueueRow, ...QueueRow[]], isShared: boolean): QueueRow {
  const [first] = all
  // Processes with shared tasks count the same ones, at different times.
  const stored = (field: 'pending' | 'queued' | 'processing' | 'retry' | 'deadLetters') =>
    isShared ? Math.max(...all.map((row) => row[field])) : sumsOf(all, [field])[field]
  const mean = (of: (row: QueueRow) => number) =>
    weighted(all.map((row) => [of(row), row.completed + row.failed + row.retried] as const)) ?? 0
  const times = (field: 'waitMs' | 'runMs') => ({
    p50: mean((row) => row[field].p50),
    p95: mean((row) => row[field].p95),
    p99: mean((row) => row[field].p99),
  })
  return {
    ...first,
    ...sumsOf(all, ['completed', 'retried', 'failed', 'cancelled', 'lost', 'throughputPerSecond']),
    ...sumsOf(all, ['maxConcurrency']),
    pending: stored('pending'),
    queued: stored('queued'),
    processing: stored('processing'),
    retry: stored('retry'),
    deadLetters: stored('deadLetters'),
    isPaused: all.some(({ isPaused }) => isPaused),
    waitMs: times('waitMs'),
    runMs: times('runMs'),
    retryRate: mean((row) => row.retryRate),
    oldestTaskMs: Math.max(...all.map(({ oldestTaskMs }) => oldestTaskMs)),
    // A process without workers sees no progress while workers in other processes make progress.
    isStalled: isShared ? all.every(({ isStalled }) => isStalled) : all.some(({ isStalled }) => isStalled),
    ...healthOf(all, isShared),
    depth: isShared ? deepest(all) : addedUp(all),
  }
}

/** For shared tasks, uses the health of the process that sees the most progress. */
function healthOf(all: readonly QueueRow[], isShared: boolean): Pick<QueueRow, 'health' | 'reasons'> {
  const worstFirst = [...all].sort((a, b) => HEALTH.indexOf(a.health) - HEALTH.indexOf(b.health))
  const { health, reasons } = (isShared ? worstFirst.at(-1) : worstFirst[0]) as QueueRow
  return { health, reasons }
}

/** The depths of the process that was observed the longest. */
function deepest(all: readonly QueueRow[]): QueueRow['depth'] {
  return all.reduce(
    (longest, row) => (row.depth.length > longest.length ? row.depth : longest),
    [] as QueueRow['depth'],
  )
}

/** Adds up the depths of all processes. They are 5 seconds apart in each process, at different times. */
function addedUp(all: readonly QueueRow[]): QueueRow['depth'] {
  const steps = grouped(
    all.flatMap(({ depth }) => depth),
    ([at]) => String(Math.round(at / DEPTH_STEP_MS)),
  )
  const sums = steps.map((same) => [same[0][0], same.reduce((sum, [, depth]) => sum + depth, 0)] as const)
  return sums.sort(([a], [b]) => a - b)
}

function mergeLetters(all: readonly [DeadLetterGroup, ...DeadLetterGroup[]]): DeadLetterGroup {
  return {
    ...all[0],
    count: all.reduce((sum, { count }) => sum + count, 0),
    newestAt: greatestOf(all.map(({ newestAt }) => newestAt)),
    letters: all.flatMap(({ letters }) => letters).slice(0, SHOWN),
  }
}

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
  const totals = sumsOf(all, ['totalRequests', 'failedRequests', 'activeConnections', 'sessions'])
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
    ...sumsOf(all, ['requests', 'activeConnections', 'limit']),
    responseTime: weighted(all.map((tier) => [tier.responseTime, tier.requests] as const)) ?? 0,
    healthShare: Math.min(...all.map(({ healthShare }) => healthShare)),
  }
}

function mergeNode(all: readonly [NodeStats, ...NodeStats[]], allPicks: number): NodeStats {
  const mean = (field: 'p50' | 'p95' | 'p99' | 'responseTime' | 'errorRate') =>
    weighted(all.map((node) => [node[field], node.requests] as const)) ?? 0
  const totals = sumsOf(all, ['picks', 'requests', 'failures', 'ejections', 'activeConnections'])
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
    ...sumsOf(all, ['replicaReads', 'primaryReads']),
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
    ...sumsOf(all, ['reads', 'failures']),
    isUp: all.every(({ isUp }) => isUp),
    lagMs: all.some(({ lagMs }) => lagMs === null) ? null : greatestOf(all.map(({ lagMs }) => lagMs)),
  }
}
