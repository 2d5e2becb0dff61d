import { get } from 'node:http'
import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../helpers.ts'
import { MemoryDatabase, type Reference, type Row } from './memory-database.ts'

const REFERENCES: readonly Reference[] = [
  { table: 'city', columns: ['districtId'], references: 'district', referencedColumns: ['id'] },
  { table: 'district', columns: ['regionId'], references: 'region', referencedColumns: ['id'] },
  { table: 'review', columns: ['cityId'], references: 'city', referencedColumns: ['id'] },
  { table: 'task', columns: ['owner', 'org'], references: 'member', referencedColumns: ['userId', 'orgId'] },
]

const range = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

function tables(cities = 100): Record<string, Row[]> {
  return {
    city: range(cities).map((id) => ({ id, districtId: id, name: `city ${id}` })),
    district: range(cities).map((id) => ({ id, regionId: (id % 10) + 1, name: `district ${id}` })),
    region: range(10).map((id) => ({ id, name: `region ${id}` })),
    review: range(cities).flatMap((id) => [
      { id: id * 2, cityId: id, body: 'a' },
      { id: id * 2 + 1, cityId: id, body: 'b' },
    ]),
    member: range(40).map((at) => ({ id: at, orgId: `o${at % 4}`, userId: at })),
    task: range(40).map((at) => ({ id: at, org: `o${at % 4}`, owner: at })),
    product: range(cities).map((id) => ({ id, name: `product ${id}` })),
  }
}

interface Setting {
  readonly sluice: Sluice
  readonly clock: FakeClock
  readonly database: MemoryDatabase
}

function setUp(
  options: {
    sluice?: SluiceOptions
    references?: readonly Reference[]
    tables?: Record<string, Row[]>
    isWhole?: boolean
  } = {},
): Setting {
  const clock = new FakeClock()
  const sluice = createSluice({ mode: 'optimize', cache: false, detection: false, clock, ...options.sluice })
  const database = new MemoryDatabase(
    sluice,
    options.tables ?? tables(),
    options.references ?? REFERENCES,
    options.isWhole,
  )
  return { sluice, clock, database }
}

/** A loop over cities that queries the district of each. */
async function districts({ database }: Setting, cities?: readonly Row[]): Promise<unknown[]> {
  const found: unknown[] = []
  for (const city of cities ?? (await database.list('city')))
    found.push(await database.one('district', { id: city.districtId }))
  return found
}

/** The number of keys in each query. */
function sizesOf({ queries }: MemoryDatabase): number[] {
  return queries.map((text) => Number(/× (\d+)/.exec(text)?.[1] ?? 1))
}

async function count({ database, sluice }: Setting, fn: () => Promise<unknown>): Promise<number> {
  const before = database.queries.length
  await sluice.run(fn)
  return database.queries.length - before
}

describe('prefetching', () => {
  it('prefetches a loop in steps when cold, and in one query when warm', async () => {
    const setting = setUp()
    expect(await count(setting, () => districts(setting))).toBe(4)
    expect(setting.database.queries).toEqual([
      'list city',
      'district one by id i1',
      'district one by id × 8',
      'district one by id × 91',
    ])
    expect(await count(setting, () => districts(setting))).toBe(2)
    expect(setting.sluice.queries.getStats()).toMatchObject({
      prefetches: 3,
      prefetched: 98 - 1 + 99,
      prefetchedKeys: 97 + 99,
      prefetchedKeysUsed: 97 + 99,
    })
  })

  it('returns to each caller the row of its key', async () => {
    const setting = setUp()
    const expected = setting.database.tables.district
    for (const _ of range(2)) expect(await setting.sluice.run(() => districts(setting))).toEqual(expected)
  })

  it('prefetches lookups with many rows', async () => {
    const setting = setUp()
    const { database } = setting
    const loop = async () => {
      const found: unknown[] = []
      for (const city of await database.list('city'))
        found.push(await database.ask('review', { where: { cityId: city.id } }))
      return found
    }
    expect(await count(setting, loop)).toBe(4)
    expect(await count(setting, loop)).toBe(2)
    const found = (await setting.sluice.run(loop)) as Row[][]
    expect(
      found.every((reviews, at) => reviews.length === 2 && reviews.every(({ cityId }) => cityId === at + 1)),
    ).toBe(true)
  })

  it('prefetches several levels', async () => {
    const setting = setUp()
    const { database } = setting
    const loop = async () => {
      for (const city of await database.list('city')) {
        const district = await database.one('district', { id: city.districtId })
        await database.one('region', { id: district?.regionId })
      }
    }
    // 10 regions, whose rows are fetched with the prefetched districts.
    expect(await count(setting, loop)).toBeLessThanOrEqual(10)
    expect(await count(setting, loop)).toBe(3)
  })

  it('prefetches for a loop that starts in the middle, runs backwards, skips rows, or ends early', async () => {
    const orders: readonly [string, (cities: Row[]) => Row[], number, number][] = [
      ['backwards', (cities) => cities.toReversed(), 4, 2],
      ['every second', (cities) => cities.filter((_, at) => at % 2 === 0), 5, 2],
      ['the first half', (cities) => cities.slice(0, 50), 4, 2],
      [
        'shuffled',
        (cities) => cities.toSorted((a, b) => ((Number(a.id) * 37) % 101) - ((Number(b.id) * 37) % 101)),
        8,
        2,
      ],
    ]
    for (const [name, order, cold, learned] of orders) {
      const setting = setUp()
      const loop = async () => districts(setting, order(await setting.database.list('city')))
      expect([name, await count(setting, loop)]).toEqual([
        name,
        expect.toSatisfy((queries: number) => queries <= cold),
      ])
      await count(setting, loop)
      expect([name, await count(setting, loop)]).toEqual([name, learned])
    }
  })

  it('does not prefetch for a loop that reads few of the keys', async () => {
    const setting = setUp()
    const loop = async () =>
      districts(
        setting,
        (await setting.database.list('city')).filter((_, at) => at % 10 === 0),
      )
    for (const _ of range(3)) expect(await count(setting, loop)).toBe(11)
    expect(setting.sluice.queries.getStats().prefetchedKeys).toBe(0)
  })

  it('does not prefetch for IDs that are equal by coincidence', async () => {
    const setting = setUp()
    const { database } = setting
    const loop = async () => {
      for (const city of await database.list('city')) await database.one('product', { id: city.id })
    }
    expect(await count(setting, loop)).toBe(101)
  })

  it('reads composite keys from rows in the order of the lookup', async () => {
    const setting = setUp()
    const { database } = setting
    const loop = async () => {
      const found: unknown[] = []
      for (const task of await database.list('task'))
        found.push(await database.one('member', { orgId: task.org, userId: task.owner }))
      return found
    }
    expect(await count(setting, loop)).toBe(4)
    expect(await setting.sluice.run(loop)).toEqual(database.tables.member)
  })

  it('reads keys from nested rows', async () => {
    const setting = setUp()
    const { database } = setting
    const loop = async () => {
      const regions = await database.listWith(
        'region',
        'districts',
        'district',
        (region, district) => district.regionId === region.id,
      )
      for (const region of regions) {
        for (const district of region.districts as Row[])
          await database.ask('city', { where: { districtId: district.id } })
      }
    }
    expect(await count(setting, loop)).toBe(4)
    expect(await count(setting, loop)).toBe(2)
  })

  it('uses the column that the loop follows if two are possible', async () => {
    const data = tables()
    for (const district of data.district ?? [])
      Object.assign(district, { formerId: (Number(district.id) * 7) % 11, regionId: district.id })
    data.region = range(100).map((id) => ({ id, name: `region ${id}` }))
    const former = {
      table: 'district',
      columns: ['formerId'],
      references: 'region',
      referencedColumns: ['id'],
    }
    for (const references of [
      [former, ...REFERENCES],
      [...REFERENCES, former],
    ]) {
      const setting = setUp({ tables: data, references })
      const loop = async () => {
        for (const district of await setting.database.list('district'))
          await setting.database.one('region', { id: district.regionId })
      }
      expect(await count(setting, loop)).toBe(4)
    }
  })

  it('confirms a loop with three consecutive keys if there are no foreign keys', async () => {
    const setting = setUp({ references: [] })
    expect(await count(setting, () => districts(setting))).toBe(5)
    expect(await count(setting, () => districts(setting))).toBe(2)
  })

  it('does not prefetch rows that the app already has completely', async () => {
    const setting = setUp()
    const loop = async () => {
      for (const city of await setting.database.list('city'))
        await setting.database.one('city', { id: city.id })
    }
    expect(await count(setting, loop)).toBe(101)
  })

  it('prefetches rows of which the app has only the keys', async () => {
    const setting = setUp({ isWhole: false })
    const loop = async () => {
      for (const city of await setting.database.list('city'))
        await setting.database.one('city', { id: city.id })
    }
    expect(await count(setting, loop)).toBe(4)
  })

  it('serves a key at most as often as its rows were returned', async () => {
    const setting = setUp()
    const { database } = setting
    await setting.sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 20))
      const before = database.queries.length
      // Polling: each repeated read queries the database.
      for (const _ of range(5)) await database.one('district', { id: 15 })
      expect(database.queries.length - before).toBe(5)
    })
  })

  it('serves a key as often as rows with it were returned', async () => {
    const data = tables()
    for (const city of data.city ?? []) city.districtId = (Number(city.id) % 5) + 1
    const setting = setUp({ tables: data })
    const loop = () => districts(setting)
    expect(await count(setting, loop)).toBeLessThanOrEqual(4)
    const found = (await setting.sluice.run(loop)) as Row[]
    expect(new Set(found).size).toBe(100)
    expect(found.map(({ id }) => id)).toEqual(data.city?.map(({ districtId }) => districtId))
  })

  it('isolates the result of a caller from changes of another', async () => {
    const data = tables(20)
    for (const city of data.city ?? []) city.districtId = 1 + (Number(city.id) % 2)
    const setting = setUp({ tables: data })
    await setting.sluice.run(async () => {
      for (const city of await setting.database.list('city')) {
        const district = await setting.database.one('district', { id: city.districtId })
        expect(district?.name).toBe(`district ${city.districtId}`)
        if (district !== null) district.name = 'spoilt'
      }
    })
  })

  it('does not serve prefetched rows after a write to their table', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 5))
      await new Promise((resolve) => setImmediate(resolve))
      await sluice.run(() =>
        database.write('district', (rows) => Object.assign(rows[5] ?? {}, { name: 'written' })),
      )
      expect(await database.one('district', { id: 6 })).toMatchObject({ name: 'written' })
    })
  })

  it('queries the database while a write is in flight', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 5))
      let finish = () => {}
      database.beforeQuery = (text) =>
        text.startsWith('write') ? new Promise((resolve) => (finish = resolve)) : undefined
      const writing = sluice.run(() => database.write('district', () => {}))
      await new Promise((resolve) => setImmediate(resolve))
      const before = database.queries.length
      await database.one('district', { id: 6 })
      expect(database.queries.slice(before)).toEqual(['district one by id i6'])
      finish()
      await writing
    })
  })

  it('discards rows that were prefetched during a write', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await database.one('district', { id: 1 })
      database.beforeQuery = async (text) => {
        if (!text.endsWith('× 8')) return
        await sluice.run(() => database.write('district', () => {}))
      }
      await database.one('district', { id: 2 })
      const before = database.queries.length
      await districts(setting, cities.slice(2, 3))
      expect(database.queries.length - before).toBe(1)
    })
  })

  it('discards everything in a scope that writes or sends a raw statement', async () => {
    for (const act of [
      (database: MemoryDatabase) => database.write('product', () => {}),
      (database: MemoryDatabase) => database.raw(),
    ]) {
      const setting = setUp()
      const { database, sluice } = setting
      await sluice.run(async () => {
        const cities = await database.list('city')
        await districts(setting, cities.slice(0, 5))
        await act(database)
        const before = database.queries.length
        await districts(setting, cities.slice(5, 9))
        expect(database.queries.length - before).toBe(4)
      })
      expect(sluice.queries.getStats().prefetchDiscards).toBe(1)
    }
  })

  it('discards everything when the process sends an HTTP request', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 5))
      await new Promise((resolve) => get('http://127.0.0.1:9/').on('error', resolve).on('response', resolve))
      const before = database.queries.length
      await districts(setting, cities.slice(5, 9))
      expect(database.queries.length - before).toBe(4)
    })
  })

  it('serves no row older than maxAgeMs', async () => {
    const setting = setUp({ sluice: { prefetch: { maxAgeMs: 200 } } })
    const { database, sluice, clock } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 10))
      clock.advance(200)
      const before = database.queries.length
      await districts(setting, cities.slice(10, 11))
      expect(database.queries.length - before).toBe(0)
      clock.advance(1)
      await districts(setting, cities.slice(11, 100))
      expect(database.queries.length - before).toBe(1)
    })
  })

  it('shares nothing between scopes', async () => {
    const setting = setUp()
    const cities = await setting.database.list('city')
    await setting.sluice.run(() => districts(setting))
    const before = setting.database.queries.length
    await setting.sluice.run(() => districts(setting, cities.slice(0, 5)))
    expect(setting.database.queries.length - before).toBe(5)
  })

  it('separates lookups with different constants', async () => {
    const setting = setUp()
    const { database } = setting
    await setting.sluice.run(async () => {
      const cities = await database.list('city')
      for (const city of cities.slice(0, 5))
        await database.ask('review', { where: { cityId: city.id }, constants: 'a' })
      const before = database.queries.length
      await database.ask('review', { where: { cityId: 6 }, constants: 'b' })
      expect(database.queries.length - before).toBe(1)
    })
  })

  it('does not prefetch in transactions', async () => {
    const setting = setUp()
    const { database } = setting
    await setting.sluice.run(async () => {
      const cities = await database.list('city')
      for (const city of cities)
        await database.ask('district', { where: { id: city.districtId }, unique: true, inTransaction: true })
    })
    expect(database.queries.length).toBe(101)
  })

  it('runs lookups individually for the rest of a scope after a batch query failed', async () => {
    const setting = setUp()
    const { database } = setting
    database.failsMany = true
    const found = await setting.sluice.run(() => districts(setting))
    expect(found).toEqual(database.tables.district)
    expect(database.queries.filter((text) => text.includes('×')).length).toBe(1)
    expect(setting.sluice.queries.getStats().errors).toBe(0)
  })

  it('runs the original query when a required row is missing, so that it throws', async () => {
    const data = tables()
    data.district?.splice(1, 1)
    const setting = setUp({ tables: data })
    const { database } = setting
    await setting.sluice.run(async () => {
      const cities = await database.list('city')
      const ask = (city: Row | undefined) =>
        database.ask('district', { where: { id: city?.districtId }, unique: true, throws: true })
      await ask(cities[0])
      await expect(ask(cities[1])).rejects.toThrow('No row i2')
      await expect(ask(cities[2])).resolves.toMatchObject({ id: 3 })
    })
  })

  it('runs keys that are uncertain individually, once, and prefetches the others', async () => {
    const data = tables()
    // The database decides the results of every 20th key, so queries for several keys omit them.
    data.district = data.district?.filter(({ id }) => Number(id) % 20 !== 2) ?? []
    const setting = setUp({ tables: data })
    const loop = async () => {
      for (const city of await setting.database.list('city'))
        await setting.database
          .ask('district', { where: { id: city.districtId }, unique: true, throws: true })
          .catch(() => undefined)
    }
    for (const statements of [9, 7, 7]) expect(await count(setting, loop)).toBe(statements)
    // The rows of the other 7 keys of the first batch are used: the next one has the remaining 91 keys.
    expect(sizesOf(setting.database).slice(0, 9)).toEqual([1, 1, 8, 1, 91, 1, 1, 1, 1])
  })

  it('leaves concurrent lookups to the batcher', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await Promise.all(cities.map((city) => database.one('district', { id: city.districtId })))
    })
    expect(database.queries).toEqual(['list city', 'district one by id × 100'])
  })

  it('joins a query in flight that contains the key', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    await sluice.run(() => districts(setting))
    database.queries.length = 0
    const found = await sluice.run(async () => {
      const cities = await database.list('city')
      return Promise.all(cities.map((city) => database.one('district', { id: city.districtId })))
    })
    expect(found).toEqual(database.tables.district)
    expect(database.queries).toEqual(['list city', 'district one by id × 100'])
  })

  it('blocks a loop whose prefetched keys are mostly unused, with backoff', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    const loop = () => districts(setting)
    await sluice.run(loop)
    // From here on, the loop ends after its first row.
    const short = async () => districts(setting, (await database.list('city')).slice(0, 1))
    // One loop may be an exception: earlier use counts, with a decreasing weight.
    for (const _ of range(3)) await sluice.run(short)
    expect(sluice.queries.getStats().blockedLinks).toBe(1)
    const [link] = sluice.queries.getPrefetchLinks()
    expect(link).toMatchObject({ blockedFor: 1, backoff: 4, id: expect.stringContaining('|districtId>') })
    const before = sluice.queries.getStats().prefetchedKeys
    await sluice.run(loop)
    expect(sluice.queries.getStats().prefetchedKeys).toBe(before)
  })

  it.each([
    ['wants what the database says now', { strategy: 'refresh' }],
    ['wants nothing from the cache', { disabled: true }],
  ] as const)('does not prefetch for a read that %s', async (_, control) => {
    const setting = setUp({ sluice: { cache: {} } })
    const { database } = setting
    const loop = async () => {
      for (const { districtId } of await database.list('city'))
        await database.ask('district', { where: { id: districtId }, unique: true, control })
    }
    expect(await count(setting, loop)).toBe(101)
  })

  it('counts a key as used if the cache served it', async () => {
    const setting = setUp({ sluice: { cache: { ttl: 60 } } })
    const { database, sluice } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      for (const city of cities.slice(3))
        await sluice.run(() => database.one('district', { id: city.districtId }))
      await districts(setting, cities)
    })
    const [link] = sluice.queries.getPrefetchLinks()
    expect(link).toMatchObject({ span: 1, density: 1, fetched: 7, used: 7 })
  })

  it('does not extend the ttl of prefetched rows in the cache', async () => {
    const setting = setUp({ sluice: { cache: { ttl: 1 } } })
    const { database, sluice, clock } = setting
    await sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 2))
      clock.advance(900)
      await districts(setting, cities.slice(2, 3))
      clock.advance(101)
      const before = database.queries.length
      await sluice.run(() => database.one('district', { id: 3 }))
      expect(database.queries.length - before).toBe(1)
    })
  })

  it('returns learned links, which another Sluice can restore', async () => {
    const first = setUp()
    await first.sluice.run(() => districts(first))
    const links = JSON.parse(JSON.stringify(first.sluice.queries.getPrefetchLinks()))
    const second = setUp()
    second.sluice.queries.restorePrefetchLinks(links)
    expect(await count(second, () => districts(second))).toBe(2)
    expect(() => second.sluice.queries.restorePrefetchLinks([{ id: 'x' } as never])).toThrow(
      /"links": expected a list/,
    )
  })

  it('can be disabled', async () => {
    const setting = setUp({ sluice: { prefetch: false } })
    expect(await count(setting, () => districts(setting))).toBe(101)
  })

  it('limits the keys of a query to those of 10,000 rows', async () => {
    const many = {
      ...tables(60),
      review: range(60).flatMap((cityId) => range(400).map((at) => ({ id: cityId * 1000 + at, cityId }))),
    }
    const setting = setUp({ tables: many })
    const { database } = setting
    const loop = async () => {
      for (const city of await database.list('city'))
        await database.ask('review', { where: { cityId: city.id } })
    }
    for (const _ of range(3)) await setting.sluice.run(loop)
    expect(Math.max(...sizesOf(database))).toBe(25)
  })

  it('limits the keys of a query to those of 16 MB of rows', async () => {
    const body = 'x'.repeat(500_000)
    const setting = setUp({ tables: { ...tables(60), district: range(60).map((id) => ({ id, body })) } })
    await setting.sluice.run(() => districts(setting))
    expect(Math.max(...sizesOf(setting.database))).toBe(16)
  })

  it('reduces the number of keys after a query exceeded its row limit', async () => {
    const setting = setUp()
    const { database } = setting
    database.maxKeysWithRows = 30
    for (const _ of range(2)) await setting.sluice.run(() => districts(setting))
    expect(await setting.sluice.run(() => districts(setting))).toEqual(database.tables.district)
    expect(setting.sluice.queries.getStats().blockedLinks).toBe(0)
  })

  it('stops prefetching for a loop for a while after its batch query failed', async () => {
    const setting = setUp()
    const { database, sluice } = setting
    database.failsMany = true
    const failures = () => sizesOf(database).filter((size) => size > 1).length
    await sluice.run(() => districts(setting))
    expect(sluice.queries.getPrefetchLinks()).toMatchObject([{ blockedFor: 1, backoff: 4 }])
    expect(failures()).toBe(1)
    await sluice.run(() => districts(setting))
    expect(failures()).toBe(1)
    await sluice.run(() => districts(setting))
    expect(failures()).toBe(2)
  })

  it('separates lookups of different contexts', async () => {
    let tenant = 'a'
    const setting = setUp({ sluice: { context: () => tenant } })
    const { database, sluice } = setting
    await sluice.run(() => districts(setting))
    await sluice.run(async () => {
      const cities = await database.list('city')
      await districts(setting, cities.slice(0, 5))
      database.queries.length = 0
      tenant = 'b'
      await database.one('district', { id: 6 })
      expect(database.queries).toHaveLength(1)
      tenant = 'a'
      await database.one('district', { id: 7 })
      expect(database.queries).toHaveLength(1)
    })
  })

  it('queries at most 512 keys at a time', async () => {
    const setting = setUp({ tables: tables(2000) })
    await setting.sluice.run(() => districts(setting))
    expect(Math.max(...sizesOf(setting.database))).toBe(500)
    expect(await count(setting, () => districts(setting))).toBe(1 + 4)
  })
})
