import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { candidateLabels, type World, worldSnapshot } from './advisor-world.ts'

const world: World = {
  tables: {
    city: 'id integer!, name text, region_id integer, country text, population integer, deleted_at timestamp, is_capital boolean, status text, doc jsonb',
    review: 'id integer!, city_id integer*, user_id integer*, created_at timestamp*, rating integer*',
    tiny: 'id integer!, a integer',
  },
  rows: { city: 100_000, review: 100_000, tiny: 400 },
  spread: {
    'city.region_id': 4_000,
    'city.country': 200,
    'city.deleted_at': { distinct: 900, nullShare: 0.99 },
    'city.is_capital': {
      distinct: 2,
      common: [
        { value: 'f', share: 0.99 },
        { value: 't', share: 0.01 },
      ],
    },
    'city.status': {
      distinct: 4,
      common: [
        { value: 'done', share: 0.97 },
        { value: 'open', share: 0.02 },
      ],
    },
    'review.rating': 5,
  },
}
const snapshots = Object.fromEntries(
  (['postgresql', 'sqlite', 'mysql'] as const).map((dialect) => [dialect, worldSnapshot(dialect, world)]),
)

function labels(
  sql: string,
  dialect: Dialect = 'postgresql',
  observed: readonly (readonly unknown[])[] = [],
  calls = 1,
): string[] {
  const snapshot = snapshots[dialect]
  if (snapshot === undefined) throw new RangeError(dialect)
  return candidateLabels(sql, snapshot, observed, calls)
}

describe('candidatesOf', () => {
  it.each<[string, string[]]>([
    ['SELECT * FROM city WHERE region_id = $1', ['city(region_id)']],
    ['SELECT * FROM city WHERE region_id IN ($1, $2)', ['city(region_id)']],
    [
      'SELECT * FROM city WHERE region_id = $1 AND population > $2',
      ['city(region_id)', 'city(population)', 'city(region_id, population)'],
    ],
    [
      'SELECT * FROM city WHERE region_id = $1 ORDER BY population DESC',
      ['city(region_id, population)', 'city(population)'],
    ],
    [
      'SELECT * FROM city WHERE region_id = $1 ORDER BY country, population DESC',
      ['city(region_id, country, population DESC)'],
    ],
    ['SELECT * FROM city WHERE region_id = $1 AND country = $2', ['city(region_id, country)']],
    ['SELECT * FROM city ORDER BY population DESC NULLS LAST LIMIT 10', ['city(population DESC NULLS LAST)']],
    ['SELECT country, count(*) FROM city GROUP BY country', ['city(country)']],
    ['SELECT * FROM city WHERE lower(name) = $1', ['city(lower("name"))']],
    [
      'SELECT * FROM city WHERE deleted_at IS NOT NULL AND region_id = $1',
      ['city(region_id) WHERE "deleted_at" IS NOT NULL'],
    ],
    ['SELECT * FROM city WHERE is_capital AND country = $1', ['city(country) WHERE "is_capital"']],
    [
      'SELECT * FROM review r JOIN city c ON c.id = r.city_id WHERE r.user_id = $1',
      ['review(user_id)', 'review(city_id)', 'review(city_id, user_id)'],
    ],
    ['SELECT * FROM city WHERE region_id = $1 OR country = $2', ['city(region_id)', 'city(country)']],
    [
      'SELECT * FROM review WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC',
      ['review(created_at)', 'review(created_at, id)'],
    ],
  ])('include the expected indexes for %s', (sql, expected) => {
    expect(labels(sql)).toEqual(expect.arrayContaining(expected))
  })

  it.each<[string, string]>([
    ['a small table', 'SELECT * FROM tiny WHERE a = $1'],
    ['a column with few values', 'SELECT * FROM review WHERE rating = $1'],
    ['the primary key', 'SELECT * FROM city WHERE id = $1'],
    ['a cast', 'SELECT * FROM city WHERE region_id::text = $1'],
    ['a negation', 'SELECT * FROM city WHERE NOT region_id = $1'],
    ['a document', "SELECT * FROM city WHERE doc = '{}'"],
    ['arithmetic', 'SELECT * FROM city WHERE region_id + 1 = $1'],
    ['a pattern that begins with a wildcard', "SELECT * FROM city WHERE name LIKE '%x'"],
  ])('is empty for %s', (_, sql) => {
    expect(labels(sql)).toEqual([])
  })

  it('treats a pattern as a range if its first characters are known', () => {
    const sql = 'SELECT id FROM city WHERE name LIKE $1 AND population = population'
    expect(labels(sql)).toEqual([])
    expect(labels(sql, 'postgresql', [['San%']])).toContain('city(name text_pattern_ops)')
    expect(labels(sql.replace('$1', '?'), 'sqlite', [['San%']])).toContain('city(name COLLATE NOCASE)')
    expect(labels('SELECT * FROM city WHERE name = ? COLLATE nocase', 'sqlite')).toEqual([
      'city(name COLLATE NOCASE)',
    ])
    expect(labels('SELECT * FROM city ORDER BY name COLLATE NOCASE LIMIT 5', 'sqlite')).toContain(
      'city(name COLLATE NOCASE)',
    )
    expect(labels("SELECT * FROM city WHERE name GLOB 'San*'", 'sqlite')).toContain('city(name)')
    expect(labels(sql, 'postgresql', [['%San%']])).toEqual([])
  })

  it('uses a prefix of long strings on MySQL, and does not sort by a prefix', () => {
    expect(labels('SELECT * FROM city WHERE name = ?', 'mysql')).toEqual(['city(name(191))'])
    expect(labels('SELECT * FROM city WHERE region_id = ? ORDER BY name', 'mysql')).toEqual([
      'city(region_id)',
    ])
  })

  it('includes a partial index for a rare literal only if it is queried often', () => {
    const sql = "SELECT * FROM city WHERE status = 'open' AND region_id = $1"
    const partial = `city(region_id) WHERE "status" = 'open'`
    expect(labels(sql, 'postgresql', [], 9)).not.toContain(partial)
    expect(labels(sql, 'postgresql', [], 10)).toContain(partial)
    expect(labels(sql.replace('$1', '?'), 'mysql', [], 10).some((label) => label.includes('WHERE'))).toBe(
      false,
    )
    expect(
      labels("SELECT * FROM city WHERE status = 'done' AND region_id = $1", 'postgresql', [], 10),
    ).not.toContain(`city(region_id) WHERE "status" = 'done'`)
  })

  it('omits the primary key, which every MySQL index includes, from an order', () => {
    const sql = 'SELECT * FROM review WHERE city_id = ? ORDER BY created_at DESC, id DESC'
    expect(labels(sql, 'mysql')).toEqual(
      ['review(city_id)', 'review(city_id, created_at)', 'review(created_at)'].sort(
        byText(labels(sql, 'mysql')),
      ),
    )
    expect(labels(sql.replace('?', '$1'))).toContain('review(city_id, created_at, id)')
  })

  it('includes a few selected columns to avoid table reads', () => {
    expect(labels('SELECT user_id, rating FROM review WHERE city_id = $1')).toContain(
      'review(city_id, user_id, rating)',
    )
    expect(labels('SELECT * FROM review WHERE city_id = $1')).toEqual(['review(city_id)'])
  })

  it('indexes a column with few values only if rare values are queried', () => {
    const sql = 'SELECT * FROM city WHERE status = $1'
    expect(labels(sql)).toEqual([])
    expect(labels(sql, 'postgresql', [['done']])).toEqual([])
    expect(labels(sql, 'postgresql', [['open'], ['open']])).toEqual(['city(status)'])
    expect(labels(sql, 'postgresql', [['open'], ['done']])).toEqual([])
  })

  it('specifies the position of NULLs only if it differs from the default and the database supports it', () => {
    const sql = (nulls: string) => `SELECT * FROM city ORDER BY population DESC NULLS ${nulls} LIMIT 10`
    expect(labels(sql('FIRST'))).toEqual(['city(population)'])
    expect(labels(sql('LAST'))).toEqual(['city(population DESC NULLS LAST)'])
    expect(labels(sql('LAST'), 'sqlite')).toEqual(['city(population)'])
    expect(labels(sql('FIRST'), 'sqlite')).toEqual([])
  })

  it('treats IS NOT NULL as a range if most rows are NULL', () => {
    expect(labels('SELECT * FROM city WHERE deleted_at IS NOT NULL', 'mysql')).toEqual(['city(deleted_at)'])
    expect(labels('SELECT * FROM city WHERE region_id IS NOT NULL', 'mysql')).toEqual([])
  })

  it('omits indexes that a valid existing index covers', () => {
    const snapshot = worldSnapshot('postgresql', {
      ...world,
      indexes: { city: [{ keys: [{ column: 'region_id' }, { column: 'name' }] }] },
    })
    expect(candidateLabels('SELECT * FROM city WHERE region_id = $1', snapshot)).toEqual([])
    const invalid = worldSnapshot('postgresql', {
      ...world,
      indexes: { city: [{ keys: [{ column: 'region_id' }], isValid: false }] },
    })
    expect(candidateLabels('SELECT * FROM city WHERE region_id = $1', invalid)).toEqual(['city(region_id)'])
  })
})

function byText(order: readonly string[]): (a: string, b: string) => number {
  return (a, b) => order.indexOf(a) - order.indexOf(b)
}
