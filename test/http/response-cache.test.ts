import type { ResponseDifference, Sluice } from '@sluice/core'
import { describe, expect, it, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import type { CityTable } from './city-table.ts'
import { responseCacheOn } from './response-cache-world.ts'
import { type Answer, frameworks } from './servers.ts'

describe.each(frameworks)('the response cache on $name', (framework) => {
  const { setUp, oneCity } = responseCacheOn(framework)

  it('serves an equal request without running the route, and sends its age', async () => {
    const { get, runs, stats } = await oneCity()
    const first = await get('/city')
    const second = await get('/city')
    expect([first.body, second.body]).toEqual(['Ghent 1', 'Ghent 1'])
    expect(runs()).toBe(1)
    expect(first.headers.get('cache-status')).toBe('Sluice; fwd=uri-miss; stored')
    expect(second.headers.get('cache-status')).toMatch(/^Sluice; hit; ttl=(300|299)$/)
    expect(second.headers.get('age')).toBe('0')
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(stats()).toMatchObject({ hits: 1, misses: 1, stored: 1 })
  })

  it('runs the route again after a write to the rows behind the response, and not for other rows or tables', async () => {
    const { get, runs, db } = await oneCity()
    await get('/city')
    await db('regions').insert({ id: 9, name: 'Drenthe' })
    await db('cities').where({ id: 2 }).update({ people: 5 })
    await get('/city')
    expect(runs()).toBe(1)
    await db('cities').where({ id: 1 }).update({ people: 7 })
    expect((await get('/city')).body).toBe('Ghent 7')
    expect(runs()).toBe(2)
  })

  it('runs the route again after sluice.invalidate', async () => {
    const { get, runs, sluice } = await oneCity()
    await get('/city')
    await sluice.invalidate('cities', [1])
    await get('/city')
    expect(runs()).toBe(2)
  })

  it('does not cache a response that a concurrent write invalidated', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let runs = 0
    const { get, db, stats } = await setUp(({ db: knex }) => [
      {
        path: '/city',
        answer: async () => {
          runs += 1
          const city = await knex('cities').where({ id: 1 }).first()
          if (runs === 1) await held
          return { body: String(city.people) }
        },
      },
    ])
    const first = get('/city')
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    // The read has been sent and answered by now, or is answered before the write.
    await new Promise((resolve) => setTimeout(resolve, 20))
    await db('cities').where({ id: 1 }).update({ people: 2 })
    release()
    expect((await first).body).toBe('1')
    expect(stats().notStored).toEqual({ DISCARDED_BY_WRITE: 1 })
    expect((await get('/city')).body).toBe('2')
  })

  it('caches responses that read from cached results, with their tags', async () => {
    const { get, runs, db } = await oneCity()
    await db('cities').where({ id: 1 }).first()
    await get('/city')
    await get('/city')
    expect(runs()).toBe(1)
    await db('cities').where({ id: 1 }).update({ people: 3 })
    expect((await get('/city')).body).toBe('Ghent 3')
  })

  const unkept: readonly [reason: string, answer: (table: CityTable) => Promise<Answer>][] = [
    ['NO_QUERY', async () => ({ body: 'constant' })],
    [
      'WRITE',
      async ({ db }) => {
        await db('cities').where({ id: 1 }).first()
        await db('regions').insert({ name: 'visit' })
        return { body: 'written' }
      },
    ],
    [
      'IN_TRANSACTION',
      async ({ db }) => ({
        body: String(
          await db.transaction(async (trx) => (await trx('cities').where({ id: 1 }).first()).people),
        ),
      }),
    ],
    ['UNKNOWN_READ', async ({ db }) => ({ body: JSON.stringify(await db.raw('select * from cities')) })],
    [
      'SET_COOKIE',
      async ({ db }) => ({ body: (await db('cities').first()).name, headers: { 'set-cookie': ['a=1'] } }),
    ],
    ['STATUS', async ({ db }) => ({ body: (await db('cities').first()).name, status: 404 })],
    ['VARY', async ({ db }) => ({ body: (await db('cities').first()).name, headers: { vary: '*' } })],
    [
      'EVENT_STREAM',
      async ({ db }) => ({
        body: (await db('cities').first()).name,
        headers: { 'content-type': 'text/event-stream' },
      }),
    ],
    ...['no-store', 'private', 'no-cache', 'max-age=0', 's-maxage=0, max-age=60', 'private="x-y"'].map(
      (control): [string, (table: CityTable) => Promise<Answer>] => [
        'CACHE_CONTROL',
        async ({ db }) => ({
          body: (await db('cities').first()).name,
          headers: { 'cache-control': control },
        }),
      ],
    ),
    [
      'CACHE_CONTROL',
      async ({ db }) => ({ body: (await db('cities').first()).name, headers: { expires: '0' } }),
    ],
    ['TOO_LARGE', async ({ db }) => ({ body: (await db('cities').first()).name.padEnd(2_000) })],
    ['TOO_LARGE', async ({ db }) => ({ parts: [(await db('cities').first()).name, ''.padEnd(2_000)] })],
    [
      'UNKNOWN_READ',
      async ({ db, sluice }) => ({
        body: await sluice.bypass(async () => (await db('cities').first()).name),
      }),
    ],
    [
      'UNKNOWN_READ',
      async ({ db, sluice }) => {
        await db('cities').where({ id: 1 }).first()
        return {
          body: await sluice.run(async () => (await db('cities').where({ id: 2 }).first()).name, {
            mode: 'observe',
          }),
        }
      },
    ],
    [
      'UNKNOWN_READ',
      async ({ db, sluice }) => {
        await db('cities').where({ id: 1 }).first()
        return { body: String(await sluice.tiered?.get('absent')) }
      },
    ],
    [
      'UNKNOWN_READ',
      async ({ db }) => {
        await db('cities').where({ id: 1 }).first()
        const rows = await db('cities').where({ id: 2 }).stream().toArray()
        return { body: String(rows.length) }
      },
    ],
  ]
  it.each(unkept)('passes uncacheable responses through: %s', async (reason, answer) => {
    let runs = 0
    const { get, stats } = await setUp((table) => [
      {
        path: '/it',
        cache: { maxBodyBytes: 1_000 },
        answer: () => {
          runs += 1
          return answer(table)
        },
      },
    ])
    const first = await get('/it')
    const second = await get('/it')
    expect(runs).toBe(2)
    expect(second.body).toBe(first.body)
    expect(stats()).toMatchObject({ hits: 0, stored: 0, notStored: { [reason]: 2 } })
  })

  it('tracks reads in separate scopes within the request', async () => {
    let runs = 0
    const { get, db } = await setUp(({ db: knex, sluice }) => [
      {
        path: '/it',
        answer: async () => {
          runs += 1
          return {
            body: String(
              await sluice.run(async () => (await knex('cities').where({ id: 1 }).first()).people),
            ),
          }
        },
      },
    ])
    await get('/it')
    await get('/it')
    expect(runs).toBe(1)
    await db('cities').where({ id: 1 }).update({ people: 4 })
    expect((await get('/it')).body).toBe('4')
  })

  it('depends on cached values of the app that the response used', async () => {
    let value = 1
    const { get, sluice } = await setUp(({ sluice: used }) => [
      {
        path: '/it',
        answer: async () => ({
          body: String(await used.tiered?.getOrLoad('rate', () => value, { tags: ['rates'] })),
        }),
      },
    ])
    expect((await get('/it')).body).toBe('1')
    value = 2
    expect((await get('/it')).body).toBe('1')
    await sluice.tiered?.invalidateTags(['rates'])
    expect((await get('/it')).body).toBe('2')
  })

  it('depends on values of the app that were cached before the request', async () => {
    let value = 1
    const read = (sluice: Sluice) => sluice.tiered?.getOrLoad('rate', () => value, { tags: ['rates'] })
    const { get, sluice } = await setUp(({ db, sluice: used }) => [
      {
        path: '/it',
        answer: async () => {
          await db('cities').where({ id: 1 }).first()
          return { body: String(await read(used)) }
        },
      },
    ])
    await read(sluice)
    expect((await get('/it')).body).toBe('1')
    value = 2
    await sluice.tiered?.invalidateTags(['rates'])
    expect((await get('/it')).body).toBe('2')
  })

  it('caches a response without a query under tags and tables of the app', async () => {
    let value = 1
    const { get, sluice, db } = await setUp(() => [
      {
        path: '/it',
        cache: { tags: ['front'], tables: ['cities'] },
        answer: async () => ({ body: String(value) }),
      },
    ])
    await get('/it')
    value = 2
    expect((await get('/it')).body).toBe('1')
    await sluice.tiered?.invalidateTags(['front'])
    expect((await get('/it')).body).toBe('2')
    value = 3
    await db('cities').where({ id: 1 }).update({ people: 2 })
    expect((await get('/it')).body).toBe('3')
  })

  it('only counts in observe mode', async () => {
    const { get, runs, stats } = await oneCity({}, {}, { mode: 'observe' })
    const { headers } = await get('/city')
    await get('/city')
    expect(runs()).toBe(2)
    expect(headers.has('cache-status')).toBe(false)
    expect(stats()).toMatchObject({ bypassed: { observe: 2 }, misses: 0, stored: 0 })
  })

  it('compares in shadow mode, serves the response of the app, and reports differences', async () => {
    let suffix = ''
    const differences: ResponseDifference[] = []
    const { get, sluice, stats } = await setUp(
      ({ db }) => [
        {
          path: '/it',
          answer: async () => ({ body: `${(await db('cities').where({ id: 1 }).first()).name}${suffix}` }),
        },
      ],
      { mode: 'shadow' },
    )
    sluice.on('responseDifference', (difference) => differences.push(difference))
    await get('/it')
    await vi.waitFor(() => expect(stats().stored).toBe(1), SOON)
    await get('/it')
    await vi.waitFor(
      () => expect(stats()).toMatchObject({ shadowed: 1, shadowDifferences: 0, stored: 2 }),
      SOON,
    )
    suffix = '!'
    expect((await get('/it')).body).toBe('Ghent!')
    await vi.waitFor(() => expect(stats()).toMatchObject({ shadowed: 2, shadowDifferences: 1 }), SOON)
    expect(differences).toMatchObject([{ scope: 'GET /it', differs: 'body', cachedBytes: 5, newBytes: 6 }])
    expect(stats().hits).toBe(0)
  })

  it('caches for the lifetime in the response, and counts it by reason in the metrics', async () => {
    const clock = { ms: 1_000, now: () => clock.ms, wall: () => 1_700_000_000_000 + clock.ms }
    const { get, runs, sluice } = await oneCity(
      { ttlMs: 5_000 },
      { headers: { 'cache-control': 's-maxage=10, max-age=1' } },
      { clock },
    )
    await get('/city')
    clock.ms += 9_900
    const { headers } = await get('/city')
    expect([runs(), headers.get('age')]).toEqual([1, '9'])
    clock.ms += 200
    await get('/city')
    expect(runs()).toBe(2)
    await get('/city', { authorization: 'Basic x' })
    const text = (await sluice.monitor?.metricsText()) ?? ''
    expect(text).toContain('sluice_responses_total{sluice_result="hit"} 1\n')
    expect(text).toContain('sluice_responses_bypassed_total{sluice_reason="authorization"} 1\n')
  })
})
