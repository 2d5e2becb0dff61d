import { describe, expect, it } from 'vitest'
import { cacheStoreContract } from '../../../../../test/contracts/cache-store-contract.ts'
import {
  memoryStore,
  memoryStoreOn,
  resolveMemoryStoreOptions,
  SharedState,
} from '../../../src/cache/stores/memory-store.ts'
import { InvalidOptionError } from '../../../src/shared/errors.ts'
import { FakeClock } from '../../helpers.ts'

cacheStoreContract('memory', async () => {
  const clock = new FakeClock()
  const options = resolveMemoryStoreOptions({ leaseMs: 400, quarantineMs: 200, clock })
  const state = new SharedState(options)
  return {
    ...options,
    connect: () => memoryStoreOn(state),
    lose: async () => state.lose(),
    pass: async (ms) => clock.advance(ms),
    stop: async () => {},
  }
})

const times = { queriedAt: 0, ttlMs: 1, costMs: 1 }

describe('memoryStore', () => {
  it('opens immediately, because no process used it before', async () => {
    expect(await memoryStore().open(['a'])).toBeDefined()
  })

  it('shares its state with forks', async () => {
    const store = memoryStore()
    const opened = await store.open(['a'])
    expect(await store.fork().read(['a'])).toMatchObject({ ...opened })
  })

  it('removes a stamp after twice the maximum lifetime of an entry', async () => {
    const clock = new FakeClock()
    const store = memoryStore({ clock, maxTtlMs: 1_000 })
    await store.open(['a'])
    clock.advance(1_999)
    expect((await store.read(['a'])).stamps).toEqual([expect.any(String)])
    clock.advance(1)
    expect((await store.read(['a'])).stamps).toEqual([undefined])
  })

  it('evicts the oldest stamps when there are too many tags', async () => {
    const store = memoryStore()
    const [first] = (await store.open(['first']))?.stamps ?? []
    for (let at = 0; at < 220; at += 1)
      await store.open(Array.from({ length: 1_000 }, (_, of) => `tag ${at} ${of}`))
    expect((await store.read(['first', 'tag 219 999'])).stamps).toEqual([undefined, expect.any(String)])
    expect((await store.open(['first']))?.stamps).not.toEqual([first])
  })

  it('limits the lifetime of entries', async () => {
    const clock = new FakeClock()
    const store = memoryStore({ clock, maxTtlMs: 1_000 })
    await store.set('key', { value: 1, tags: [], stamps: [], epoch: '', times }, 5_000)
    clock.advance(1_001)
    expect((await store.read([], 'key')).entry).toBeUndefined()
  })

  it('stays within its budget, and returns false for a value that it does not store', async () => {
    const store = memoryStore({ maxBytes: 100_000 })
    const entry = (value: unknown) => ({ value, tags: [], stamps: [], epoch: '', times })
    expect(await store.set('large', entry('x'.repeat(50_000)), 1_000)).toBe(false)
    for (let at = 0; at < 50; at += 1)
      expect(await store.set(`key ${at}`, entry('x'.repeat(5_000)), 1_000)).toBe(true)
    const kept = await Promise.all(Array.from({ length: 50 }, (_, at) => store.read([], `key ${at}`)))
    expect(kept.filter(({ entry: one }) => one !== undefined).length).toBeLessThan(20)
    expect(kept.at(-1)?.entry).toBeDefined()
  })

  it.each([
    { leaseMs: 0 },
    { quarantineMs: -1 },
    { maxTtlMs: 0.5 },
    { maxBytes: 0 },
    { clock: {} },
    { namespace: 'a' },
  ])('throws for invalid options: %j', (options) => {
    expect(() => memoryStore(options as object)).toThrow(InvalidOptionError)
  })
})
