import {
  CachingStrategyEngine,
  type CachingStrategyEngineOptions,
  type CopyMode,
  createSluice,
} from '@sluice/core'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache } from 'cache-manager'
import { Keyv } from 'keyv'
import { LRUCache } from 'lru-cache'
import { type Contender, type Measured, measure, type Operation } from '../harness.ts'
import type { CacheFigure } from './figure.ts'
import { openStore } from './open-store.ts'
import { type BenchRow, indexOf, rowOf, shuffledKeys } from './rows.ts'

const KEYS = 10_000
const FILLED_AT_A_TIME = 500
const TTL_SECONDS = 600
const TAG = 'authors'

type EnginePolicy = NonNullable<CachingStrategyEngineOptions['policy']>
const enginePolicies: readonly EnginePolicy[] = ['lru', 'lfu', 'ttl', 's3-fifo']

/** A cache whose `get` returns the value synchronously. */
function direct(get: (key: string) => unknown, close: () => unknown = () => {}): Operation {
  const keys = shuffledKeys(KEYS)
  let at = 0
  return {
    run: async (iterations) => {
      let misses = 0
      for (let i = 0; i < iterations; i += 1) {
        at = at + 1 === KEYS ? 0 : at + 1
        if (get(keys[at] as string) == null) misses += 1
      }
      assertHits(misses)
    },
    close: async () => void (await close()),
  }
}

/** A cache with sequentially awaited reads, as in an app. */
async function awaited(
  read: (key: string) => Promise<unknown>,
  loads: () => number,
  close: () => unknown,
): Promise<Operation> {
  const keys = shuffledKeys(KEYS)
  for (let from = 0; from < KEYS; from += FILLED_AT_A_TIME) {
    await Promise.all(keys.slice(from, from + FILLED_AT_A_TIME).map(read))
  }
  let at = 0
  return {
    run: async (iterations) => {
      let misses = 0
      for (let i = 0; i < iterations; i += 1) {
        at = at + 1 === KEYS ? 0 : at + 1
        if ((await read(keys[at] as string)) == null) misses += 1
      }
      assertHits(misses + loads() - KEYS)
    },
    close: async () => void (await close()),
  }
}

function assertHits(misses: number): void {
  if (misses !== 0) throw new Error(`${misses} reads were not hits.`)
}

async function openLru(): Promise<Operation> {
  const cache = new LRUCache<string, BenchRow>({ max: KEYS })
  for (const key of shuffledKeys(KEYS)) cache.set(key, rowOf(indexOf(key)))
  return direct((key) => cache.get(key))
}

async function openEngine(policy: EnginePolicy): Promise<Operation> {
  const cache = new CachingStrategyEngine({ policy })
  for (const key of shuffledKeys(KEYS)) cache.set('authors', key, rowOf(indexOf(key)), TTL_SECONDS)
  return direct(
    (key) => cache.get('authors', key),
    () => cache.close(),
  )
}

/**
 * With a store, so that tags belong to several processes, and memory is trusted for `maxStalenessMs` only.
 */
async function openSluice(copy: CopyMode): Promise<Operation> {
  const { store, end } = await openStore(`bench-memory-${copy}`)
  const sluice = createSluice({ cache: { store, consistency: 'bounded' } })
  const { tiered } = sluice
  if (tiered === undefined) throw new Error('Expected a cache.')
  return awaited(
    (key) => tiered.getOrLoad(key, () => rowOf(indexOf(key)), { ttl: TTL_SECONDS, tags: [TAG], copy }),
    () => tiered.getStats().loads,
    async () => {
      await sluice.close()
      end()
    },
  )
}

function openBento(serialize: boolean): Promise<Operation> {
  let loads = 0
  const stores = { rows: bentostore().useL1Layer(memoryDriver({ maxItems: 2 * KEYS, serialize })) }
  const bento = new BentoCache({ default: 'rows', stores })
  return awaited(
    (key) =>
      bento.getOrSet({
        key,
        ttl: `${TTL_SECONDS}s`,
        tags: [TAG],
        factory: () => countedRow(key, () => (loads += 1)),
      }),
    () => loads,
    () => bento.disconnectAll(),
  )
}

function openCacheManager(): Promise<Operation> {
  let loads = 0
  const cache = createCache({ stores: [new Keyv()] })
  return awaited(
    (key) => cache.wrap(key, async () => countedRow(key, () => (loads += 1)), TTL_SECONDS * 1_000),
    () => loads,
    () => cache.disconnect(),
  )
}

async function openKeyv(): Promise<Operation> {
  const cache = new Keyv<BenchRow>()
  for (const key of shuffledKeys(KEYS)) await cache.set(key, rowOf(indexOf(key)), TTL_SECONDS * 1_000)
  return awaited(
    (key) => cache.get(key),
    () => KEYS,
    () => cache.disconnect(),
  )
}

function countedRow(key: string, count: () => void): BenchRow {
  count()
  return rowOf(indexOf(key))
}

const lru: Contender = { name: 'lru-cache, get', pace: 10, open: openLru }
const engines: readonly Contender[] = enginePolicies.map((policy) => ({
  name: `engine.get, ${policy}`,
  pace: 10,
  open: () => openEngine(policy),
}))
const awaitedCaches: readonly Contender[] = [
  { name: "tiered.getOrLoad, copy 'none'", pace: 2, open: () => openSluice('none') },
  { name: "tiered.getOrLoad, copy 'clone'", pace: 2, open: () => openSluice('clone') },
  { name: 'bentocache, references', pace: 0.25, open: () => openBento(false) },
  { name: 'bentocache, serialized', pace: 0.25, open: () => openBento(true) },
  { name: 'cache-manager, wrap', pace: 0.25, open: openCacheManager },
  { name: 'keyv, get', open: openKeyv },
]

export const memoryContenders: readonly Contender[] = [lru, ...engines, ...awaitedCaches]

/** Hits in this process's memory: awaited reads with validated tags, and synchronous reads of the engine. */
export async function measureMemoryHits(
  rounds: number,
  iterations: number,
): Promise<{ readonly measured: readonly Measured[]; readonly figures: CacheFigure[] }> {
  const measured = await measure(memoryContenders, rounds, iterations)
  const ratios = measured.map(({ ratio }) => ratio)
  const [none = Number.NaN, clone = Number.NaN, ...peers] = ratios.slice(1 + engines.length)
  const [references = Number.NaN, serialized = Number.NaN, manager = Number.NaN, keyv = Number.NaN] = peers
  const others = { bentocache: references, 'cache-manager wrap': manager, keyv }
  return {
    measured,
    figures: [
      {
        name: "memory hit, awaited, 2 tags, copy 'none'",
        value: none,
        unit: '×',
        target: { atMost: 10 },
        peers: others,
      },
      {
        name: "memory hit, awaited, 2 tags, copy 'clone'",
        value: clone,
        unit: '×',
        peers: { 'bentocache serialized': serialized },
      },
      ...enginePolicies.map((policy, at): CacheFigure => {
        return {
          name: `memory hit, engine.get, ${policy}`,
          value: ratios[at + 1] ?? Number.NaN,
          unit: '×',
          target: { atMost: 3 },
        }
      }),
    ],
  }
}
