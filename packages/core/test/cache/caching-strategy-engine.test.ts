import { afterEach, describe, expect, it, vi } from 'vitest'
import { CachingStrategyEngine } from '../../src/cache/caching-strategy-engine.ts'
import { InvalidArgumentError, InvalidOptionError } from '../../src/shared/errors.ts'

const EPOCH = 1_700_000_000_000

function fakeClock() {
  return {
    ms: 0,
    reads: 0,
    now() {
      this.reads++
      return this.ms
    },
    wall() {
      return EPOCH + this.ms
    },
  }
}

function setUp(options: object = {}) {
  const clock = fakeClock()
  return { clock, cache: new CachingStrategyEngine({ clock, ...options }) }
}

const KB = 'x'.repeat(1_000)

afterEach(() => {
  vi.useRealTimers()
})

describe('CachingStrategyEngine options', () => {
  it.each([0, -1, 1.5, Number.NaN, '100'])('throws for a budget of %s', (maxBytes) => {
    expect(() => new CachingStrategyEngine(maxBytes as number)).toThrow(InvalidOptionError)
  })

  it('accepts a number as the budget', () => {
    expect(new CachingStrategyEngine(1_000).getStats().totalMemory).toBe(1_000)
    expect(new CachingStrategyEngine().getStats().totalMemory).toBe(100 * 1024 * 1024)
  })

  it('lists the valid policies in its error', () => {
    expect(() => new CachingStrategyEngine({ policy: 'mru' as 'lru' })).toThrow(
      /"policy": expected "lru" or "lfu" or "ttl" or "s3-fifo"/,
    )
  })

  it.each([
    { maxEntryShare: 0 },
    { maxEntryShare: 1.1 },
    { sweepIntervalMs: 0 },
    { clock: {} as never },
    { ttl: 1 } as object,
  ])('throws for invalid options: %o', (options) => {
    expect(() => new CachingStrategyEngine(options)).toThrow(InvalidOptionError)
  })
})

describe('CachingStrategyEngine get and set', () => {
  it('returns the reference that was set', () => {
    const { cache } = setUp()
    const value = { id: 1 }
    cache.set('users', '1', value)
    expect(cache.get('users', '1')).toBe(value)
  })

  it('returns an entry that follows later reads', () => {
    const { cache, clock } = setUp()
    const entry = cache.set('users', 'a:b', 5, 60)
    expect(entry).toMatchObject({
      id: 'users:a:b',
      namespace: 'users',
      key: 'a:b',
      value: 5,
      ttl: 60,
      hits: 0,
    })
    expect(entry).toMatchObject({
      expiresAt: EPOCH + 60_000,
      lastAccessedAt: EPOCH,
      size: cache.getStats().usedMemory,
    })
    clock.ms = 1_500
    cache.get('users', 'a:b')
    expect(entry).toMatchObject({ hits: 1, lastAccessedAt: EPOCH + 1_500 })
  })

  it('keeps an entry for 3,600 seconds by default, and not a millisecond longer', () => {
    const { cache, clock } = setUp()
    cache.set('users', '1', 'Ada')
    clock.ms = 3_599_999
    expect(cache.get('users', '1')).toBe('Ada')
    clock.ms = 3_600_000
    expect(cache.get('users', '1')).toBeNull()
    expect(cache.getStats()).toMatchObject({
      hits: 1,
      misses: 1,
      hitRate: 0.5,
      expirations: 1,
      itemCount: 0,
      usedMemory: 0,
    })
  })

  it('supports lifetimes of more than 32 bits of milliseconds', () => {
    const { cache, clock } = setUp()
    cache.set('users', '1', 'Ada', 40 * 86_400)
    clock.ms = 39 * 86_400_000
    expect(cache.get('users', '1')).toBe('Ada')
    clock.ms = 40 * 86_400_000
    expect(cache.get('users', '1')).toBeNull()
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '60', null])('throws for a ttl of %s', (ttl) => {
    const { cache } = setUp()
    expect(() => cache.set('users', '1', 'Ada', ttl as number)).toThrow(InvalidArgumentError)
    if (typeof ttl === 'number')
      expect(() => cache.set('users', '1', 'Ada', { ttl })).toThrow(/"ttl": expected a number of seconds/)
  })

  it.each(['', 'a:b', 7])('throws for the namespace %o', (namespace) => {
    const { cache } = setUp()
    expect(() => cache.set(namespace as string, 'key', 1)).toThrow(
      /"namespace": expected a non-empty string without ":"/,
    )
  })

  it('throws for a key that is not a string, an unknown option, and an invalid dependency', () => {
    const { cache } = setUp()
    expect(() => cache.set('users', 7 as unknown as string, 1)).toThrow(InvalidArgumentError)
    expect(() => cache.set('users', '7', 1, { tll: 5 } as object)).toThrow(InvalidOptionError)
    expect(() => cache.set('users', '7', 1, { dependsOn: [{ namespace: 'a:b', key: '' }] })).toThrow(
      InvalidArgumentError,
    )
  })

  it('treats __proto__ like any other name', () => {
    const { cache } = setUp()
    cache.set('__proto__', '__proto__', 1)
    expect(cache.get('__proto__', '__proto__')).toBe(1)
    expect(cache.get('constructor', 'name')).toBeNull()
    expect(Object.entries(cache.getCacheEfficiency().hitRateByNamespace)).toEqual([
      ['__proto__', 1],
      ['constructor', 0],
    ])
  })

  it('replaces an entry and its size', () => {
    const { cache } = setUp()
    cache.set('users', '1', KB)
    const { size } = cache.set('users', '1', 1)
    expect(cache.getStats()).toMatchObject({ itemCount: 1, usedMemory: size })
  })

  it('reads the clock once for most hits and samples the access time', () => {
    const { cache, clock } = setUp()
    cache.set('users', '1', 1)
    clock.reads = 0
    for (let read = 0; read < 512; read++) cache.get('users', '1')
    expect(clock.reads).toBe(512 + 2 * 2)
  })

  it('averages the sampled access times', () => {
    let ms = 0
    const cache = new CachingStrategyEngine({ clock: { now: () => ms++, wall: () => EPOCH } })
    cache.set('users', '1', 1)
    for (let read = 0; read < 300; read++) cache.get('users', '1')
    expect(cache.getStats().averageAccessTimeMs).toBe(2)
  })
})

describe('CachingStrategyEngine budget', () => {
  const entrySize = setUp().cache.set('users', '0', KB).size

  it('keeps an entry that was read twice through a scan of any length by default', () => {
    const { cache } = setUp({ maxBytes: 3 * entrySize, maxEntryShare: 1 })
    cache.set('users', 'a', KB)
    for (let read = 0; read < 2; read++) cache.get('users', 'a')
    const scanned = [...'bcdefghijklmnopqrstuvwxyz']
    for (const key of scanned) cache.set('users', key, KB)
    expect(cache.getStats()).toMatchObject({ evictions: 23, itemCount: 3, usedMemory: 3 * entrySize })
    expect(['a', ...scanned].filter((key) => cache.get('users', key) !== null)).toEqual(['a', 'y', 'z'])
  })

  it('evicts by recency across namespaces like a single list', () => {
    const { cache, clock } = setUp({ policy: 'lru', maxBytes: 20 * entrySize, maxEntryShare: 1 })
    const model: string[] = []
    let seed = 42
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    for (let step = 0; step < 5_000; step++) {
      clock.ms++
      const namespace = `n${random(5)}`
      const key = String(random(9))
      const at = model.indexOf(`${namespace}:${key}`)
      expect(cache.get(namespace, key) !== null).toBe(at >= 0)
      if (at >= 0) model.splice(at, 1)
      else cache.set(namespace, key, KB)
      model.push(`${namespace}:${key}`)
      if (model.length > 20) model.shift()
      if (random(20) > 0) continue
      const gone = model[random(model.length)] as string
      model.splice(model.indexOf(gone), 1)
      expect(cache.delete(...(gone.split(':') as [string, string]))).toBe(true)
    }
    expect(cache.getStats().evictions).toBeGreaterThan(1_000)
  })

  it('rejects an entry above its maximum share, removes its predecessor, and evicts nothing', () => {
    const { cache } = setUp({ maxBytes: 10 * entrySize + 1_000 })
    cache.set('users', 'other', KB)
    cache.set('users', '1', 1)
    const entry = cache.set('users', '1', KB.repeat(3))
    expect(entry.size).toBeGreaterThan(3_000)
    expect(cache.get('users', '1')).toBeNull()
    expect(cache.getStats()).toMatchObject({ rejected: 1, evictions: 0, itemCount: 1 })
  })
})

describe('CachingStrategyEngine invalidation', () => {
  it('deletes one entry', () => {
    const { cache } = setUp()
    cache.set('users', '1', 1)
    expect([cache.delete('users', '1'), cache.delete('users', '1'), cache.get('users', '1')]).toEqual([
      true,
      false,
      null,
    ])
  })

  it('does not count an expired entry as invalidated', () => {
    const { cache, clock } = setUp()
    cache.set('users', '1', 1, 1)
    clock.ms = 1_000
    expect(cache.invalidateByPattern('users:*')).toBe(0)
    expect(cache.getStats().expirations).toBe(1)
  })

  it.each([
    ['tiles:*', ['tiles:1', 'tiles:user-7:a']],
    ['*:user-7:*', ['tiles:user-7:a', 'users:user-7:b']],
    ['users:1', ['users:1']],
    ['users:.', ['users:.']],
    ['users:?', ['users:1', 'users:.']],
    ['t*s:1', ['tiles:1']],
    ['users:\\*', []],
    ['*', ['tiles:1', 'tiles:user-7:a', 'users:user-7:b', 'users:1', 'users:.']],
  ])('invalidates what %s matches and nothing else', (pattern, expected) => {
    const { cache } = setUp()
    const ids = ['tiles:1', 'tiles:user-7:a', 'users:user-7:b', 'users:1', 'users:.']
    const keys = ids.map((id) => [id.slice(0, id.indexOf(':')), id.slice(id.indexOf(':') + 1)] as const)
    for (const [namespace, key] of keys) cache.set(namespace, key, 1)
    expect(cache.invalidateByPattern(pattern)).toBe(expected.length)
    expect(
      keys.filter(([namespace, key]) => cache.get(namespace, key) === null).map((key) => key.join(':')),
    ).toEqual(expected)
  })

  it('invalidates dependents through cycles and absent entries, each once', () => {
    const { cache } = setUp()
    const key = (name: string) => ({ namespace: 'n', key: name })
    cache.set('n', 'a', 1)
    cache.set('n', 'c', 1, { dependsOn: [key('b')] })
    cache.set('n', 'd', 1, { dependsOn: [key('c'), key('a')] })
    cache.set('n', 'other', 1)
    cache.addDependency(key('a'), key('b'))
    cache.addDependency(key('d'), key('a'))
    expect(cache.invalidateDependencies('n', 'a')).toBe(3)
    expect(cache.get('n', 'other')).toBe(1)
  })

  it('removes the dependencies of a replaced value', () => {
    const { cache } = setUp()
    cache.set('n', 'child', 1, { dependsOn: [{ namespace: 'n', key: 'parent' }] })
    cache.set('n', 'child', 2)
    expect(cache.invalidateDependencies('n', 'parent')).toBe(0)
  })

  it('keeps a declared dependency when the entry is set again', () => {
    const { cache } = setUp()
    cache.addDependency({ namespace: 'n', key: 'parent' }, { namespace: 'n', key: 'child' })
    for (const round of [1, 2]) {
      cache.set('n', 'child', round)
      expect(cache.invalidateDependencies('n', 'parent')).toBe(1)
    }
  })
})

describe('CachingStrategyEngine invalidation rules', () => {
  it('calls rules with each invalidation, and invalidates the keys that they return', () => {
    const { cache } = setUp()
    const rule = vi.fn(() => ['lists:*', { namespace: 'totals', key: 'all' }])
    cache.addInvalidationRule(rule)
    cache.set('lists', 'a', 1)
    cache.set('totals', 'all', 1)
    cache.set('users', '1', 1)
    expect(cache.delete('users', '1')).toBe(true)
    expect(cache.getStats().itemCount).toBe(0)
    expect(rule.mock.calls.map(([event]: unknown[]) => event)).toEqual([
      { kind: 'delete', keys: [{ namespace: 'users', key: '1' }] },
      { kind: 'pattern', pattern: 'lists:*', keys: [{ namespace: 'lists', key: 'a' }] },
      { kind: 'delete', keys: [{ namespace: 'totals', key: 'all' }] },
    ])
  })

  it('counts entries that rules invalidated, and returns from delete only whether its key existed', () => {
    const { cache } = setUp()
    cache.addInvalidationRule(() => ['lists:*'])
    cache.set('lists', 'a', 1)
    expect(cache.invalidateByPattern('users:*')).toBe(1)
    cache.set('lists', 'a', 1)
    expect(cache.delete('users', '1')).toBe(false)
    expect(cache.get('lists', 'a')).toBeNull()
  })

  it('reports a cascade in one event', () => {
    const { cache } = setUp()
    const rule = vi.fn(() => [])
    cache.addInvalidationRule(rule)
    cache.set('n', 'child', 1, { dependsOn: [{ namespace: 'n', key: 'parent' }] })
    cache.invalidateDependencies('n', 'parent')
    const keys = ['parent', 'child'].map((key) => ({ namespace: 'n', key }))
    expect(rule.mock.calls).toEqual([[{ kind: 'dependency', keys }]])
  })

  it('stops cycles between rules', () => {
    const { cache } = setUp()
    const asked: string[] = []
    cache.addInvalidationRule(({ keys }) => {
      asked.push(...keys.map(({ key }) => key))
      return keys.map(({ namespace, key }) => ({ namespace, key: key === 'a' ? 'b' : 'a' }))
    })
    cache.delete('n', 'a')
    expect(asked).toEqual(['a', 'b'])
    expect(cache.getStats().ruleErrors).toBe(0)
  })

  it('stops a rule that returns new keys without end', () => {
    const { cache } = setUp()
    cache.addInvalidationRule(({ keys }) =>
      keys.map(({ namespace, key }) => ({ namespace, key: String(Number(key) + 1) })),
    )
    cache.delete('n', '0')
    expect(cache.getStats().ruleErrors).toBe(1)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['returns one string', () => '*'],
    ['returns nothing', () => undefined],
    ['returns half a key', () => [{ namespace: 'users' }]],
  ] as [string, () => never][])('skips a rule that %s, and counts an error', (_, rule) => {
    const { cache } = setUp()
    cache.addInvalidationRule(rule)
    cache.addInvalidationRule(() => ['lists:*'])
    cache.set('lists', 'a', 1)
    cache.set('users', '1', 1)
    cache.set('users', '2', 1)
    expect(cache.invalidateByPattern('users:1')).toBe(2)
    expect(cache.get('users', '2')).toBe(1)
    expect(cache.getStats().ruleErrors).toBe(2)
  })

  it('removes only the rule whose remover is called', () => {
    const { cache } = setUp()
    const rule = vi.fn(() => [])
    const remove = cache.addInvalidationRule(rule)
    cache.addInvalidationRule(rule)
    remove()
    cache.delete('users', '1')
    expect(rule).toHaveBeenCalledTimes(1)
  })
})

describe('CachingStrategyEngine warm-up', () => {
  it('stores every field of an object and returns the number of stored ones', () => {
    const { cache, clock } = setUp({ maxBytes: 10_000 })
    expect(cache.warmCache('users', JSON.parse(`{"1": 1, "__proto__": 2, "large": "${KB}"}`), 10)).toBe(2)
    expect(cache.get('users', '__proto__')).toBe(2)
    clock.ms = 10_000
    expect(cache.get('users', '1')).toBeNull()
  })

  it('reports progress while it stores the entries of an asynchronous loader', async () => {
    const { cache } = setUp({ maxBytes: 10_000_000, maxEntryShare: 0.0001 })
    const onProgress = vi.fn()
    const loader = async function* () {
      for (let id = 0; id < 1_500; id++)
        yield { namespace: 'users', key: String(id), value: id === 7 ? KB : id, ttl: 5 }
    }
    expect(await cache.warmCacheFrom(loader, { onProgress })).toEqual({ loaded: 1_500, stored: 1_499 })
    expect(onProgress.mock.calls).toEqual([
      [{ loaded: 1_000, stored: 999 }],
      [{ loaded: 1_500, stored: 1_499 }],
    ])
    expect(cache.get('users', '1499')).toBe(1_499)
  })

  it('accepts a list or a promise of one, and rejects with the error of the loader', async () => {
    const { cache } = setUp()
    const entries = [
      { namespace: 'users', key: '1', value: 1, dependsOn: [{ namespace: 'n', key: 'parent' }] },
    ]
    expect(await cache.warmCacheFrom(() => entries)).toEqual({ loaded: 1, stored: 1 })
    expect(cache.invalidateDependencies('n', 'parent')).toBe(1)
    expect(await cache.warmCacheFrom(async () => entries)).toEqual({ loaded: 1, stored: 1 })
    await expect(cache.warmCacheFrom(() => Promise.reject(new Error('offline')))).rejects.toThrow('offline')
    await expect(cache.warmCacheFrom([] as never)).rejects.toThrow(InvalidArgumentError)
  })
})

describe('CachingStrategyEngine statistics', () => {
  it('returns how efficiently the memory is used', () => {
    const { cache } = setUp()
    const { size: read } = cache.set('users', '1', KB)
    const { size: unread } = cache.set('tiles', '1', 1)
    for (const key of ['1', '1', '1', '2']) cache.get('users', key)
    cache.get('absent', '1')
    expect(cache.getCacheEfficiency()).toEqual({
      memoryEfficiency: read / (read + unread),
      hitsPerByte: 3 / (read + unread),
      hitRateByNamespace: Object.assign(Object.create(null), { users: 0.75, absent: 0 }),
      entriesNeverHit: 1,
    })
  })

  it('returns only zeros when empty', () => {
    expect(setUp().cache.getStats()).toMatchObject({
      hitRate: 0,
      itemCount: 0,
      usedMemory: 0,
      averageAccessTimeMs: 0,
    })
    expect(setUp().cache.getCacheEfficiency()).toMatchObject({
      memoryEfficiency: 0,
      hitsPerByte: 0,
      entriesNeverHit: 0,
    })
  })

  it('retains statistics of at most 256 empty namespaces', () => {
    const { cache } = setUp()
    for (let id = 0; id < 1_000; id++) {
      cache.get(`missed ${id}`, 'key')
      cache.set(`filled ${id}`, 'key', 1)
    }
    for (let id = 0; id < 1_000; id++) cache.get(`filled ${id}`, 'key')
    cache.invalidateByPattern('filled*')
    expect(Object.keys(cache.getCacheEfficiency().hitRateByNamespace).length).toBeLessThanOrEqual(256)
  })
})

describe('CachingStrategyEngine namespaces', () => {
  it('finds an entry that is set in a namespace whose statistics were evicted', () => {
    const { cache } = setUp()
    for (let id = 0; id < 300; id++) cache.set(`filled ${id}`, 'key', id)
    cache.delete('filled 7', 'key')
    cache.set('filled 7', 'key', 1)
    expect(cache.get('filled 7', 'key')).toBe(1)
    expect(cache.invalidateByPattern('filled 7:*')).toBe(1)
  })
})

describe('CachingStrategyEngine close and sweep', () => {
  it('sweeps expired entries in steps, and stops its timer when it is empty', () => {
    vi.useFakeTimers()
    const { cache, clock } = setUp({ sweepIntervalMs: 50 })
    for (let id = 0; id < 25_000; id++) cache.set('users', String(id), id, id % 2 === 0 ? 1 : 60)
    clock.ms = 1_000
    vi.advanceTimersByTime(50)
    expect(cache.getStats().expirations).toBe(5_000)
    vi.advanceTimersByTime(100)
    expect(cache.getStats()).toMatchObject({ expirations: 12_500, itemCount: 12_500 })
    clock.ms = 60_000
    vi.advanceTimersByTime(200)
    expect(cache.getStats()).toMatchObject({ itemCount: 0, usedMemory: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not keep the process alive', () => {
    const unref = vi.fn()
    const timer = vi.spyOn(globalThis, 'setInterval').mockReturnValue({ unref } as unknown as NodeJS.Timeout)
    setUp().cache.set('users', '1', 1)
    timer.mockRestore()
    expect(unref).toHaveBeenCalledOnce()
  })

  it('clears one namespace or all, and keeps its counters', () => {
    const { cache } = setUp()
    for (const namespace of ['users', 'tiles'])
      for (const key of ['1', '2', '3']) cache.set(namespace, key, 1)
    cache.get('users', '1')
    cache.clear('users')
    expect([cache.get('users', '2'), cache.get('tiles', '2')]).toEqual([null, 1])
    cache.clear()
    expect(cache.getStats()).toMatchObject({ itemCount: 0, usedMemory: 0, hits: 2 })
  })

  it('returns nothing and throws on set after close', () => {
    vi.useFakeTimers()
    const { cache } = setUp()
    cache.set('users', '1', 1)
    cache.close()
    cache.close()
    expect(cache.get('users', '1')).toBeNull()
    expect(() => cache.set('users', '1', 1)).toThrow(expect.objectContaining({ code: 'SLUICE_CLOSED' }))
    expect(vi.getTimerCount()).toBe(0)
  })
})
