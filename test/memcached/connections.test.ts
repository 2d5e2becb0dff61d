import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CacheStore, StoreUnavailableError } from '@sluice/core/stores'
import { type MemcachedStoreOptions, memcachedStore } from '@sluice/memcached'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../redis/witness.ts'
import { findMemcached, type MemcachedServer, startMemcachedServer } from '../services/memcached-server.ts'
import { authority, nodeCertificate, nodeKey } from '../support/certificates.ts'
import { ownNow } from '../support/own-clock.ts'
import { warningsOf } from '../support/warnings.ts'

const times = { queriedAt: 0, ttlMs: 60_000, costMs: 1 }
const timing = { leaseMs: 2_000, quarantineMs: 0, commandTimeoutMs: 200 }

describe.skipIf(findMemcached() === undefined)('connections to Memcached', () => {
  const cleanups: (() => unknown)[] = []
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-memcached-'))
    // The server runs as another user.
    await chmod(folder, 0o755)
    cleanups.push(() => rm(folder, { recursive: true, force: true }))
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function serve(...flags: readonly string[]): Promise<MemcachedServer> {
    const server = await startMemcachedServer(flags)
    cleanups.push(() => server.stop())
    return server
  }
  function storeOn({ address }: MemcachedServer, options: Partial<MemcachedStoreOptions> = {}) {
    const store = memcachedStore({ state: address, ...timing, ...options })
    cleanups.push(() => store.close())
    return store
  }
  async function file(name: string, text: string): Promise<string> {
    await writeFile(join(folder, name), text, { mode: 0o644 })
    return join(folder, name)
  }
  const put = async (store: CacheStore, key: string): Promise<boolean> => {
    const stamps = await eventually(() => store.open(['a']))
    return store.set(key, { value: key, tags: ['a'], times, ...stamps }, 60_000)
  }

  it('authenticates with a username and password', async () => {
    const server = await serve('-Y', await file('users', 'sluice:secret\n'))
    const auth = { username: 'sluice', password: 'secret' }
    const store = storeOn(server, { auth })
    expect(await put(store, 'key')).toBe(true)
    const wrong = storeOn(server, { auth: { ...auth, password: 'another' } })
    await expect(wrong.read(['a'])).rejects.toThrow('rejected the username and password')
    await expect(storeOn(server).read(['a'])).rejects.toThrow('requires a username and password')
  })

  it('encrypts the connection, and verifies the certificate of the server', async () => {
    const [certificate, key] = [await file('cert', nodeCertificate), await file('key', nodeKey)]
    const server = await serve('-Z', '-o', `ssl_chain_cert=${certificate},ssl_key=${key}`)
    const store = storeOn(server, { tls: { ca: authority } })
    expect(await put(store, 'key')).toBe(true)
    expect((await store.read(['a'], 'key')).entry?.value()).toBe('key')
    const untrusting = storeOn(server, { tls: true })
    await expect(untrusting.read(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
  })

  it('fails within its time limit while the server is suspended, and recovers on its own', async () => {
    const server = await serve()
    const store = storeOn(server)
    await put(store, 'key')
    server.pause(true)
    cleanups.push(() => server.pause(false))
    for (let call = 0; call < 8; call += 1) {
      const start = ownNow()
      await expect(store.read(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
      expect(ownNow() - start).toBeLessThan(timing.commandTimeoutMs + 250)
    }
    expect(store.state()).toBe('down')
    server.pause(false)
    await eventually(() => store.read(['a']).catch(() => undefined))
    await eventually(async () => (store.state() === 'up' ? true : undefined))
    expect((await store.read(['a'], 'key')).entry?.value()).toBe('key')
  })

  it('has only misses without its entry servers', async () => {
    const [state, entries] = [await serve(), await serve()]
    const store = storeOn(state, { entries: [entries.address] })
    expect(await put(store, 'key')).toBe(true)
    await entries.kill()
    await eventually(async () =>
      store.counters().entryFailures > 0 ? true : store.read([], 'key').then(() => undefined),
    )
    expect((await store.read(['a'], 'key')).entry).toBeUndefined()
    expect(await put(store, 'key')).toBe(false)
    expect(store.state()).toBe('up')
    await entries.start()
    await eventually(async () => ((await put(store, 'key')) ? true : undefined))
    expect((await store.read(['a'], 'key')).entry?.value()).toBe('key')
  })

  it('does not store an entry that is too large', async () => {
    const store = storeOn(await serve())
    const stamps = await eventually(() => store.open([]))
    const entry = { value: 'x'.repeat(2 ** 20), tags: [], times, ...stamps }
    expect(await store.set('key', entry, 60_000)).toBe(false)
    expect(store.state()).toBe('up')
  })

  it('detects processes with different state servers that share an entry server', async () => {
    const [one, other, shared] = [await serve(), await serve(), await serve()]
    const entries = [shared.address]
    const warnings = await warningsOf(async () => {
      const first = storeOn(one, { entries })
      await put(first, 'key')
      // It has seen its own identity on the entry server.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      const second = storeOn(other, { entries })
      for (const store of [first, second]) {
        await eventually(async () => (store.state() === 'down' ? true : undefined))
        await expect(store.read(['a'])).rejects.toThrow('different servers for `state`')
        await expect(store.begin(['a'], 'w')).rejects.toThrow('different servers for `state`')
      }
    })
    expect(warnings).toEqual([expect.stringContaining('different'), expect.stringContaining('different')])
  })

  it('does not take a restarted state server for a different one', async () => {
    const [state, shared] = [await serve(), await serve()]
    const entries = [shared.address]
    const stores = [storeOn(state, { entries }), storeOn(state, { entries })]
    const warnings = await warningsOf(async () => {
      for (let round = 0; round < 2; round += 1) {
        for (const store of stores) await put(store, 'key')
        await new Promise((resolve) => setTimeout(resolve, 2_200))
        await state.kill()
        await state.start()
      }
      await new Promise((resolve) => setTimeout(resolve, 3_000))
    })
    expect(warnings).toEqual([])
    for (const store of stores) expect(store.state()).toBe('up')
  })

  it('deletes all entries of all processes, and those that were stored meanwhile by an earlier look', async () => {
    const server = await serve()
    const [store, other] = [storeOn(server), storeOn(server)]
    for (const one of [store, other]) await put(one, 'key')
    await store.clear()
    expect((await other.read(['a'], 'key')).entry).toBeUndefined()
    expect(await put(other, 'key')).toBe(true)
    expect((await store.read(['a'], 'key')).entry?.value()).toBe('key')
  })
})
