import { createSluice } from '@sluice/core'
import type { CacheStore } from '@sluice/core/stores'
import { memcachedStore } from '@sluice/memcached'
import { type Contender, type Measured, measure, type Operation } from '../harness.ts'
import type { CacheFigure } from './figure.ts'
import { openStore } from './open-store.ts'
import { indexOf, rowOf, shuffledKeys } from './rows.ts'
import { MEMCACHED_ADDRESS } from './services.ts'

const KEYS = 1_000
const TAGS = ['authors', 'fr']
const MANY = 64
const COMMAND_TIMEOUT_MS = 20_000

type Opened = () => Promise<{ readonly store: CacheStore; end(): void }>

const openRedis: Opened = () => openStore('bench-compared')

const openMemcached: Opened = async () => {
  const state = process.env[MEMCACHED_ADDRESS] ?? ''
  const store = memcachedStore({ state, namespace: 'bench', commandTimeoutMs: COMMAND_TIMEOUT_MS })
  while ((await store.open(['warm-up'])) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 100))
  return { store, end: () => {} }
}

/** Hits in a store: its value is validated with two tags and decoded. */
async function readingStore(open: Opened, inFlight: number): Promise<Operation> {
  const { store, end } = await open()
  const stamps = await store.open(TAGS)
  if (stamps === undefined) throw new Error('The tags were not opened.')
  const keys = shuffledKeys(KEYS)
  const times = { queriedAt: Date.now(), ttlMs: 600_000, costMs: 1 }
  for (const key of keys)
    await store.set(key, { value: rowOf(indexOf(key)), tags: TAGS, times, ...stamps }, 600_000)
  let at = 0
  const read = async (): Promise<void> => {
    at = at + 1 === KEYS ? 0 : at + 1
    const { entry, epoch, stamps: current } = await store.read(TAGS, keys[at])
    const isValid = entry?.epoch === epoch && entry?.stamps.every((stamp, tag) => stamp === current[tag])
    if (isValid !== true || entry?.value() === undefined) throw new Error('A read was not a hit.')
  }
  return {
    run: async (iterations) => {
      for (let done = 0; done < iterations; done += inFlight)
        await (inFlight === 1 ? read() : Promise.all(Array.from({ length: inFlight }, read)))
    },
    close: async () => {
      await store.close()
      end()
    },
  }
}

/** A write's announcement and end, `inFlight` at a time. */
async function writingStore(open: Opened, inFlight: number): Promise<Operation> {
  const { store, end } = await open()
  let tokens = 0
  const write = async (_: unknown, at: number): Promise<void> => {
    tokens += 1
    const token = `w${tokens}`
    const tags = [`row ${at}`]
    await store.begin(tags, token)
    await store.end(tags, token)
  }
  return {
    run: async (iterations) => {
      for (let done = 0; done < iterations; done += inFlight)
        await Promise.all(Array.from({ length: inFlight }, write))
    },
    close: async () => {
      await store.close()
      end()
    },
  }
}

/** Hits of `bounded` from memory: a store without notifications confirms each value once per second. */
async function readingMemory(open: Opened): Promise<Operation> {
  const { store, end } = await open()
  const sluice = createSluice({ cache: { store } })
  const { tiered } = sluice
  if (tiered === undefined) throw new Error('Expected a cache.')
  const keys = shuffledKeys(KEYS)
  const read = (key: string) => tiered.getOrLoad(key, () => rowOf(indexOf(key)), { ttl: 600, tags: TAGS })
  for (const key of keys) await read(key)
  let at = 0
  return {
    run: async (iterations) => {
      for (let done = 0; done < iterations; done += 1) {
        at = at + 1 === KEYS ? 0 : at + 1
        await read(keys[at] as string)
      }
    },
    close: async () => {
      await sluice.close()
      end()
    },
  }
}

const pair = (name: string, open: (opened: Opened) => Promise<Operation>): readonly Contender[] => [
  { name: `Redis: ${name}`, open: () => open(openRedis) },
  { name: `Memcached: ${name}`, open: () => open(openMemcached) },
]

const cases = {
  'hit, 2 tags, 1 in flight': pair('hit, 1 in flight', (opened) => readingStore(opened, 1)),
  'hit, 2 tags, 64 in flight': pair('hit, 64 in flight', (opened) => readingStore(opened, MANY)),
  'begin and end, 1 in flight': pair('begin and end, 1 in flight', (opened) => writingStore(opened, 1)),
  'begin and end, 64 in flight': pair('begin and end, 64 in flight', (opened) => writingStore(opened, MANY)),
  'hit in memory, bounded': pair('hit in memory, bounded', readingMemory),
}

export const memcachedContenders: readonly Contender[] = Object.values(cases).flat()

/** The store in Memcached, compared with that in Redis. */
export async function measureMemcached(
  rounds: number,
  iterations: number,
): Promise<{
  readonly measured: readonly (readonly Measured[])[]
  readonly figures: readonly CacheFigure[]
}> {
  const measured: (readonly Measured[])[] = []
  const figures: CacheFigure[] = []
  for (const [name, contenders] of Object.entries(cases)) {
    const results = await measure(contenders, rounds, iterations)
    measured.push(results)
    figures.push({
      name: `Memcached over Redis, ${name}`,
      value: results[1]?.ratio ?? Number.NaN,
      unit: '×',
    })
  }
  return { measured, figures }
}
