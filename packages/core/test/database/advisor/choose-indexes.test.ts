import { describe, expect, it } from 'vitest'
import type { IndexCheck } from '../../../src/database/advisor/index-check.ts'
import type { PlannedStatement, SupposedIndex } from '../../../src/database/advisor/what-if-planner.ts'
import { indexLabel } from '../../../src/database/index-definition.ts'
import { adviceOf, advised, entry, type World, worldSnapshot } from './advisor-world.ts'

const world: World = {
  tables: {
    city: 'id integer!, name text*, region_id integer*, country text*, population integer*, is_open boolean*, deleted_at timestamp, alt_id integer*',
    review:
      'id integer!, city_id integer*, user_id integer*, kind integer*, created_at timestamp*, body text*',
    log: 'id integer!, user_id integer*, at timestamp*',
    tiny: 'id integer!, a integer*',
  },
  rows: { city: 200_000, review: 500_000, log: 1_000_000, tiny: 300 },
  spread: {
    'city.region_id': 4_000,
    'city.country': 200,
    'city.population': 50_000,
    'review.city_id': 50_000,
    'review.user_id': 10_000,
    'review.kind': 10,
    'city.is_open': {
      distinct: 2,
      common: [
        { value: 't', share: 0.97 },
        { value: 'f', share: 0.03 },
      ],
      bounds: [],
    },
    'log.user_id': 50_000,
  },
}
const snapshot = worldSnapshot('postgresql', world)

describe('advise', () => {
  it.each<[string, string[], string[]]>([
    ['finds rows by a column', ['SELECT * FROM city WHERE region_id = $1'], ['city(region_id)']],
    [
      'makes one index of those of which one begins with the other',
      [
        'SELECT * FROM city WHERE region_id = $1',
        'SELECT * FROM city WHERE region_id = $1 ORDER BY population DESC LIMIT 10',
        'SELECT * FROM city WHERE country = $1 ORDER BY population DESC LIMIT 10',
      ],
      ['city(country, population)', 'city(region_id)'],
    ],
    [
      'serves an order with a limit',
      ['SELECT * FROM city ORDER BY population DESC LIMIT 10'],
      ['city(population)'],
    ],
    [
      'serves both arms of an OR',
      ['SELECT * FROM city WHERE region_id = $1 OR alt_id = $2'],
      ['city(alt_id)', 'city(region_id)'],
    ],
    [
      'serves the inner side of a join',
      ['SELECT r.body FROM city c JOIN review r ON r.city_id = c.id WHERE c.id = $1'],
      ['review(city_id)'],
    ],
    [
      'reads a subquery before what it is asked for',
      ['SELECT * FROM city WHERE id IN (SELECT city_id FROM review WHERE user_id = $1)'],
      ['review(user_id)'],
    ],
    [
      'groups before it limits what the groups are joined to',
      [
        'SELECT c.name, g.n FROM city c LEFT JOIN (SELECT city_id, count(*) AS n FROM review GROUP BY city_id) g ON g.city_id = c.id ORDER BY c.id LIMIT 20',
      ],
      ['review(city_id)'],
    ],
    [
      'finds the values of a flag in their order, though most rows have the same',
      ['SELECT * FROM city WHERE is_open = $1 ORDER BY population DESC LIMIT 10'],
      ['city(is_open, population)'],
    ],
    [
      'orders by columns that are all that is selected',
      ['SELECT population FROM city WHERE is_open = $1 ORDER BY population DESC LIMIT 10'],
      ['city(is_open, population)'],
    ],
    [
      'reads the greatest value of a column from the end of an index',
      ['SELECT max(created_at) FROM review WHERE user_id = $1'],
      ['review(user_id, created_at)'],
    ],
    [
      'reads the least value of a column, also within coalesce',
      ['SELECT coalesce(min(r.created_at), 0) FROM review r WHERE r.user_id = $1'],
      ['review(user_id, created_at)'],
    ],
    [
      'begins with the column of many values',
      ['SELECT body FROM review WHERE kind = $1 AND user_id = $2'],
      ['review(user_id)'],
    ],
    [
      'finds the rows after a page by a row value',
      ['SELECT * FROM review WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT 10'],
      ['review(created_at, id)'],
    ],
    [
      'skips the rows before an OFFSET by an index',
      ['SELECT * FROM review ORDER BY created_at LIMIT 10 OFFSET 20000'],
      ['review(created_at)'],
    ],
    ['groups all rows without an order', ['SELECT country, max(population) FROM city GROUP BY country'], []],
    ['advises nothing for a small table', ['SELECT * FROM tiny WHERE a = $1'], []],
    ['advises nothing for what reads all', ['SELECT count(*) FROM city', 'SELECT * FROM city'], []],
    ['advises nothing for half of the rows', ['SELECT * FROM city WHERE population > $1'], []],
  ])('%s', async (_, statements, expected) => {
    expect(
      await advised(
        snapshot,
        statements.map((sql) => entry(sql)),
      ),
    ).toEqual(expected)
  })

  it.each<[string, string]>([
    ['an outer join', 'SELECT c.id FROM city c LEFT JOIN review r ON r.city_id = c.id WHERE r.id IS NULL'],
    [
      'NOT EXISTS',
      'SELECT c.id FROM city c WHERE NOT EXISTS (SELECT 1 FROM review r WHERE r.city_id = c.id)',
    ],
  ])('reads the rows without a partner from the first table: %s', async (_, sql) => {
    const mysql = worldSnapshot('mysql', {
      ...world,
      tables: { city: world.tables.city ?? '', review: world.tables.review ?? '' },
    })
    const advice = await adviceOf(mysql, [entry(sql, { dialect: 'mysql', totalMs: 0 })])
    expect(advice.left).toEqual([])
    expect(advice.indexes.map(({ definition }) => indexLabel(definition))).toEqual(['app.review(city_id)'])
  })

  it('reads all rows of the first table of an outer join', async () => {
    const sql = 'SELECT c.id, r.body FROM city c LEFT JOIN review r ON r.city_id = c.id AND r.user_id = ?'
    const mysql = worldSnapshot('mysql', { ...world })
    const { statements } = await adviceOf(mysql, [entry(sql, { dialect: 'mysql', totalMs: 0 })])
    expect(statements[0]?.after).toBeGreaterThan(200_000 * 0.04)
  })

  it('does not call a page cheap that is far from the first', async () => {
    const page = (offset: number) =>
      entry('SELECT * FROM review ORDER BY id LIMIT 10 OFFSET $1', { samples: [[offset]], totalMs: 0 })
    expect((await adviceOf(snapshot, [page(0)])).left).toMatchObject([{ kind: 'cheap' }])
    expect((await adviceOf(snapshot, [page(200_000)])).left).toEqual([])
  })

  it('weighs the cost of writes', async () => {
    const read = entry('SELECT * FROM log WHERE user_id = $1', { calls: 1 })
    const write = (calls: number) => entry('INSERT INTO log (user_id, at) VALUES ($1, $2)', { calls })
    expect(await advised(snapshot, [read, write(100)])).toEqual(['log(user_id)'])
    expect(await advised(snapshot, [read, write(1_000_000)])).toEqual([])
  })

  it('recommends an index for each collation that a column is compared with', async () => {
    const sqlite = worldSnapshot('sqlite', { ...world, spread: { ...world.spread, 'city.name': 100_000 } })
    const ask = (condition: string, calls: number) =>
      entry(`SELECT id, country FROM city WHERE ${condition}`, { dialect: 'sqlite', calls, totalMs: 0 })
    expect(await advised(sqlite, [ask('name = ?', 1_000_000), ask('name = ? COLLATE NOCASE', 1)])).toEqual([
      'city(name COLLATE NOCASE)',
      'city(name)',
    ])
  })

  it('counts an update only for indexes of the columns that it sets', async () => {
    const read = entry('SELECT * FROM log WHERE user_id = $1', { calls: 1 })
    const update = (column: string) =>
      entry(`UPDATE log SET ${column} = $1 WHERE id = $2`, { calls: 1_000_000 })
    expect(await advised(snapshot, [read, update('at')])).toEqual(['log(user_id)'])
    expect(await advised(snapshot, [read, update('user_id')])).toEqual([])
  })

  it('recommends an index for the filter of a write', async () => {
    expect(await advised(snapshot, [entry('DELETE FROM review WHERE user_id = $1', { calls: 5 })])).toEqual([
      'review(user_id)',
    ])
  })

  it('recommends no index that an existing index covers', async () => {
    const served = worldSnapshot('postgresql', {
      ...world,
      indexes: { city: [{ keys: [{ column: 'region_id' }] }] },
    })
    expect(await advised(served, [entry('SELECT * FROM city WHERE region_id = $1')])).toEqual([])
  })

  it('discards indexes whose measured gain is too small', async () => {
    const workload = [
      entry('SELECT * FROM city WHERE region_id = $1'),
      entry('SELECT * FROM review WHERE user_id = $1'),
    ]
    const check: IndexCheck = async (indexes) =>
      new Map(
        indexes.map(({ candidate, serves }) => {
          const isGood = candidate.label.includes('review')
          return [
            candidate.label,
            serves.map(({ statement }) => ({
              fingerprint: statement.fingerprint,
              without: 2,
              with: isGood ? 1 : 1.9,
              unit: 'ms' as const,
            })),
          ]
        }),
      )
    const advice = await adviceOf(snapshot, workload, { check })
    expect(
      advice.indexes.map(({ name, measured }) => [name, measured?.map((one) => [one.without, one.with])]),
    ).toEqual([['review_user_id_idx', [[2, 1]]]])
  })

  it('lists the statements of an index with their call sites and the saved time', async () => {
    const callSites = [{ file: '/app/cities.ts', line: 4, column: 2, count: 9 }]
    const workload = [
      entry('SELECT * FROM city WHERE region_id = $1', { callSites, totalMs: 900, calls: 90 }),
      entry('SELECT * FROM city WHERE id = $1', { totalMs: 5 }),
    ]
    const advice = await adviceOf(snapshot, workload)
    const [index] = advice.indexes
    expect(index).toMatchObject({
      name: 'city_region_id_idx',
      reason: 'searched by region_id',
      validation: 'none',
      serves: [{ calls: 90, totalMs: 900, callSites }],
    })
    expect(index?.savedMs).toBeGreaterThan(800)
    expect(index?.savedMs).toBeLessThanOrEqual(900)
    expect(advice.left).toMatchObject([{ kind: 'cheap', label: 'SELECT * FROM city WHERE id = ?' }])
  })

  it('never calls a statement with a relevant part of the time cheap', async () => {
    const slow = entry('SELECT name FROM city ORDER BY id LIMIT 10 OFFSET 5', { totalMs: 400, calls: 10 })
    const advice = await adviceOf(snapshot, [slow, entry('SELECT * FROM city', { totalMs: 600 })])
    expect(advice.left).toEqual([])
    expect(advice.statements.map(({ before }) => before >= 400 / 10 / 0.01 - 100)).toContain(true)
  })

  it('scales the costs of a statement by its measured time', async () => {
    const planner = {
      validation: 'scratch' as const,
      answer: async (_: PlannedStatement, [index]: readonly SupposedIndex[]) => {
        return { cost: index === undefined ? 9 : 1, used: new Set([index?.label ?? '']), scans: new Map() }
      },
      close: async () => {},
    }
    const read = (totalMs: number) => entry('SELECT * FROM city WHERE region_id = $1', { totalMs, calls: 10 })
    expect(await advised(snapshot, [read(100)], { planner })).toEqual(['city(region_id)'])
    expect(await advised(snapshot, [read(1)], { planner })).toEqual([])
  })

  it('credits indexes that need each other with no more than they save together', async () => {
    const either = entry('SELECT * FROM city WHERE region_id = $1 OR alt_id = $2', { totalMs: 1_000 })
    const { indexes } = await adviceOf(snapshot, [either])
    expect(indexes).toHaveLength(2)
    const sum = (of: (index: (typeof indexes)[number]) => number) =>
      indexes.reduce((all, index) => all + of(index), 0)
    expect(sum(({ savedMs = 0 }) => savedMs)).toBeLessThanOrEqual(1_000)
    expect(sum(({ savedMs = 0 }) => savedMs)).toBeGreaterThan(900)
    expect(sum(({ savedShare }) => savedShare)).toBeLessThanOrEqual(1)
  })

  it('credits an index with its marginal savings', async () => {
    const planner = {
      validation: 'scratch' as const,
      answer: async ({ sql }: PlannedStatement, supposed: readonly SupposedIndex[]) => {
        const labels = supposed.map(({ label }) => label)
        const isWhole = labels.includes('public.city(region_id)')
        const isPartial = labels.includes('public.city(region_id) WHERE "deleted_at" IS NULL')
        const cost = sql.includes('deleted_at')
          ? isPartial
            ? 20
            : isWhole
              ? 100
              : 1_000
          : isWhole
            ? 100
            : 1_000
        const used =
          isPartial && sql.includes('deleted_at')
            ? 'public.city(region_id) WHERE "deleted_at" IS NULL'
            : 'public.city(region_id)'
        return { cost, used: new Set([used]), scans: new Map() }
      },
      close: async () => {},
    }
    const rare = worldSnapshot('postgresql', {
      ...world,
      spread: { ...world.spread, 'city.deleted_at': { nullShare: 0.1 } },
    })
    const { indexes } = await adviceOf(
      rare,
      [
        entry('SELECT * FROM city WHERE region_id = $1', { totalMs: 1_000 }),
        entry('SELECT * FROM city WHERE region_id = $1 AND deleted_at IS NULL', { totalMs: 1_000 }),
      ],
      { planner },
    )
    const saved = new Map(indexes.map(({ definition, savedMs }) => [definition.where ?? '', savedMs]))
    expect(saved.get('')).toBeCloseTo(900)
    expect(saved.get('"deleted_at" IS NULL')).toBeCloseTo(80)
  })

  it('replaces a narrower index with a wider one, even if the planner assigns it a higher cost', async () => {
    const list = entry('SELECT * FROM city WHERE region_id = $1 ORDER BY population LIMIT 10', { calls: 1 })
    const count = entry('SELECT count(*) FROM city WHERE region_id = $1', { calls: 10 })
    const planner = {
      validation: 'scratch' as const,
      answer: async ({ sql }: PlannedStatement, supposed: readonly SupposedIndex[]) => {
        const [label = ''] = supposed
          .map((index) => index.label)
          .filter((one) => one.startsWith('public.city(region_id'))
        const isWide = label === 'public.city(region_id, population)'
        const cost = label === '' ? 4_000 : sql.includes('LIMIT') ? (isWide ? 10 : 300) : isWide ? 900 : 90
        return { cost, used: new Set([label]), scans: new Map() }
      },
      close: async () => {},
    }
    const { indexes } = await adviceOf(snapshot, [list, count], { planner })
    expect(indexes.map(({ definition }) => indexLabel(definition))).toEqual([
      'public.city(region_id, population)',
    ])
  })

  it('includes columns only if that saves enough', async () => {
    const planner = (narrow: number) => ({
      validation: 'scratch' as const,
      answer: async (_: PlannedStatement, [index]: readonly SupposedIndex[]) => {
        const cost = index === undefined ? 50_000 : index.definition.keys.length > 1 ? narrow / 10 : narrow
        return { cost, used: new Set([index?.label ?? '']), scans: new Map() }
      },
      close: async () => {},
    })
    const sum = [entry('SELECT sum(population) FROM city WHERE region_id = $1')]
    expect(await advised(snapshot, sum, { planner: planner(1_000) })).toEqual(['city(region_id)'])
    expect(await advised(snapshot, sum, { planner: planner(2_000) })).toEqual(['city(region_id, population)'])
  })

  it('plans with the observed limits of ranges', async () => {
    const since = (...values: readonly number[]) =>
      entry('SELECT * FROM city WHERE population > $1', { samples: values.map((value) => [value]) })
    expect(await advised(snapshot, [since()])).toEqual([])
    expect(await advised(snapshot, [since(49_900, 49_950)])).toEqual(['city(population)'])
    expect(await advised(snapshot, [since(20, 49_950)])).toEqual([])
  })

  it('lists statements that it cannot read, and continues', async () => {
    const workload = [
      entry('SELECT FROM WHERE ((', { fingerprint: 'a' }),
      entry('SELECT * FROM nowhere WHERE x = 1', { fingerprint: 'b' }),
      entry('SELECT * FROM city WHERE name LIKE $1', { fingerprint: 'c' }),
      entry('SELECT * FROM city WHERE region_id = $1'),
      entry('BEGIN'),
    ]
    const advice = await adviceOf(snapshot, workload)
    expect(advice.left.map(({ fingerprint, kind }) => [fingerprint, kind])).toEqual([
      ['a', 'unreadable'],
      ['b', 'unknown-table'],
      ['c', 'unbound'],
    ])
    expect(advice.indexes).toHaveLength(1)
  })

  it('lists statements that the planner rejects, and continues', async () => {
    const planner = {
      validation: 'scratch' as const,
      answer: () => Promise.reject(new Error('function f does not exist')),
      close: async () => {},
    }
    const advice = await adviceOf(snapshot, [entry('SELECT * FROM city WHERE region_id = $1')], { planner })
    expect(advice.left).toMatchObject([
      { kind: 'refused', why: expect.stringContaining('function f does not exist') },
    ])
  })

  it('chooses unused index names', async () => {
    const taken = worldSnapshot('postgresql', {
      ...world,
      indexes: { review: [{ name: 'city_region_id_idx', keys: [{ column: 'body' }] }] },
    })
    const advice = await adviceOf(taken, [entry('SELECT * FROM city WHERE region_id = $1')])
    expect(advice.indexes.map(({ name }) => name)).toEqual(['city_region_id_2_idx'])
  })
})
