import { createSluice } from '@sluice/core'
import { EVERY_TAG, type Stamps, StoreUnavailableError } from '@sluice/core/stores'
import {
  type RedisRelay,
  type RedisRelayOptions,
  type RedisStore,
  type RedisStoreOptions,
  redisRelay,
  redisStore,
} from '@sluice/redis'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startRedisCluster } from '../services/redis-cluster.ts'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { randomSuffix } from '../services/service.ts'
import { NEVER_MS, SOON } from '../support/patience.ts'
import { eventually } from './witness.ts'

const timing = { leaseMs: 4_000, quarantineMs: 100 }
const maxLagMs = 1_000

describe.skipIf(findRedisServer() === undefined)('a store in one of two regions', () => {
  let servers: readonly [RedisServer, RedisServer]
  const cleanups: (() => unknown)[] = []
  let namespace: string

  beforeAll(async () => {
    servers = [await startRedisServer(), await startRedisServer()]
  })
  afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())))
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  const [US, EU] = [0, 1] as const
  const clientOf = (region: 0 | 1): Redis => {
    const redis = new Redis({ port: servers[region].port, host: '127.0.0.1', lazyConnect: true })
    cleanups.push(() => redis.disconnect())
    return redis
  }
  const storeIn = (region: 0 | 1, options: RedisStoreOptions = {}): RedisStore => {
    const store = redisStore(clientOf(region), { namespace, ...timing, ...options })
    cleanups.push(() => store.close())
    return store
  }
  /** A store in EU that receives the writes of US. */
  const regional = (options: RedisStoreOptions = {}) =>
    storeIn(EU, { remoteRegions: { us: clientOf(US) }, ...options })
  const relayed = (options: Partial<RedisRelayOptions> = {}): RedisRelay => {
    const ends = { region: 'us', from: clientOf(US), to: clientOf(EU) }
    const relay = redisRelay({ ...ends, namespace, ...timing, maxLagMs, ...options })
    cleanups.push(() => relay.close())
    return relay
  }
  const opened = (store: RedisStore, tags: readonly string[]): Promise<Stamps> =>
    eventually(() => store.open(tags))
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const fresh = (relay: RedisRelay) =>
    eventually(async () => (relay.getStats().isFresh && relay.getStats().held === 0 ? true : undefined))
  const use = () => {
    namespace = `test-${randomSuffix()}`
  }

  it('opens nothing and has no epoch until the relay confirms that it knows all writes', async () => {
    use()
    const store = regional()
    await opened(storeIn(EU), ['a'])
    await eventually(() => store.ping().then(() => true))
    expect(await store.open(['a'])).toBeUndefined()
    expect((await store.read(['a'])).epoch).toBeUndefined()
    expect(store.isFresh?.()).toBe(false)
    expect(store.regions?.()).toMatchObject([{ region: 'us', state: 'up', isFresh: false, ageMs: undefined }])

    const relay = relayed()
    const { epoch } = await opened(store, ['a'])
    expect((await store.read(['a'])).epoch).toBe(epoch)
    await store.ping()
    expect(store.isFresh?.()).toBe(true)
    const [region] = store.regions?.() ?? []
    expect(region).toMatchObject({ isFresh: true, maxLagMs })
    expect(region?.ageMs).toBeLessThan(maxLagMs)
    expect(region?.lagP99Ms).toBeGreaterThanOrEqual(region?.lagP50Ms ?? Number.NaN)
    expect(region?.lagP50Ms).toBeGreaterThan(0)
    expect(relay.getStats()).toMatchObject({ region: 'us', isFresh: true, held: 0, errors: 0 })
  })

  it('serves nothing after the last confirmation has expired', async () => {
    use()
    const store = regional()
    const relay = relayed({ maxLagMs: 300 })
    await opened(store, ['a'])
    await eventually(async () => {
      await store.ping()
      return store.isFresh?.() || undefined
    })
    const closedAt = performance.now()
    await relay.close()
    await eventually(async () => ((await store.read(['a'])).epoch === undefined ? true : undefined))
    expect(performance.now() - closedAt).toBeLessThan(300 + 100)
    expect(store.isFresh?.()).toBe(false)
    await store.ping()
    expect(store.isFresh?.()).toBe(false)
    expect(store.regions?.()[0]?.ageMs).toBeGreaterThan(300)
  })

  it('caches nothing under a tag from the begin of a write in the other region until its end', async () => {
    use()
    const [us, eu] = [storeIn(US), regional()]
    await fresh(relayed())
    const before = await opened(eu, ['a', 'b'])
    await us.begin(['a'], 'w')
    await eventually(async () => ((await eu.read(['a'])).stamps[0] === undefined ? true : undefined))
    expect(await eu.open(['a'])).toBeUndefined()
    expect((await eu.read(['b'])).stamps).toEqual([before.stamps[1]])
    // Longer than the relay needs to look whether the write is still in flight.
    await pause(300)
    expect(await eu.open(['a'])).toBeUndefined()
    await us.end(['a'], 'w')
    expect((await opened(eu, ['a'])).stamps[0]).not.toBe(before.stamps[0])
  })

  it('holds a write that was in flight when the relay started, until its lease has expired', async () => {
    use()
    const [us, eu] = [storeIn(US), regional()]
    await opened(us, [])
    // Its writer dies.
    await us.begin(['a'], 'w')
    const begunAt = performance.now()
    const relay = relayed()
    await opened(eu, ['b'])
    expect(await eu.open(['a'])).toBeUndefined()
    expect(relay.getStats().held).toBe(1)
    await opened(eu, ['a'])
    expect(performance.now() - begunAt).toBeGreaterThan(timing.leaseMs)
  })

  it('holds a write for as long as its writer renews it', async () => {
    use()
    const [us, eu] = [storeIn(US), regional()]
    await fresh(relayed())
    await us.begin(['a'], 'w')
    await eventually(async () => ((await eu.read(['a'])).stamps[0] === undefined ? true : undefined))
    const until = performance.now() + 1.5 * timing.leaseMs
    while (performance.now() < until) {
      await pause(500)
      expect(await us.renew(['a'], 'w')).toBe(true)
      expect(await eu.open(['a'])).toBeUndefined()
    }
    await us.end(['a'], 'w')
    await opened(eu, ['a'])
  })

  it('invalidates everything after a write to everything, and after a loss of state', async () => {
    use()
    const [us, eu] = [storeIn(US), regional()]
    const relay = relayed()
    await fresh(relay)
    const first = await opened(eu, [])
    await us.begin([EVERY_TAG], 'w')
    await eventually(async () => ((await eu.read([])).epoch === undefined ? true : undefined))
    await pause(300)
    expect(await eu.open([])).toBeUndefined()
    await us.end([EVERY_TAG], 'w')
    const second = await opened(eu, [])
    expect(second.epoch).not.toBe(first.epoch)

    const { resyncs } = relay.getStats()
    await us.begin(['a'], 'w')
    await eventually(async () => ((await eu.read(['a'])).stamps[0] === undefined ? true : undefined))
    await servers[US].run('FLUSHALL')
    await eventually(async () => (relay.getStats().resyncs > resyncs ? true : undefined))
    expect(await us.renew(['a'], 'w')).toBe(false)
    await us.begin(['a'], 'w')
    expect((await opened(eu, [])).epoch).not.toBe(second.epoch)
    expect(await eu.open(['a'])).toBeUndefined()
    await us.end(['a'], 'w')
    await opened(eu, ['a'])
  })

  it('announces its own writes in both regions', async () => {
    use()
    const [us, eu] = [storeIn(US), regional()]
    await fresh(relayed())
    await opened(us, ['a'])
    await opened(eu, ['a'])
    await eu.begin(['a'], 'w')
    expect((await us.read(['a'])).stamps).toEqual([undefined])
    expect((await eu.read(['a'])).stamps).toEqual([undefined])
    expect(await us.open(['a'])).toBeUndefined()
    expect(await eu.renew(['a'], 'w')).toBe(true)
    await us.end(['a'], 'w')
    expect(await eu.renew(['a'], 'w')).toBe(false)
    await eu.begin(['a'], 'w')
    await eu.end(['a'], 'w')
    await opened(us, ['a'])
    await opened(eu, ['a'])
  })

  it('rejects the begin of a write with the name of the region that does not respond', async () => {
    use()
    const nowhere = new Redis({ port: 1, host: '127.0.0.1', lazyConnect: true })
    cleanups.push(() => nowhere.disconnect())
    const store = storeIn(EU, { remoteRegions: { us: nowhere }, commandTimeoutMs: 200 })
    await eventually(() => store.ping().then(() => true))
    const error = await store.begin(['a'], 'w').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect((error as Error).message).toMatch(/^Redis of the region "us" cannot be used: /)
    expect(store.regions?.()).toMatchObject([{ region: 'us', state: 'down' }])
    expect(store.state()).toBe('up')
  })

  it.each(['proceed', 'reject-write'] as const)(
    'handles a write as with an unavailable Redis while the other region does not respond: %s',
    async (onInvalidationFailure) => {
      use()
      const nowhere = new Redis({ port: 1, host: '127.0.0.1', lazyConnect: true })
      cleanups.push(() => nowhere.disconnect())
      const store = storeIn(EU, { remoteRegions: { us: nowhere }, commandTimeoutMs: 200 })
      await eventually(() => store.ping().then(() => true))
      const sluice = createSluice({ cache: { store, onInvalidationFailure } })
      sluice.on('error', () => {})
      cleanups.push(() => sluice.close())
      const written: number[] = []
      const write = sluice.tiered?.writeThrough<number>(async (_key, value) => void written.push(value))
      const writing = write?.('a', 1)
      if (onInvalidationFailure === 'proceed') await writing
      else await expect(writing).rejects.toMatchObject({ code: 'SLUICE_WRITE_REJECTED' })
      expect(written).toEqual(onInvalidationFailure === 'proceed' ? [1] : [])
    },
  )

  it('passes no write back to its region through relays in both directions', async () => {
    use()
    const [us, eu] = [storeIn(US, { remoteRegions: { eu: clientOf(EU) } }), regional()]
    const relays = [relayed(), relayed({ region: 'eu', from: clientOf(EU), to: clientOf(US) })] as const
    await Promise.all(relays.map(fresh))
    await opened(us, ['a'])
    await opened(eu, ['a'])
    const before = relays.map((relay) => relay.getStats())
    const writer = storeIn(US)
    await eventually(() => writer.ping().then(() => true))
    await writer.begin(['a'], 'w')
    await writer.end(['a'], 'w')
    await eventually(async () =>
      relays[0].getStats().relayed === (before[0]?.relayed ?? 0) + 1 ? true : undefined,
    )
    await Promise.all(relays.map(fresh))
    await opened(us, ['a'])
    await opened(eu, ['a'])
    await pause(500)
    const after = relays.map((relay) => relay.getStats())
    expect(after[0]?.relayed).toBe((before[0]?.relayed ?? 0) + 1)
    expect(after[1]?.relayed).toBe(before[1]?.relayed)
    expect(after.map(({ resyncs }) => resyncs)).toEqual(before.map(({ resyncs }) => resyncs))
  })

  it('relays from and to a Cluster', async () => {
    use()
    const cluster = await startRedisCluster()
    cleanups.push(() => cluster.stop())
    const clusterClient = () => {
      const client = new Redis.Cluster([...cluster.startupNodes])
      cleanups.push(() => client.disconnect())
      return client
    }
    const options = { namespace, ...timing }
    const asia = redisStore(clusterClient(), { ...options, remoteRegions: { us: clientOf(US) } })
    const us = storeIn(US, { remoteRegions: { asia: clusterClient() } })
    const inAsia = redisStore(clusterClient(), options)
    cleanups.push(() => Promise.all([asia.close(), inAsia.close()]))
    const ends = [
      { region: 'us', from: clientOf(US), to: clusterClient() },
      { region: 'asia', from: clusterClient(), to: clientOf(US) },
    ]
    await Promise.all(ends.map((end) => fresh(relayed(end))))
    for (const [writer, reader] of [
      [storeIn(US), asia],
      [inAsia, us],
    ] as const) {
      const before = await opened(reader, ['a'])
      await eventually(() => writer.begin(['a'], 'w').then(() => true))
      await eventually(async () => ((await reader.read(['a'])).stamps[0] === undefined ? true : undefined))
      expect(await reader.open(['a'])).toBeUndefined()
      await writer.end(['a'], 'w')
      expect((await opened(reader, ['a'])).stamps).not.toEqual(before.stamps)
      await reader.ping()
      expect(reader.isFresh?.()).toBe(true)
    }
  })

  it('closes the connections of the store and of the relay', async () => {
    use()
    // A command runs on a connection that ends before the next one begins.
    const connections = async () =>
      (await Promise.all(servers.map((server) => server.run('CLIENT', 'LIST')))).map(
        (list) => String(list).trim().split('\n').length,
      )
    const before = await connections()
    const [relay, store] = [relayed(), regional()]
    await fresh(relay)
    await opened(store, [])
    expect((await connections()).every((count, at) => count > (before[at] ?? 0))).toBe(true)
    await Promise.all([relay.close(), store.close()])
    await expect.poll(connections, SOON).toEqual(before)
    await expect(store.begin(['a'], 'w')).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
  })

  it('cannot be used with strict consistency', async () => {
    use()
    const store = regional()
    const rejected = /^Option "cache\.(tiered\.|models\.City\.)?consistency": expected 'bounded'/
    expect(() => createSluice({ cache: { store, consistency: 'strict' } })).toThrow(rejected)
    expect(() => createSluice({ cache: { store, tiered: { consistency: 'strict' } } })).toThrow(rejected)
    const models = { City: { consistency: 'strict' } } as const
    expect(() => createSluice({ cache: { store, models } })).toThrow(rejected)
    await createSluice({ cache: { store } }).close()
  })

  it('exports the state of the other regions', async () => {
    use()
    const store = regional()
    await fresh(relayed())
    await opened(store, [])
    const sluice = createSluice({ cache: { store, maxStalenessMs: NEVER_MS } })
    cleanups.push(() => sluice.close())
    await store.ping()
    const families = (await sluice.monitor?.collectMetrics()) ?? []
    const samples = (name: string) => families.find((family) => family.name === name)?.samples
    const labels = { 'sluice.region': 'us' }
    expect(samples('sluice.cache.region.fresh')).toEqual([{ labels, value: 1 }])
    expect(samples('sluice.cache.region.age')).toEqual([{ labels, value: expect.any(Number) }])
    expect(samples('sluice.cache.region.lag')).toMatchObject([
      { labels, quantiles: [{ quantile: 0.5 }, { quantile: 0.99 }] },
    ])
  })
})
