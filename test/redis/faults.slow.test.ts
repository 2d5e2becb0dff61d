import { type CacheStore, EVERY_TAG, type Stamps, StoreUnavailableError } from '@sluice/core/stores'
import { type RedisStore, type RedisStoreOptions, redisStore } from '@sluice/redis'
import type { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { keepBusy } from '../support/keep-busy.ts'
import { ownNow } from '../support/own-clock.ts'
import { clients } from './redis-worlds.ts'
import { eventually, Witness } from './witness.ts'

const times = { queriedAt: 0, ttlMs: 60_000, costMs: 1 }
/** Allocates memory until none is left. */
const FILL =
  "for at = 1, 100 do redis.call('SET', 'fill:' .. ARGV[1] .. ':' .. at, string.rep('x', 10000)) end"
const timing = { leaseMs: 2_000, quarantineMs: 150, commandTimeoutMs: 200, retryAfterMs: 100 }

describe.skipIf(findRedisServer() === undefined).each(Object.entries(clients))(
  'faults of Redis, %s',
  (_, Client) => {
    const cleanups: (() => unknown)[] = []
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    async function serve(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
      const server = await startRedisServer(settings)
      cleanups.push(() => server.stop())
      return server
    }
    function given({ port }: RedisServer, options: object = {}): Redis {
      const redis = new Client({ port, host: '127.0.0.1', ...options })
      redis.on('error', () => {})
      cleanups.push(() => redis.disconnect())
      return redis
    }
    function storeOn(redis: Redis, options: RedisStoreOptions = {}): RedisStore {
      const store = redisStore(redis, { ...timing, ...options })
      cleanups.push(() => store.close())
      return store
    }
    const opened = (store: CacheStore, tags: readonly string[]): Promise<Stamps> =>
      eventually(() => store.open(tags))

    it('distrusts a state that was restored from a snapshot', async () => {
      const server = await serve()
      const store = storeOn(given(server))
      const before = await opened(store, ['a'])
      await store.set('key', { value: 'old', tags: ['a'], times, ...before }, 60_000)
      await server.run('SAVE')
      await store.begin(['a'], 'w')
      await store.end(['a'], 'w')
      await server.kill()
      await server.start()

      const state = await eventually(() => store.read(['a'], 'key'))
      expect(state.entry?.epoch).toBe(before.epoch)
      expect(state.stamps).toEqual(before.stamps)
      expect(state.epoch).toBeUndefined()
      expect(await store.open(['a'])).toBeUndefined()
      expect((await opened(store, ['a'])).epoch).not.toBe(before.epoch)
    })

    it('opens nothing after a restored snapshot that precedes a write of a living writer', async () => {
      const server = await serve()
      const [writer, reader] = [storeOn(given(server)), storeOn(given(server))]
      await opened(reader, ['a'])
      await server.run('SAVE')
      await writer.begin(['a'], 'w')
      await server.kill()
      await server.start()
      await eventually(async () => ((await reader.open(['a'])) === undefined ? true : undefined))
      expect(await eventually(() => writer.renew(['a'], 'w').catch(() => undefined))).toBe(false)
      await writer.begin(['a'], 'w')
      await opened(reader, [])
      expect(await reader.open(['a'])).toBeUndefined()
      expect(await writer.end(['a'], 'w')).toBeDefined()
    })

    it('opens nothing after a restored snapshot, regardless of a write to everything that it contains', async () => {
      const server = await serve()
      const [all, writer, reader] = [storeOn(given(server)), storeOn(given(server)), storeOn(given(server))]
      await opened(reader, ['a'])
      await all.begin([EVERY_TAG], 'in the snapshot')
      await server.run('SAVE')
      await writer.begin(['a'], 'w')
      await server.kill()
      await server.start()
      await eventually(() =>
        all.begin([EVERY_TAG], 'since').then(
          () => true,
          () => undefined,
        ),
      )
      expect(await all.end([EVERY_TAG], 'in the snapshot')).toBeUndefined()
      expect(await reader.open(['a'])).toBeUndefined()
      expect(await all.end([EVERY_TAG], 'since')).toBeUndefined()
      expect(await reader.open(['a'])).toBeUndefined()
      expect(await eventually(() => writer.renew(['a'], 'w').catch(() => undefined))).toBe(false)
      await writer.begin(['a'], 'w')
      await opened(reader, [])
      expect(await reader.open(['a'])).toBeUndefined()
      expect(await writer.end(['a'], 'w')).toBeDefined()
    })

    it('fails within its time limit with a SluiceError while Redis is down, and recovers on its own', async () => {
      const server = await serve()
      const store = storeOn(given(server))
      const witness = new Witness(store)
      await opened(store, ['a'])
      const load = witness.load(8)
      await eventually(async () => (witness.successes > 200 ? true : undefined))
      expect(witness.failures).toEqual([])
      await server.kill()
      await eventually(async () =>
        store.state() === 'down' && witness.failures.length > 50 ? true : undefined,
      )
      await server.start()
      await eventually(async () => (store.state() === 'up' ? true : undefined))
      const { successes } = witness
      await eventually(async () => (witness.successes > successes + 200 ? true : undefined))
      witness.stop()
      await load
      expect(witness.failures.filter((error) => !(error instanceof StoreUnavailableError))).toEqual([])
      expect(
        witness.failures.every(
          (error) => (error as StoreUnavailableError).code === 'SLUICE_STORE_UNAVAILABLE',
        ),
      ).toBe(true)
      expect(witness.slowestMs).toBeLessThan(timing.commandTimeoutMs + 250)
    })

    it('does not treat a busy process as an outage', async () => {
      const server = await serve()
      const store = storeOn(given(server))
      const witness = new Witness(store)
      store.watch(witness)
      const { epoch } = await opened(store, ['a'])
      await store.ping()
      const losses = witness.losses
      for (let turn = 0; turn < 3; turn += 1) {
        const calls = [
          store.ping(),
          store.begin(['a'], `w${turn}`),
          ...Array.from({ length: 8 }, (_, at) => store.open([`tag ${at}`])),
        ]
        await new Promise((resolve) => setImmediate(resolve))
        keepBusy(4 * timing.commandTimeoutMs)
        await Promise.all(calls)
        await store.end(['a'], `w${turn}`)
      }
      expect(store.state()).toBe('up')
      expect(store.counters()).toMatchObject({ failed: 0, refused: 0 })
      expect(witness.losses).toBe(losses)
      expect((await store.open(['a']))?.epoch).toBe(epoch)
    })

    it('rejects calls immediately after several timeouts, and recovers with Redis', async () => {
      const server = await serve()
      const store = storeOn(given(server), { maxFailures: 3 })
      await opened(store, ['a'])
      await server.pause(true)
      cleanups.push(() => server.pause(false))
      for (let call = 0; call < 3; call += 1) {
        const start = ownNow()
        await expect(store.read(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
        expect(ownNow() - start).toBeLessThan(timing.commandTimeoutMs + 250)
      }
      const start = ownNow()
      await expect(store.read(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
      await expect(store.begin(['a'], 'w')).rejects.toBeInstanceOf(StoreUnavailableError)
      expect(ownNow() - start).toBeLessThan(50)
      expect(store.state()).toBe('down')
      expect(store.counters()).toMatchObject({ failed: 3, refused: 2 })
      await server.pause(false)
      await eventually(() => store.read(['a']).catch(() => undefined))
      await eventually(async () => (store.state() === 'up' ? true : undefined))
    })

    it('rejects within its time limit if there never was a server', async () => {
      const server = await serve()
      await server.kill()
      const store = storeOn(given(server))
      const start = ownNow()
      await expect(store.read(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
      expect(ownNow() - start).toBeLessThan(timing.commandTimeoutMs + 250)
      await server.start()
      await eventually(() => store.read(['a']).catch(() => undefined))
    })

    it('notifies its watcher when the connection for invalidations is cut', async () => {
      const server = await serve()
      const [store, writer] = [storeOn(given(server)), storeOn(given(server))]
      const witness = new Witness(store)
      store.watch(witness)
      await store.ping()
      expect(witness.losses).toBe(1)
      await server.run('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await eventually(async () => (witness.losses === 2 ? true : undefined))
      await store.ping()
      await writer.begin(['a'], 'w')
      await store.ping()
      expect(witness.tags).toEqual(['a'])
    })

    it('does not answer a ping while the server of the invalidations does not reply', async () => {
      const server = await serve()
      const store = storeOn(given(server))
      const witness = new Witness(store)
      store.watch(witness)
      await store.ping()
      await server.pause(true)
      cleanups.push(() => server.pause(false))
      const start = ownNow()
      await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailableError)
      expect(ownNow() - start).toBeLessThan(timing.commandTimeoutMs + 250)
      await server.pause(false)
      await eventually(() =>
        store.ping().then(
          () => true,
          () => undefined,
        ),
      )
      expect(witness.losses).toBe(2)
    })

    it('treats a changed replication id on open connections as one loss', async () => {
      const server = await serve({ 'enable-debug-command': 'yes' })
      const [first, second] = [storeOn(given(server)), storeOn(given(server))]
      const before = await opened(first, ['a'])
      await server.run('DEBUG', 'CHANGE-REPL-ID')
      const third = storeOn(given(server))
      expect((await third.read(['a'])).epoch).toBeUndefined()
      const after = await opened(third, ['a'])
      expect(after.epoch).not.toBe(before.epoch)
      for (const store of [first, second, third, first])
        expect(await opened(store, ['a'])).toMatchObject({ epoch: after.epoch })
      for (const store of [first, second, third]) expect((await store.read(['a'])).epoch).toBe(after.epoch)
    })

    it('treats every new connection as a loss if the server reports no replication id', async () => {
      const server = await serve()
      await server.run('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const limited = { username: 'limited', password: 'secret', enableReadyCheck: false }
      const store = storeOn(given(server, limited))
      const before = await opened(store, ['a'])
      expect((await store.read(['a'])).epoch).toBe(before.epoch)
      const other = storeOn(given(server, limited))
      expect((await other.read(['a'])).epoch).toBeUndefined()
      expect((await store.read(['a'])).epoch).toBeUndefined()
      const after = await opened(store, ['a'])
      expect(await other.open(['a'])).toEqual(after)
      await store.begin(['a'], 'w')
      expect(await store.end(['a'], 'w')).toMatchObject({ epoch: after.epoch })
    })

    it('begins a quarantine at every such connection, regardless of earlier quarantines', async () => {
      const server = await serve()
      await server.run('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const limited = { username: 'limited', password: 'secret', enableReadyCheck: false }
      const store = storeOn(given(server, limited))
      expect(await store.open(['a'])).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, timing.quarantineMs + 50))
      expect(await storeOn(given(server, limited)).open(['a'])).toBeUndefined()
      await opened(store, ['a'])
    })

    it('reads from no replica, whose state may be outdated', async () => {
      const [master, replica] = [await serve({ 'repl-diskless-sync-delay': '0' }), await serve()]
      const writer = storeOn(given(master))
      await replica.run('REPLICAOF', '127.0.0.1', master.port)
      const replication = async () => String(await replica.run('INFO', 'replication'))
      await eventually(async () => (/master_link_status:up/.test(await replication()) ? true : undefined))
      const stamps = await opened(writer, ['a'])
      await eventually(async () =>
        Number(await replica.run('EXISTS', '{sluice}stamp:a')) === 1 ? true : undefined,
      )
      const reader = storeOn(given(replica))
      await expect(reader.read(['a'])).rejects.toMatchObject({
        code: 'SLUICE_STORE_UNAVAILABLE',
        cause: { message: 'The server is a replica.' },
      })
      await replica.run('REPLICAOF', 'NO', 'ONE')
      const promoted = await eventually(() => reader.open(['a']).catch(() => undefined))
      expect(promoted.epoch).not.toBe(stamps.epoch)
    })

    it('receives notifications of writers although its memory is full', async () => {
      const server = await serve({ maxmemory: '8mb' })
      const store = storeOn(given(server), { maxFailures: 3 })
      const stamps = await opened(store, ['a', 'b'])
      const fill = async () => {
        for (let at = 0; at < 10_000; at += 1) await server.run('EVAL', FILL, 0, at)
      }
      await expect(fill()).rejects.toThrow('OOM')
      const entry = { value: 1, tags: ['a'], times, ...stamps }
      for (let key = 0; key < 5; key += 1)
        await expect(store.set(`key ${key}`, entry, 60_000)).rejects.toBeInstanceOf(StoreUnavailableError)
      for (const tags of [['a'], ['b', EVERY_TAG], [EVERY_TAG]]) {
        await store.begin(tags, 'w')
        expect(await store.renew(tags, 'w')).toBe(true)
        expect(await store.end(tags, 'w')).toBeDefined()
      }
      expect((await store.read(['a'])).stamps).not.toEqual([stamps.stamps[0]])
      expect(store.state()).toBe('up')
    })

    it('treats unreadable entries as absent, and unknown messages as a loss', async () => {
      const server = await serve()
      const redis = given(server)
      const store = storeOn(redis)
      const witness = new Witness(store)
      store.watch(witness)
      await store.ping()
      const stamps = await opened(store, ['a'])
      await store.set('key', { value: 1, tags: ['a'], times, ...stamps }, 60_000)
      const [id = ''] = await redis.keys('sluice:e:*')
      // A number, an empty list, and a list of other things, in the position of an entry's head.
      for (const head of ['05', '90', '9801020304050607c0']) {
        const bytes = Buffer.from(`0101${(head.length / 2).toString(16).padStart(8, '0')}${head}c0`, 'hex')
        await redis.set(id, bytes)
        const { entry } = await store.read(['a'], 'key')
        expect(() => entry?.value()).toThrow('The entry is damaged')
      }
      const { losses } = witness
      for (const message of ['no JSON', '1', '{}', 'null']) await redis.publish('{sluice}bus', message)
      await store.ping()
      expect(witness.losses).toBe(losses + 4)
      expect(witness.tags).toEqual([])
    })

    it('sends all reads of a tick in one batch', async () => {
      const server = await serve()
      const store = storeOn(given(server))
      await opened(store, ['a', 'b'])
      await server.run('CONFIG', 'RESETSTAT')
      await Promise.all(Array.from({ length: 64 }, (_, at) => store.read(['a', 'b'], `key ${at % 8}`)))
      expect(String(await server.run('INFO', 'commandstats'))).toMatch(/cmdstat_mget:calls=1,/)
    })

    it('begins and ends a write of many tags in one command each', async () => {
      const server = await serve()
      const store = storeOn(given(server))
      const tags = Array.from({ length: 64 }, (_, at) => `tag ${at}`)
      await opened(store, tags)
      await store.begin(tags, 'w')
      await store.end(tags, 'w')
      const { sent } = store.counters()
      await store.begin(tags, 'w')
      await store.end(tags, 'w')
      expect(store.counters().sent).toBe(sent + 2)
    })

    it('sets a time to live on stamps and entries, and none on intents', async () => {
      const server = await serve()
      const redis = given(server)
      const store = storeOn(redis, { namespace: 'shop', maxTtlMs: 10_000 })
      const stamps = await opened(store, ['a', 'b'])
      await store.set('SELECT secret', { value: 1, tags: ['a'], times, ...stamps }, 60_000)
      await store.begin(['b'], 'w')
      const keys = await redis.keys('*')
      expect(keys.some((key) => key.includes('secret'))).toBe(false)
      expect(keys.every((key) => key.startsWith('{shop}') || key.startsWith('shop:'))).toBe(true)
      const entry = keys.find((key) => key.startsWith('shop:e:'))
      expect(await redis.pttl(entry ?? '')).toBeGreaterThan(9_000)
      expect(await redis.pttl(entry ?? '')).toBeLessThanOrEqual(10_000)
      expect(await redis.pttl('{shop}stamp:a')).toBeGreaterThan(19_000)
      expect(await redis.pttl('{shop}intent:b')).toBe(-1)
      expect(await redis.exists('{shop}stamp:b')).toBe(0)
    })

    it('leaves nothing behind when it is closed, and the given connection unchanged', async () => {
      const server = await serve()
      const redis = given(server)
      await redis.ping()
      const store = redisStore(redis, timing)
      store.watch(new Witness(store))
      await store.ping()
      await opened(store, ['a'])
      const connections = async () =>
        String(await redis.client('LIST'))
          .trim()
          .split('\n').length
      expect(await connections()).toBe(3)
      await store.close()
      await eventually(async () => ((await connections()) === 1 ? true : undefined))
      expect(await redis.ping()).toBe('PONG')
      await expect(store.ping()).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
    })

    it('warns about a server that may evict the intents of writers', async () => {
      const server = await serve({ 'maxmemory-policy': 'allkeys-lru' })
      const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
      const store = storeOn(given(server))
      await store.read([])
      expect(await warned).toMatchObject({ name: 'SluiceWarning', code: 'SLUICE_REDIS_EVICTION' })
    })
  },
)
