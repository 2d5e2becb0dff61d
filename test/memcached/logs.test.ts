import { randomToken } from '@sluice/core/siblings'
import { memcachedStore } from '@sluice/memcached'
import { afterEach, describe, expect, it } from 'vitest'
import { Keys } from '../../packages/memcached/src/keys.ts'
import { eventually } from '../redis/witness.ts'
import { findMemcached, startMemcachedServer } from '../services/memcached-server.ts'
import { clientOf } from './raw-client.ts'

describe.skipIf(findMemcached() === undefined)('the log of a busy tag', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function open() {
    const server = await startMemcachedServer()
    cleanups.push(() => server.stop())
    const store = memcachedStore({ state: server.address, namespace: 'b', commandTimeoutMs: 5_000 })
    cleanups.push(() => store.close())
    await eventually(() => store.open(['a']))
    const client = await clientOf(server, cleanups)
    const write = async () => {
      const token = randomToken()
      await store.begin(['a'], token)
      await store.end(['a'], token)
    }
    const bytes = async () => {
      const [reply] = await client.send([`mg ${new Keys('b').tag('a')} v\r\n`], 1)
      return reply?.data?.length ?? 0
    }
    return { store, write, bytes }
  }

  it('stays short when one write follows the other', async () => {
    const { store, write, bytes } = await open()
    for (let count = 0; count < 300; count += 1) await write()
    expect(await bytes()).toBeLessThan(1_000)
    expect(await store.open(['a'])).toBeDefined()
  })

  it('stays short when many writes overlap', async () => {
    const { store, write, bytes } = await open()
    const writeMany = async () => {
      for (let count = 0; count < 60; count += 1) await write()
    }
    await Promise.all(Array.from({ length: 64 }, writeMany))
    expect(await bytes()).toBeLessThan(20_000)
    expect(await store.open(['a'])).toBeDefined()
  })
})
