import type { CacheStats } from '@sluice/core'
import type { TieredStats } from '@sluice/core/siblings'
import type { CachePage } from '../../protocol/engine-pages.ts'
import { grouped, summed, totalsOf, weighted } from './sums.ts'

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
    ...totalsOf(pages, ['operations', 'cacheHits', 'batched', 'prefetched', 'queries']),
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
