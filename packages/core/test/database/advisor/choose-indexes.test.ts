import { describe, expect, it } from 'vitest'
import type { IndexCheck } from '../../../src/database/advisor/index-check.ts'
import type { PlannedStatement, SupposedIndex } from '../../../src/database/advisor/what-if-planner.ts'
import { indexLabel } from '../../../src/database/index-definition.ts'
import { adviceOf, advised, entry, type World, worldSnapshot } from './advisor-world.ts'

const world: World = {
  tables: {
    city: 'id integer!, name text*, region_id integer*, country text*, population integer*, deleted_at timestamp, alt_id integer*',
    review: 'id integer!, city_id integer*, user_id integer*, created_at timestamp*, body text*',
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

  it('weighs the cost of writes', async () => {
    const read = entry('SELECT * FROM log WHERE user_id = $1', { calls: 1 })
    const write = (calls: number) => entry('INSERT INTO log (user_id, at) VALUES ($1, $2)', { calls })
    expect(await advised(snapshot, [read, write(100)])).toEqual(['log(user_id)'])
    expect(await advised(snapshot, [read, write(1_000_000)])).toEqual([])
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
      entry('SELECT * FROM city WHERE id = $1', { totalMs: 100 }),
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
