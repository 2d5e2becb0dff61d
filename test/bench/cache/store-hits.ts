import KeyvRedis from '@keyv/redis'
import { createSluice } from '@sluice/core'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { Keyv } from 'keyv'
import { type Contender, type Measured, measure, type Operation } from '../harness.ts'
import type { CacheFigure } from './figure.ts'
import { openStore } from './open-store.ts'
import { indexOf, rowOf, shuffledKeys } from './rows.ts'
import { REDIS_URL } from './services.ts'

const KEYS = 1_000
const TTL_SECONDS = 600
/** These and the key's own tag make three; entry and epoch are read in addition. */
const TAGS = ['authors', 'fr']
const MANY = 64

/** Reads `inFlight` keys at a time. */
async function reading(
  inFlight: number,
  read: (key: string) => Promise<unknown>,
  loads: () => number,
  close: () => unknown,
): Promise<Operation> {
  const keys = shuffledKeys(KEYS)
  await Promise.all(keys.map(read))
  // Values are stored in the background.
  await new Promise((resolve) => setTimeout(resolve, 50))
  let at = 0
  const next = (): string => {
    at = at + 1 === KEYS ? 0 : at + 1
    return keys[at] as string
  }
  const before = loads()
  return {
    run: async (iterations) => {
      let misses = 0
      for (let done = 0; done < iterations; done += inFlight) {
        const rows =
          inFlight === 1
            ? [await read(next())]
            : await Promise.all(Array.from({ length: inFlight }, () => read(next())))
        for (const row of rows) if (row == null) misses += 1
      }
      misses += loads() - before
      if (misses !== 0) throw new Error(`${misses} reads were not hits.`)
    },
    close: async () => void (await close()),
  }
}

const redisUrl = () => process.env[REDIS_URL] ?? ''

async function openRaw(inFlight: number, isPipelined = false): Promise<Operation> {
  const redis = new Redis(redisUrl(), { enableAutoPipelining: isPipelined })
  for (const key of shuffledKeys(KEYS))
    await redis.set(`raw:${key}`, JSON.stringify(rowOf(indexOf(key))), 'EX', TTL_SECONDS)
  return reading(
    inFlight,
    async (key) => JSON.parse((await redis.get(`raw:${key}`)) ?? 'null'),
    () => 0,
    () => redis.quit(),
  )
}

/** @param maxBytes - With 1, memory caches nothing, and the store serves a separate value for each read. */
async function openSluice(
  inFlight: number,
  maxBytes: number | undefined,
  consistency: 'bounded' | 'strict',
): Promise<Operation> {
  const { store, end } = await openStore(`bench-${inFlight}-${consistency}`)
  const sluice = createSluice({
    cache: { store, consistency, ...(maxBytes === undefined ? {} : { maxBytes }) },
  })
  const { tiered } = sluice
  if (tiered === undefined) throw new Error('Expected a cache.')
  return reading(
    inFlight,
    (key) => tiered.getOrLoad(key, () => rowOf(indexOf(key)), { ttl: TTL_SECONDS, tags: TAGS }),
    () => tiered.getStats().loads,
    async () => {
      await sluice.close()
      end()
    },
  )
}

async function openBento(inFlight: number): Promise<Operation> {
  let loads = 0
  const redis = new Redis(redisUrl())
  const stores = { rows: bentostore().useL2Layer(redisDriver({ connection: redis })) }
  const bento = new BentoCache({ default: 'rows', prefix: `bento-${inFlight}`, stores })
  return reading(
    inFlight,
    (key) =>
      bento.getOrSet({
        key,
        ttl: `${TTL_SECONDS}s`,
        tags: TAGS,
        factory: () => {
          loads += 1
          return rowOf(indexOf(key))
        },
      }),
    () => loads,
    () => bento.disconnectAll(),
  )
}

async function openKeyv(inFlight: number): Promise<Operation> {
  const keyv = new Keyv({ store: new KeyvRedis(redisUrl()), namespace: `keyv-${inFlight}` })
  for (const key of shuffledKeys(KEYS)) await keyv.set(key, rowOf(indexOf(key)), TTL_SECONDS * 1_000)
  return reading(
    inFlight,
    (key) => keyv.get(key),
    () => 0,
    () => keyv.disconnect(),
  )
}

function contendersOf(inFlight: number): readonly Contender[] {
  const name = (text: string) => `${text}, ${inFlight} in flight`
  return [
    { name: name('ioredis GET and JSON.parse'), open: () => openRaw(inFlight) },
    { name: name('tiered.getOrLoad, from Redis'), open: () => openSluice(inFlight, 1, 'bounded') },
    { name: name('tiered.getOrLoad, strict'), open: () => openSluice(inFlight, undefined, 'strict') },
    { name: name('bentocache, from Redis'), open: () => openBento(inFlight) },
    { name: name('keyv, without tags'), open: () => openKeyv(inFlight) },
    ...(inFlight === 1
      ? []
      : [{ name: name('ioredis, auto-pipelined'), open: () => openRaw(inFlight, true) }]),
  ]
}

const [one, many] = [contendersOf(1), contendersOf(MANY)]

export const storeContenders: readonly Contender[] = [...one, ...many]

export interface StoreHits {
  readonly one: readonly Measured[]
  readonly many: readonly Measured[]
  readonly figures: readonly CacheFigure[]
}

/** Hits in Redis, compared with a plain `GET`. */
export async function measureStoreHits(rounds: number, iterations: number): Promise<StoreHits> {
  const measured = {
    one: await measure(one, rounds, iterations),
    many: await measure(many, rounds, 2 * iterations),
  }
  const figureOf = (
    inFlight: number,
    atMost: number,
    [, sluice, strict, bentocache, keyv, pipelined]: readonly Measured[],
  ): CacheFigure => ({
    name: `hit in Redis, 2 tags, ${inFlight} in flight`,
    value: sluice?.ratio ?? Number.NaN,
    unit: '×',
    target: { atMost },
    peers: {
      bentocache: bentocache?.ratio ?? Number.NaN,
      'keyv (no tags)': keyv?.ratio ?? Number.NaN,
      'in memory, strict': strict?.ratio ?? Number.NaN,
      ...(pipelined === undefined ? {} : { 'ioredis auto-pipelined': pipelined.ratio }),
    },
  })
  return { ...measured, figures: [figureOf(1, 1.6, measured.one), figureOf(MANY, 1, measured.many)] }
}
