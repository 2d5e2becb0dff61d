import { CachingStrategyEngine, type CachingStrategyEngineOptions } from '@sluice/core'
import { LRUCache } from 'lru-cache'
import type { CacheFigure } from './figure.ts'
import { optimalHits } from './optimum.ts'
import type { Trace } from './trace.ts'

type Policy = NonNullable<CachingStrategyEngineOptions['policy']>

const policies: readonly Policy[] = ['lru', 'lfu', 'ttl', 's3-fifo']
const TARGET_AT = 0.05
const TARGET_PERCENT = 85
const NAMESPACE = 'trace'

export interface HitRates {
  /** The share of all keys that fits. */
  readonly share: number
  readonly capacity: number
  /** In percent, by policy; then `lru-cache` and `optimum`. */
  readonly rates: Readonly<Record<string, number>>
}

/** Runs a trace through each policy. A miss caches a value; all values have the same size. */
export function hitRatesOf({ reads, keys }: Trace, share: number): HitRates {
  const capacity = Math.max(1, Math.round(keys * share))
  const names = Array.from({ length: keys }, (_, key) => String(key).padStart(10, '0'))
  const percent = (hits: number) => (hits / reads.length) * 100
  const rates = Object.fromEntries(
    policies.map((policy) => [policy, percent(engineHits(policy, reads, names, capacity))]),
  )
  rates['lru-cache'] = percent(lruHits(reads, names, capacity))
  rates.optimum = percent(optimalHits(reads, keys, capacity))
  return { share, capacity, rates }
}

/** @param isSynthetic - Such a trace has no target, because it does not represent apps. */
export function figureOf({ share, rates }: HitRates, isSynthetic: boolean): CacheFigure {
  const [best, value] = policies
    .map((policy): [string, number] => [policy, rates[policy] ?? 0])
    .reduce((a, b) => (b[1] > a[1] ? b : a))
  const others = Object.entries(rates).filter(([name]) => name !== best)
  return {
    name: `hit rate at ${share * 100} % of keys${isSynthetic ? ', synthetic' : ''}: ${best}`,
    value,
    unit: '%',
    target: share === TARGET_AT && !isSynthetic ? { atLeast: TARGET_PERCENT } : undefined,
    peers: Object.fromEntries(others),
  }
}

function engineHits(policy: Policy, reads: Int32Array, names: readonly string[], capacity: number): number {
  const entryBytes = new CachingStrategyEngine({ policy }).set(NAMESPACE, names[0] as string, 1).size
  const cache = new CachingStrategyEngine({ policy, maxBytes: entryBytes * capacity, maxEntryShare: 1 })
  let hits = 0
  for (const key of reads) {
    const name = names[key] as string
    if (cache.get(NAMESPACE, name) !== null) hits += 1
    else cache.set(NAMESPACE, name, 1)
  }
  if (cache.getStats().itemCount > capacity) throw new Error(`${policy} keeps more than ${capacity} keys.`)
  cache.close()
  return hits
}

function lruHits(reads: Int32Array, names: readonly string[], max: number): number {
  const cache = new LRUCache<string, number>({ max })
  let hits = 0
  for (const key of reads) {
    const name = names[key] as string
    if (cache.get(name) !== undefined) hits += 1
    else cache.set(name, 1)
  }
  return hits
}
