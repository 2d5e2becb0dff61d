import { memcachedStore } from '@sluice/memcached'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../redis/witness.ts'
import { findMemcached, type MemcachedServer, startMemcachedServer } from '../services/memcached-server.ts'
import { Random } from '../support/random.ts'
import { warningsOf } from '../support/warnings.ts'
import { clientOf, flood } from './raw-client.ts'

describe.skipIf(findMemcached() === undefined)('losses of the state server', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function serve(...flags: readonly string[]): Promise<MemcachedServer> {
    const server = await startMemcachedServer(flags)
    cleanups.push(() => server.stop())
    return server
  }
  function storeOn({ address }: MemcachedServer) {
    const store = memcachedStore({
      state: address,
      namespace: 'l',
      leaseMs: 30_000,
      quarantineMs: 1_000,
      commandTimeoutMs: 5_000,
    })
    cleanups.push(() => store.close())
    return store
  }
  /** A writer with an intent on `a`, and a reader for which the tag was open before. */
  async function open(server: MemcachedServer) {
    const [writer, reader] = [storeOn(server), storeOn(server)]
    await eventually(() => reader.open(['a']))
    await writer.begin(['a'], 'w')
    expect(await reader.open(['a'])).toBeUndefined()
    return { writer, reader, random: new Random(7), client: await clientOf(server, cleanups) }
  }

  it('does not open a tag whose intent was evicted until its writer can have announced it again', async () => {
    const { writer, reader, random, client } = await open(await serve('-m', '2'))
    for (let part = 0; part < 60; part += 1) {
      await flood(client, random, 2_000)
      // Reads keep the epoch from being evicted.
      expect((await reader.read([])).epoch).toBeDefined()
    }
    expect(await writer.renew(['a'], 'w')).toBe(false)
    expect(await reader.open(['a'])).toBeUndefined()
    await writer.begin(['a'], 'w')
    expect(await reader.open(['a'])).toBeUndefined()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(await reader.open(['a'])).toBeUndefined()
    expect(await writer.end(['a'], 'w')).toBeDefined()
    expect(await reader.open(['a'])).toBeDefined()
  })

  it('does not open a tag whose intent was deleted because a command found no memory', async () => {
    const server = await serve('-m', '2', '-M')
    const { writer, reader, random, client } = await open(server)
    let stored = await flood(client, random, 400)
    const kept = [...stored]
    for (; stored.length > 0; kept.push(...stored)) stored = await flood(client, random, 4_000)
    const other = storeOn(server)
    await expect(other.begin(['a'], 'other')).rejects.toMatchObject({ code: 'SLUICE_STORE_UNAVAILABLE' })
    // Memory for the log.
    await client.send([kept.map((key) => `md ${key}\r\n`).join('')], kept.length)
    expect(await writer.renew(['a'], 'w')).toBe(false)
    expect(await reader.open(['a'])).toBeUndefined()
    await writer.begin(['a'], 'w')
    expect(await writer.end(['a'], 'w')).toBeUndefined()
    await eventually(() => reader.open(['a']))
  })

  it('opens tags that were never used immediately, as long as the server lost nothing', async () => {
    const { reader, random, client } = await open(await serve('-m', '8'))
    await flood(client, random, 2_000)
    expect(await reader.open(['b', 'c'])).toBeDefined()
  })

  it('warns once of evictions', async () => {
    const server = await serve('-m', '2')
    await flood(await clientOf(server, cleanups), new Random(1), 40_000)
    const warnings = await warningsOf(async () => {
      const store = storeOn(server)
      await eventually(() => store.open(['a']))
      await store.open(['b'])
    })
    expect(warnings).toEqual([expect.stringContaining('has evicted')])
  })
})
