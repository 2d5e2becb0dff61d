import {
  type CacheControl,
  type CacheOptions,
  createSluice,
  type Sluice,
  type SluiceOptions,
} from '@sluice/core'
import { type CatalogData, type Operation, SchemaCatalog, type TableInfo } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { FakeClock, type ReadOptions, read, touching, turn, write } from '../helpers.ts'

function setUp(options: CacheOptions = {}, others: SluiceOptions = {}) {
  const clock = new FakeClock()
  const sluice = createSluice({
    mode: 'optimize',
    batch: false,
    cache: { ttl: 60, ...options },
    clock,
    ...others,
  })
  const database = { value: 1, asked: 0 }
  const ask = () => {
    database.asked += 1
    return Promise.resolve({ value: database.value })
  }
  const get = (extra: Partial<ReadOptions> = {}) =>
    hostOf(sluice).execute(read({ run: ask, cache: { key: 'q', tables: ['t'] }, ...extra })) as Promise<{
      value: number
    }>
  const set = (value: number, run?: () => Promise<unknown>) => {
    const apply = async () => {
      database.value = value
    }
    return hostOf(sluice).execute(write(touching('t'), run ?? apply))
  }
  return { clock, sluice, database, get, set }
}

describe('result cache', () => {
  it('serves an equal read without a query', async () => {
    const { database, get, sluice } = setUp()
    await get()
    expect(await get()).toEqual({ value: 1 })
    expect(database.asked).toBe(1)
    expect(sluice.queries.getStats().cacheHits).toBe(1)
  })

  it('does not confuse a context with a context and a query', async () => {
    let context = 'a'
    const { database, get } = setUp({}, { context: () => context })
    await get({ cache: { key: 'b\nq', tables: ['t'] } })
    context = 'a\nb'
    await get({ cache: { key: 'q', tables: ['t'] } })
    expect(database.asked).toBe(2)
  })

  it('counts results separately from values of the app', async () => {
    const { get, sluice } = setUp()
    expect(sluice.getResultStats()).toMatchObject({ hits: 0, loads: 0 })
    for (let time = 0; time < 3; time += 1) await get()
    for (let time = 0; time < 2; time += 1) await sluice.tiered?.getOrLoad('k', () => 1)
    expect(sluice.getResultStats()).toMatchObject({ hits: 2, loads: 1 })
    expect(sluice.tiered?.getStats()).toMatchObject({ hits: 1, loads: 1 })
    expect(createSluice({ cache: false }).getResultStats()).toBeUndefined()
  })

  it('queries again after a write to a table of the result', async () => {
    const { get, set } = setUp()
    await get()
    await set(2)
    expect(await get()).toEqual({ value: 2 })
  })

  it('keeps cached results of other tables after a write', async () => {
    const { database, get, set } = setUp()
    const other = { cache: { key: 'other', tables: ['u'] } }
    await get(other)
    await set(2)
    await get(other)
    expect(database.asked).toBe(1)
  })

  it('does not cache a result if a write ended while the read was in flight', async () => {
    const { get, set, database } = setUp()
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = get({
      run: async () => {
        const found = { value: database.value }
        await gate
        return found
      },
    })
    await turn()
    await set(2)
    release?.()
    expect(await slow).toEqual({ value: 1 })
    expect(await get()).toEqual({ value: 2 })
  })

  it('does not serve results of a table while a write to it is in flight', async () => {
    const { get, set, database } = setUp()
    await get()
    let release: (() => void) | undefined
    const writing = set(
      2,
      () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    )
    await turn()
    database.value = 2
    expect(await get()).toEqual({ value: 2 })
    release?.()
    await writing
    expect(database.asked).toBe(2)
  })

  it('queries again after a failed write', async () => {
    const { get, set, database } = setUp()
    await get()
    await expect(
      set(2, () => Promise.reject(Object.assign(new Error('unique'), { code: 'P2002' }))),
    ).rejects.toThrow('unique')
    await get()
    expect(database.asked).toBe(2)
  })

  it('does not cache results of a table for the lease after a write of unknown outcome', async () => {
    const { get, set, database, clock } = setUp()
    await expect(set(2, () => Promise.reject(new Error('connection lost')))).rejects.toThrow(
      'connection lost',
    )
    await get()
    await get()
    expect(database.asked).toBe(2)
    clock.advance(30_000)
    await get()
    await get()
    expect(database.asked).toBe(3)
  })

  it('returns a copy to each caller', async () => {
    const { get } = setUp()
    const first = await get()
    first.value = 99
    const second = await get()
    expect(second).toEqual({ value: 1 })
    second.value = 98
    expect(await get()).toEqual({ value: 1 })
  })

  it('shares one query among equal reads in flight', async () => {
    const { get, database } = setUp()
    const found = await Promise.all([get(), get(), get()])
    expect(database.asked).toBe(1)
    expect(new Set(found).size).toBe(3)
  })

  it('sends its own query when the query that it joined failed', async () => {
    const { get } = setUp()
    const failing = get({ run: () => Promise.reject(new Error('first')) })
    const waiting = get()
    await expect(failing).rejects.toThrow('first')
    expect(await waiting).toEqual({ value: 1 })
  })

  it('does not share a query that began before a write with a read that began after it', async () => {
    const { get, set, database } = setUp()
    let release: (() => void) | undefined
    const old = get({
      run: async () => {
        const found = { value: database.value }
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return found
      },
    })
    await turn()
    await set(2)
    const young = get()
    release?.()
    expect(await young).toEqual({ value: 2 })
    await old
  })

  it('queries again after the ttl', async () => {
    const { get, database, clock } = setUp({ ttl: 10 })
    await get()
    clock.advance(10_001)
    await get()
    expect(database.asked).toBe(2)
  })

  it('bypasses memory in a transaction', async () => {
    const { get, database } = setUp()
    await get()
    await get({ inTransaction: true })
    expect(database.asked).toBe(2)
  })

  it('separates results of different contexts', async () => {
    let tenant = 'a'
    const { get, database } = setUp({}, { context: () => tenant })
    await get()
    tenant = 'b'
    await get()
    expect(database.asked).toBe(2)
  })

  it('separates results of different clients', async () => {
    const { get, database } = setUp()
    await get()
    await get({ source: { id: 'other', orm: 'knex', dialect: 'sqlite', seesStatements: false } })
    expect(database.asked).toBe(2)
  })

  it('does not cache reads of more than 16 tables', async () => {
    const { get, database } = setUp()
    const cache = { key: 'wide', tables: Array.from({ length: 17 }, (_, at) => `t${at}`) }
    await get({ cache })
    await get({ cache })
    expect(database.asked).toBe(2)
  })

  it('caches a read of up to 15 rows', async () => {
    const { get, database } = setUp()
    const rows = new Map([['t', Array.from({ length: 15 }, (_, at) => at)]])
    const cache = { key: 'rows', tables: ['t'], rows }
    await get({ cache })
    await get({ cache })
    expect(database.asked).toBe(1)
  })

  it('invalidates everything on `invalidate` without a catalog', async () => {
    const { get, database, sluice } = setUp()
    await get()
    sluice.invalidate('anything')
    await get()
    expect(database.asked).toBe(2)
  })

  describe('cache control of a read', () => {
    const saying = (control: CacheControl) => ({ cache: { key: 'q', tables: ['t'], control } })

    it('sets the ttl of its result', async () => {
      const { get, database, clock } = setUp({ ttl: 10 })
      await get(saying({ ttl: 100 }))
      clock.advance(50_000)
      await get()
      expect(database.asked).toBe(1)
      clock.advance(50_001)
      await get()
      expect(database.asked).toBe(2)
    })

    it('limits the age of the result of an equal read', async () => {
      const { get, database, clock } = setUp({ ttl: 60 })
      await get(saying({ ttl: 300 }))
      clock.advance(1_000)
      await get(saying({ ttl: 2 }))
      expect(database.asked).toBe(1)
      clock.advance(1_000)
      await get(saying({ ttl: 2 }))
      expect(database.asked).toBe(2)
    })

    it('serves a stale result while it is revalidated in the background', async () => {
      const { get, database, clock } = setUp({ ttl: 10 })
      await get(saying({ swr: 10 }))
      database.value = 2
      clock.advance(15_000)
      expect(await get(saying({ swr: 10 }))).toEqual({ value: 1 })
      await turn()
      expect(await get()).toEqual({ value: 2 })
      expect(database.asked).toBe(2)
    })

    it('sets tags that invalidate its result', async () => {
      const { get, database, sluice } = setUp()
      await get(saying({ tags: ['mine', 'other'] }))
      await sluice.tiered?.invalidateTags(['elsewhere'])
      await get(saying({ tags: ['mine', 'other'] }))
      expect(database.asked).toBe(1)
      await sluice.tiered?.invalidateTags(['mine'])
      await get(saying({ tags: ['mine', 'other'] }))
      expect(database.asked).toBe(2)
    })

    it('sets tags that invalidate its result, even if an equal read was cached without them', async () => {
      const { get, database, sluice } = setUp()
      await get()
      await get(saying({ tags: ['mine'] }))
      database.value = 2
      await sluice.tiered?.invalidateTags(['mine'])
      expect(await get(saying({ tags: ['mine'] }))).toEqual({ value: 2 })
      expect(await get()).toEqual({ value: 2 })
    })

    it('sets tags that invalidate its result, even if an equal read without them is in flight', async () => {
      const { get, database, sluice } = setUp()
      let land = () => {}
      const landed = new Promise<void>((resolve) => {
        land = resolve
      })
      const slow = get({ run: () => landed.then(() => ({ value: 1 })) })
      database.value = 2
      await sluice.tiered?.invalidateTags(['mine'])
      const tagged = get(saying({ tags: ['mine'] }))
      land()
      expect(await tagged).toEqual({ value: 2 })
      await slow
    })

    it('refreshes the cached result', async () => {
      const { get, database } = setUp()
      await get()
      database.value = 2
      expect(await get(saying({ strategy: 'refresh' }))).toEqual({ value: 2 })
      expect(await get()).toEqual({ value: 2 })
      expect(database.asked).toBe(2)
    })

    it('disables the cache', async () => {
      const { get, database, sluice } = setUp()
      await get(saying({ disabled: true }))
      await get()
      await get(saying({ disabled: true }))
      expect(database.asked).toBe(3)
      expect(sluice.queries.getStats().passedThrough).toMatchObject({ 'cache:DISABLED': 2 })
    })
  })

  describe('options of the result cache', () => {
    const [t, u] = ['main.t', 'main.u']
    const known = (options: CacheOptions) => {
      const setting = setUp(options)
      const table = (name: string): TableInfo => ({
        name,
        kind: 'table',
        columns: [],
        primaryKey: [],
        uniqueKeys: [],
      })
      const data: CatalogData = {
        dialect: 'sqlite',
        defaultSchema: 'main',
        tables: [table('t'), table('u')],
        foreignKeys: [],
      }
      hostOf(setting.sluice).catalogs.set('test1', new SchemaCatalog(data))
      return setting
    }
    const of = (tables: string[], control?: CacheControl) => ({
      cache: { key: tables.join(), tables, ...(control && { control }) },
    })

    it('set the ttl of a model, and a join uses the shortest one', async () => {
      const { get, database, clock } = known({ models: { t: { ttl: 5 }, u: { ttl: 100 } } })
      for (const ask of [of([t, u]), of([u])]) await get(ask)
      clock.advance(5_001)
      for (const ask of [of([t, u]), of([u])]) await get(ask)
      expect(database.asked).toBe(3)
    })

    it('disable the cache for a model, unless the control of a read enables it', async () => {
      const { get, database } = known({ models: { t: { disabled: true } } })
      for (const ask of [of([t]), of([t])]) await get(ask)
      expect(database.asked).toBe(2)
      for (const ask of [of([t], { disabled: false }), of([t], { disabled: false })]) await get(ask)
      expect(database.asked).toBe(3)
    })

    it('set the cached tables', async () => {
      const { get, database, sluice } = known({ tables: ['u'] })
      for (const ask of [of([t]), of([t]), of([u]), of([u]), of([t, u]), of([t, u])]) await get(ask)
      expect(database.asked).toBe(5)
      expect(sluice.queries.getStats().passedThrough).toMatchObject({ 'cache:TABLE_NOT_LISTED': 4 })
    })

    it('set the eviction policy', () => {
      const { cache } = setUp({ policy: 'ttl', maxBytes: 20_000 }).sluice
      cache?.set('app', 'late', 'x', 100)
      cache?.set('app', 'soon', 'x', 10)
      for (let at = 0; (cache?.getStats().evictions ?? 1) === 0; at++)
        cache?.set('app', `${at}`, 'x'.repeat(500), 50)
      expect([cache?.get('app', 'late'), cache?.get('app', 'soon')]).toEqual(['x', null])
      expect(() => setUp({ policy: 'fifo' as 'lru' })).toThrow(/cache\.policy.*"lru"/)
    })
  })

  it('serves nothing after close', async () => {
    const { get, database, sluice } = setUp()
    await get()
    await sluice.close()
    await get()
    expect(database.asked).toBe(2)
  })
})

describe('errors inside Sluice', () => {
  const broken = (run: () => Promise<unknown>, extra: object = {}): Operation<unknown> => ({
    ...read({ run }),
    cacheRequest: () => {
      throw new TypeError('a bug')
    },
    ...extra,
  })
  const optimizing = (): Sluice => createSluice({ mode: 'optimize' })

  it('make a read run without Sluice', async () => {
    const sluice = optimizing()
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    expect(await hostOf(sluice).execute(broken(async () => 'bare'))).toBe('bare')
    expect(errors).toHaveLength(1)
    expect(sluice.queries.getStats().errors).toBe(1)
  })

  it('make a read return the result of its query when they occur after the query', async () => {
    const sluice = optimizing()
    const failing: Operation<unknown> = {
      ...read({ run: async () => 'bare' }),
      cacheRequest: () => ({
        key: 'q',
        tables: ['t'],
        copy: () => {
          throw new TypeError('a bug')
        },
      }),
    }
    expect(await hostOf(sluice).execute(failing)).toBe('bare')
    expect(sluice.queries.getStats().errors).toBe(1)
  })

  it('never send a write twice', async () => {
    const sluice = optimizing()
    let sent = 0
    const operation = write(touching('t'), async () => {
      sent += 1
      return 'written'
    })
    const failing: Operation<unknown> = {
      ...operation,
      rows: () => {
        throw new TypeError('a bug')
      },
    }
    expect(await hostOf(sluice).execute(failing)).toBe('written')
    expect(sent).toBe(1)
  })

  it('do not prevent a write from being sent', async () => {
    const sluice = optimizing()
    const failing: Operation<unknown> = {
      ...write(touching('t'), async () => 'written'),
      effect: () => {
        throw new TypeError('a bug')
      },
    }
    expect(await hostOf(sluice).execute(failing)).toBe('written')
    expect(sluice.queries.getStats().errors).toBe(1)
  })

  it('do not change errors of the database', async () => {
    const sluice = optimizing()
    const failure = new Error('no such table')
    await expect(hostOf(sluice).execute(read({ run: () => Promise.reject(failure) }))).rejects.toBe(failure)
    await expect(hostOf(sluice).execute(read({ run: () => Promise.reject('text') }))).rejects.toBe('text')
    expect(sluice.queries.getStats().errors).toBe(0)
  })
})
