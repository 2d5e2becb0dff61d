import { QueryStats } from '../../pipeline/query-stats.ts'
import { Batcher } from '../../query/batch/batcher.ts'
import { type ChainParts, createResultCache, exclusionOf } from '../chains.ts'
import { ReadJudge } from './read-judge.ts'

/** Creates the judge of a Sluice with these parts. It does not count in their statistics. */
export function createJudge(parts: ChainParts): ReadJudge {
  const { options, cache, executor, lookups } = parts
  const { exclude, batch } = options
  const stats = new QueryStats()
  const prefetcher = parts.prefetcher?.fork()
  return new ReadJudge({
    isExcluded: exclude && exclusionOf(exclude, parts),
    cache: cache && createResultCache({ ...parts, stats, prefetcher }, cache),
    batcher: batch === false ? undefined : new Batcher(executor, stats, lookups),
    prefetch: prefetcher && { prefetcher, forecast: prefetcher.forecast() },
  })
}
