import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createSluice,
  InvalidArgumentError,
  InvalidOptionError,
  memoryStore,
  SluiceError,
  type TieredCache,
  type TieredOptions,
} from '@sluice/core'
import { SchemaCatalog } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FakeClock, turn } from '../helpers.ts'

function setUp(tiered: TieredOptions = {}, random?: () => number) {
  const clock = new FakeClock()
  const sluice = createSluice({ clock, cache: { tiered }, ...(random === undefined ? {} : { random }) })
  const cache = sluice.tiered as TieredCache
  const source = { value: 1 as unknown, asked: 0 }
  const load = async () => {
    source.asked += 1
    return source.value
  }
  return { clock, sluice, cache, source, load }
}

/** A load that ends on demand. */
function held() {
  let resolve = (_: unknown) => {}
  let reject = (_: Error) => {}
  const result = new Promise<unknown>((yes, no) => {
    resolve = yes
    reject = no
  })
  return {
    load: () => result,
    resolve: (value: unknown) => resolve(value),
    reject: (error: Error) => reject(error),
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a value that depends on tables', () => {
  it('is cached once a catalog is known, until one of its tables is written', async () => {
    const sluice = createSluice({ mode: 'optimize' })
    const { tiered } = sluice
    let loads = 0
    const load = () => tiered?.getOrLoad('k', () => ++loads, { tables: ['city'] })
    expect([await load(), await load()]).toEqual([1, 2])
    expect(tiered?.getStats().unknownTables).toBe(2)
    const city = { name: 'city', kind: 'table', columns: [], primaryKey: [], uniqueKeys: [] } as const
    hostOf(sluice).catalogs.set(
      'one',
      new SchemaCatalog({ dialect: 'sqlite', defaultSchema: 'main', tables: [city], foreignKeys: [] }),
    )
    expect([await load(), await load()]).toEqual([3, 3])
    await sluice.invalidate('city')
    expect(await load()).toBe(4)
    await expect(tiered?.getOrLoad('k', load, { tables: ['citty'] })).rejects.toThrow(
      /Argument "tables": .*citty/,
    )
    await sluice.close()
  })
})

describe('getOrLoad', () => {
  it('loads once and caches the value until it expires', async () => {
    const { cache, source, load, clock } = setUp()
    expect(await cache.getOrLoad('k', load, { ttl: 10 })).toBe(1)
    source.value = 2
    expect(await cache.getOrLoad('k', load, { ttl: 10 })).toBe(1)
    clock.advance(10_000)
    expect(await cache.getOrLoad('k', load, { ttl: 10 })).toBe(2)
    expect(source.asked).toBe(2)
  })

  it('shares one load and its failure among calls in flight', async () => {
    const { cache } = setUp()
    const one = held()
    const calls = [cache.getOrLoad('k', one.load), cache.getOrLoad('k', one.load)]
    one.resolve('shared')
    expect(await Promise.all(calls)).toEqual(['shared', 'shared'])
    const two = held()
    const failing = [cache.getOrLoad('f', two.load), cache.getOrLoad('f', two.load)]
    two.reject(new Error('away'))
    for (const call of failing) await expect(call).rejects.toThrow('away')
    expect(cache.getStats()).toMatchObject({ coalesced: 1, loads: 2, loadErrors: 1 })
  })

  it('rejects with an error that a load throws synchronously', async () => {
    const { cache } = setUp()
    const load = () => {
      throw new Error('thrown')
    }
    await expect(cache.getOrLoad('k', load)).rejects.toThrow('thrown')
  })

  it('returns the cached reference, a frozen value, or a copy', async () => {
    const { cache } = setUp()
    const value = { rows: [{ id: 1 }] }
    expect(await cache.getOrLoad('none', async () => value)).toBe(value)
    expect(await cache.getOrLoad('none', async () => value)).toBe(value)
    await cache.getOrLoad('clone', async () => value, { copy: 'clone' })
    const copy = await cache.getOrLoad('clone', async () => value, { copy: 'clone' })
    expect(copy).toEqual(value)
    expect(copy).not.toBe(value)
    await cache.getOrLoad('freeze', async () => value, { copy: 'freeze' })
    expect(
      Object.isFrozen((await cache.getOrLoad('freeze', async () => value, { copy: 'freeze' })).rows[0]),
    ).toBe(true)
  })

  it('copies a private value without another check, and checks a value that a caller may have changed', async () => {
    const { cache } = setUp()
    const isExact = (copy: object) => expect(copy).toEqual({ id: 1 })
    const read = (copy: 'none' | 'freeze' | 'clone') =>
      cache.getOrLoad<object>('k', () => ({ id: 1 }), { copy })
    const spoil = (value: object) => Object.defineProperty(value, 'hidden', { value: 2, configurable: true })
    isExact(await read('clone'))
    // A copy belongs to its caller.
    spoil(await read('clone'))
    isExact(await read('clone'))
    expect(cache.getStats().loads).toBe(1)
    spoil(await read('none'))
    isExact(await read('clone'))
    expect(cache.getStats().loads).toBe(2)
    spoil((await cache.get<object>('k')) ?? {})
    isExact(await read('clone'))
    expect(cache.getStats().loads).toBe(3)
    await cache.delete('k')
    spoil(await read('none'))
    isExact(await read('clone'))
    expect(cache.getStats().loads).toBe(5)
  })

  it('checks a value of the shared store that a caller may have changed', async () => {
    const sluice = createSluice({ cache: { store: memoryStore() } })
    const read = (copy: 'none' | 'clone') =>
      (sluice.tiered as TieredCache).getOrLoad<object>('k', () => ({ id: 1 }), { copy })
    await read('none')
    await turn()
    sluice.cache?.clear('tiered')
    Object.defineProperty(await read('none'), 'hidden', { value: 2 })
    expect(await read('clone')).toEqual({ id: 1 })
    expect(sluice.tiered?.getStats()).toMatchObject({ storeHits: 2, loads: 1 })
    await sluice.close()
  })

  it('returns the same promise for the same value', async () => {
    const { cache, load } = setUp()
    const read = () => cache.getOrLoad('k', load)
    await read()
    expect(read()).toBe(read())
    await cache.delete('k')
    const before = read()
    await before
    expect(read()).not.toBe(before)
  })

  it('does not look up the scope while no value has dependencies', async () => {
    const { cache, load } = setUp()
    await cache.getOrLoad('k', load)
    const getStore = vi.spyOn(AsyncLocalStorage.prototype, 'getStore')
    await cache.getOrLoad('k', load)
    expect(getStore).not.toHaveBeenCalled()
    getStore.mockRestore()
  })

  it('reads options at each call, even from a reused object', async () => {
    const { cache, source, load, clock } = setUp()
    const options = { ttl: 10, tags: ['a'] }
    await cache.getOrLoad('k', load, options)
    options.ttl = 20
    options.tags[0] = 'b'
    await cache.getOrLoad('l', load, options)
    await cache.invalidateTags(['a'])
    await cache.getOrLoad('l', load, options)
    expect(source.asked).toBe(2)
    await cache.getOrLoad('k', load, options)
    await cache.invalidateTags(['b'])
    await cache.getOrLoad('l', load, options)
    expect(source.asked).toBe(4)
    clock.advance(19_999)
    await cache.getOrLoad('l', load, options)
    expect(source.asked).toBe(4)
    clock.advance(1)
    await cache.getOrLoad('l', load, options)
    expect(source.asked).toBe(5)
  })

  it('distinguishes options with the same ttl', async () => {
    const { cache, source, load, clock } = setUp()
    source.value = null
    await cache.getOrLoad('none', load, { ttl: 10 })
    await cache.getOrLoad('five', load, { ttl: 10, negativeTtl: 5 })
    await cache.getOrLoad('six', load, { ttl: 10, negativeTtl: 6 })
    await cache.getOrLoad('ten', load, { ttl: 10 })
    const expectAsked = async (asked: Readonly<Record<string, number>>) => {
      for (const [key, times] of Object.entries(asked)) {
        await cache.getOrLoad(key, load, { ttl: 10 })
        expect([key, source.asked]).toEqual([key, times])
      }
    }
    clock.advance(5_000)
    await expectAsked({ none: 4, six: 4, ten: 4, five: 5 })
    clock.advance(1_000)
    await expectAsked({ none: 5, ten: 5, six: 6 })
    clock.advance(4_000)
    await expectAsked({ five: 6, none: 7, ten: 8 })
  })

  it('reads options that are not enumerable', async () => {
    const { cache, source, load, clock } = setUp()
    class Options {
      constructor(private readonly seconds: () => number) {}
      get ttl() {
        return this.seconds()
      }
    }
    let seconds = 10
    const options = Object.create(new Options(() => seconds)) as Options
    await cache.getOrLoad('k', load, options)
    seconds = 1
    await cache.getOrLoad('l', load, options)
    clock.advance(1_000)
    await cache.getOrLoad('k', load, options)
    expect(source.asked).toBe(2)
    await cache.getOrLoad('l', load, options)
    expect(source.asked).toBe(3)
  })

  it('throws for invalid options or tags, even after the same options without them', async () => {
    const { cache, load } = setUp()
    await cache.getOrLoad('k', load, { ttl: 10, tags: ['a'] })
    for (const wrong of [
      { ttl: 10, tags: [7] },
      { ttl: 10, tags: 'a' },
      { ttl: 10, tags: ['a'], tll: 1 },
      { ttl: '10', tags: ['a'] },
      null,
    ])
      await expect(cache.getOrLoad('k', load, wrong as object)).rejects.toBeInstanceOf(InvalidOptionError)
  })

  it('caches null for its own ttl', async () => {
    const { cache, source, load, clock } = setUp()
    source.value = null
    await cache.getOrLoad('k', load, { ttl: 100, negativeTtl: 5 })
    await cache.getOrLoad('k', load, { ttl: 100, negativeTtl: 5 })
    expect(source.asked).toBe(1)
    clock.advance(5_000)
    await cache.getOrLoad('k', load, { ttl: 100, negativeTtl: 5 })
    expect(source.asked).toBe(2)
    await cache.getOrLoad('z', load, { negativeTtl: 0 })
    await cache.getOrLoad('z', load, { negativeTtl: 0 })
    expect(source.asked).toBe(4)
  })

  it('shortens lifetimes randomly', async () => {
    const { cache, source, load, clock } = setUp({ ttl: 100, jitter: 0.5 }, () => 1)
    await cache.getOrLoad('k', load)
    clock.advance(49_999)
    await cache.getOrLoad('k', load)
    expect(source.asked).toBe(1)
    clock.advance(1)
    await cache.getOrLoad('k', load)
    expect(source.asked).toBe(2)
  })

  it.each([
    ['a key', () => [7, async () => 1]],
    ['a load', () => ['k', 'not a function']],
  ])('throws for a value that is not %s', async (_, args) => {
    const { cache } = setUp()
    await expect(cache.getOrLoad(...(args() as [string, () => Promise<number>]))).rejects.toBeInstanceOf(
      InvalidArgumentError,
    )
  })

  it.each([{ ttl: 0 }, { jitter: 2 }, { copy: 'deep' as 'clone' }, { tll: 1 } as object])(
    'throws for the options %o',
    async (options) => {
      const { cache, load } = setUp()
      await expect(cache.getOrLoad('k', load, options)).rejects.toBeInstanceOf(InvalidOptionError)
    },
  )
})

describe('stale values', () => {
  it('are served within swr while they are revalidated once', async () => {
    const { cache, source, load, clock } = setUp({ ttl: 10, swr: 20 })
    await cache.getOrLoad('k', load)
    source.value = 2
    clock.advance(15_000)
    expect(await Promise.all([cache.getOrLoad('k', load), cache.getOrLoad('k', load)])).toEqual([1, 1])
    await turn()
    expect(await cache.getOrLoad('k', load)).toBe(2)
    expect(source.asked).toBe(2)
    expect(cache.getStats().staleHits).toBe(2)
  })

  it('are not served after a write invalidated them', async () => {
    const { cache, source, load, clock } = setUp({ ttl: 10, swr: 20, grace: 20 })
    await cache.getOrLoad('k', load, { tags: ['t'] })
    source.value = 2
    await cache.invalidateTags(['t'])
    clock.advance(15_000)
    expect(await cache.getOrLoad('k', load, { tags: ['t'] })).toBe(2)
    await cache.invalidateTags(['t'])
    await expect(
      cache.getOrLoad('k', () => Promise.reject(new Error('away')), { tags: ['t'] }),
    ).rejects.toThrow('away')
  })

  it('are served when a load fails within their grace period', async () => {
    const { cache, load, clock } = setUp({ ttl: 10, grace: 20 })
    const failing = () => Promise.reject(new Error('away'))
    await cache.getOrLoad('k', load)
    clock.advance(15_000)
    expect(await cache.getOrLoad('k', failing)).toBe(1)
    clock.advance(15_001)
    await expect(cache.getOrLoad('k', failing)).rejects.toThrow('away')
    expect(cache.getStats().graceHits).toBe(1)
  })

  it('are served when a load exceeds the soft timeout, and the load is cached', async () => {
    vi.useFakeTimers()
    const { cache, load, clock } = setUp({ ttl: 10, grace: 20, softTimeoutMs: 100 })
    await cache.getOrLoad('k', load)
    clock.advance(15_000)
    const slow = held()
    const waiting = cache.getOrLoad('k', slow.load)
    await vi.advanceTimersByTimeAsync(100)
    expect(await waiting).toBe(1)
    slow.resolve(2)
    await vi.advanceTimersByTimeAsync(0)
    expect(await cache.getOrLoad('k', load)).toBe(2)
  })

  it('are refreshed early with a probability that rises toward their expiry', async () => {
    let chance = 1
    const { cache, source, load, clock } = setUp({ ttl: 10, earlyRefresh: 1 }, () => chance)
    const dear = async () => {
      clock.advance(1_000)
      return load()
    }
    await cache.getOrLoad('k', dear)
    clock.advance(8_500)
    await cache.getOrLoad('k', dear)
    expect(source.asked).toBe(1)
    chance = 0.1
    expect(await cache.getOrLoad('k', dear)).toBe(1)
    await turn()
    expect(source.asked).toBe(2)
    expect(cache.getStats().earlyRefreshes).toBe(1)
  })

  it('are still served when a revalidation fails', async () => {
    const { cache, load, clock, sluice } = setUp({ ttl: 10, swr: 20 })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    await cache.getOrLoad('k', load)
    clock.advance(15_000)
    expect(await cache.getOrLoad('k', () => Promise.reject(new Error('away')))).toBe(1)
    await turn()
    expect(await cache.getOrLoad('k', load)).toBe(1)
    expect(cache.getStats().refreshErrors).toBe(1)
    expect(errors).toHaveLength(1)
  })
})

describe('a load that takes too long', () => {
  it('rejects after the hard timeout, and is cached when it ends', async () => {
    vi.useFakeTimers()
    const { cache, load } = setUp({ hardTimeoutMs: 50 })
    const slow = held()
    const waiting = cache.getOrLoad('k', slow.load)
    const failed = expect(waiting).rejects.toMatchObject({ code: 'SLUICE_LOAD_TIMEOUT' })
    await vi.advanceTimersByTimeAsync(50)
    await failed
    slow.resolve('late')
    await vi.advanceTimersByTimeAsync(0)
    expect(await cache.getOrLoad('k', load)).toBe('late')
  })

  it('leaves no timer behind after it ended in time', async () => {
    vi.useFakeTimers()
    const { cache, load, sluice } = setUp({ hardTimeoutMs: 50, softTimeoutMs: 10, grace: 1 })
    await cache.getOrLoad('k', load)
    await sluice.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('invalidation', () => {
  it('affects a load in flight when it is by key, tag, or everything', async () => {
    const { cache, load } = setUp()
    const ways: [string, () => Promise<void>][] = [
      ['delete', () => cache.delete('k')],
      ['tags', () => cache.invalidateTags(['a', 'b'])],
      ['clear', () => cache.clear()],
      ['set', () => cache.set('k', 'set')],
    ]
    for (const [way, invalidate] of ways) {
      const slow = held()
      const old = cache.getOrLoad('k', slow.load, { tags: ['a'] })
      await turn()
      await invalidate()
      slow.resolve('old')
      expect(await old).toBe('old')
      const young = await cache.getOrLoad('k', load, { tags: ['a'] })
      expect(young, way).toBe(way === 'set' ? 'set' : 1)
      await cache.delete('k')
    }
  })

  it('does not let a call join an earlier load', async () => {
    const { cache, load } = setUp()
    const slow = held()
    const old = cache.getOrLoad('k', slow.load)
    await turn()
    await cache.delete('k')
    const young = cache.getOrLoad('k', load)
    slow.resolve('old')
    expect(await old).toBe('old')
    expect(await young).toBe(1)
  })

  it('does not affect values with other tags', async () => {
    const { cache, source, load } = setUp()
    await cache.getOrLoad('k', load, { tags: ['a'] })
    await cache.invalidateTags(['b'])
    await cache.getOrLoad('k', load, { tags: ['a'] })
    expect(source.asked).toBe(1)
  })
})

describe('get and set', () => {
  it('return a value until it is deleted', async () => {
    const { cache } = setUp()
    expect(await cache.get('k')).toBeUndefined()
    await cache.set('k', 'value', { ttl: 10 })
    expect(await cache.get('k')).toBe('value')
    await cache.delete('k')
    expect(await cache.get('k')).toBeUndefined()
  })
})

describe('caching patterns', () => {
  it('cache-aside reads by key', async () => {
    const { cache } = setUp()
    const asked: string[] = []
    const read = cache.cacheAside(async (key) => {
      asked.push(key)
      return key.toUpperCase()
    })
    expect([await read('a'), await read('a'), await read('b')]).toEqual(['A', 'A', 'B'])
    expect(asked).toEqual(['a', 'b'])
  })

  it('write-through writes, and then caches the written value', async () => {
    const { cache, load } = setUp()
    const written: unknown[] = []
    const write = cache.writeThrough(async (key, value) => {
      written.push([key, value])
    })
    await write('k', 'new')
    expect(written).toEqual([['k', 'new']])
    expect(await cache.getOrLoad('k', load)).toBe('new')
  })

  it('write-through caches nothing when writing fails, because the source may have either value', async () => {
    const { cache, load, source } = setUp()
    await cache.set('k', 'old')
    const write = cache.writeThrough(() => Promise.reject(new Error('away')))
    await expect(write('k', 'new')).rejects.toThrow('away')
    expect(await cache.getOrLoad('k', load)).toBe(1)
    expect(source.asked).toBe(1)
  })

  it('write-behind returns unwritten values, writes them later, and flushes when the Sluice closes', async () => {
    const { cache, sluice } = setUp()
    const written: unknown[] = []
    const behind = cache.writeBehind<string>(
      async (entries) => {
        written.push(...entries.map(({ key, value }) => [key, value]))
      },
      { flushMs: 60_000 },
    )
    await behind.set('k', 'one')
    await behind.set('k', 'two')
    expect(await cache.get('k')).toBe('two')
    expect(await cache.getOrLoad('k', () => 'zero')).toBe('two')
    expect(written).toEqual([])
    await sluice.close()
    expect(written).toEqual([['k', 'two']])
  })
})

describe('a closed Sluice', () => {
  it('still returns the value of a load in flight', async () => {
    const { cache, sluice } = setUp()
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const slow = held()
    const waiting = cache.getOrLoad('k', slow.load)
    await sluice.close()
    slow.resolve('late')
    expect(await waiting).toBe('late')
    expect(errors).toEqual([])
  })

  it('rejects loads and writes of values', async () => {
    const { cache, sluice, load } = setUp()
    await sluice.close()
    await expect(cache.getOrLoad('k', load)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
    await expect(cache.set('k', 1)).rejects.toBeInstanceOf(SluiceError)
  })
})
