import { fork } from 'node:child_process'
import { CachingStrategyEngine, createSluice } from '@sluice/core'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { LRUCache } from 'lru-cache'
import { median } from '../harness.ts'
import type { CacheFigure } from './figure.ts'

const ENTRIES = 100_000
const TTL_SECONDS = 3_600
const FILLER = 'SLUICE_BENCH_HEAP'

/** Fills a cache, which must live until the heap was measured, and returns its number of entries. */
type Fill = () => Promise<{ readonly cache: unknown; readonly entries: number }>

const keyOf = (index: number) => `user:${index}`
const userOf = (index: number) => ({ id: index, name: `User ${index}` })

const fillers: Readonly<Record<string, Fill>> = {
  'lru-cache, ttl and size': async () => {
    const cache = new LRUCache<string, object>({
      maxSize: 100 * 1024 * 1024,
      sizeCalculation: () => 100,
      ttl: TTL_SECONDS * 1_000,
    })
    for (let index = 0; index < ENTRIES; index += 1) cache.set(keyOf(index), userOf(index))
    return { cache, entries: cache.size }
  },
  engine: async () => {
    const cache = new CachingStrategyEngine()
    for (let index = 0; index < ENTRIES; index += 1)
      cache.set('users', keyOf(index), userOf(index), TTL_SECONDS)
    return { cache, entries: cache.getStats().itemCount }
  },
  tiered: async () => {
    const sluice = createSluice()
    for (let index = 0; index < ENTRIES; index += 1) {
      await sluice.tiered?.getOrLoad(keyOf(index), () => userOf(index), { ttl: TTL_SECONDS, tags: ['users'] })
    }
    return { cache: sluice, entries: sluice.cache?.getStats().itemCount ?? 0 }
  },
  bentocache: async () => {
    const stores = { users: bentostore().useL1Layer(memoryDriver({ maxItems: 2 * ENTRIES })) }
    const bento = new BentoCache({ default: 'users', stores })
    for (let index = 0; index < ENTRIES; index += 1)
      await bento.set({ key: keyOf(index), value: userOf(index), ttl: `${TTL_SECONDS}s` })
    return {
      cache: bento,
      entries:
        (await bento.has({ key: keyOf(0) })) && (await bento.has({ key: keyOf(ENTRIES - 1) })) ? ENTRIES : 0,
    }
  },
}

/** In a filler's process: fills its cache and reports the bytes that it used. */
export async function serveHeap(): Promise<boolean> {
  const fill = fillers[process.env[FILLER] ?? '']
  if (fill === undefined) return false
  const before = usedBytes()
  const { cache, entries } = await fill()
  const bytes = usedBytes() - before
  if (entries !== ENTRIES) throw new Error(`Expected ${ENTRIES} entries, not ${entries}.`)
  process.send?.(bytes, () => process.exit(cache === undefined ? 1 : 0))
  return true
}

/** The memory in the heap and outside of it. */
function usedBytes(): number {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('Expected to be run with --expose-gc.')
  for (let i = 0; i < 3; i += 1) gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function bytesOf(filler: string): Promise<number> {
  const child = fork(process.argv[1] ?? '', [], {
    env: { ...process.env, [FILLER]: filler },
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (bytes: number) => resolve(bytes))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`The process of "${filler}" ended with ${code}.`)))
  })
}

/** The memory of 100,000 small entries, including keys and values; each cache in a separate process. */
export async function measureHeap(
  rounds: number,
): Promise<{ readonly bytesPerEntry: Readonly<Record<string, number>>; readonly figures: CacheFigure[] }> {
  const samples: Record<string, number[]> = {}
  for (let round = 0; round < rounds; round += 1) {
    for (const name of Object.keys(fillers)) {
      const found = samples[name] ?? []
      found.push((await bytesOf(name)) / ENTRIES)
      samples[name] = found
    }
  }
  const bytesPerEntry = Object.fromEntries(
    Object.entries(samples).map(([name, bytes]) => [name, median(bytes)]),
  )
  const base = bytesPerEntry['lru-cache, ttl and size'] ?? Number.NaN
  const ratio = (name: string) => (bytesPerEntry[name] ?? Number.NaN) / base
  const figures: CacheFigure[] = [
    {
      name: 'heap of 100k small entries, engine',
      value: ratio('engine'),
      unit: '×',
      target: { atMost: 1.3 },
      peers: { bentocache: ratio('bentocache') },
    },
    {
      name: 'heap of 100k small entries, tiered with tags',
      value: ratio('tiered'),
      unit: '×',
      target: { atMost: 1.6 },
      peers: { bentocache: ratio('bentocache') },
    },
  ]
  return { bytesPerEntry, figures }
}
