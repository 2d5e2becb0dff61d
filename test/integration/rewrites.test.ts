import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import type {
  DatabaseSnapshot,
  TableSnapshot,
} from '../../packages/core/src/database/inspectors/database-snapshot.ts'
import type { Rewrite, RewriteRule } from '../../packages/core/src/database/rewrites/rewrite.ts'
import { suggestRewrites } from '../../packages/core/src/database/rewrites/suggest-rewrites.ts'
import { readQueryTree } from '../../packages/core/src/sql/tree/read-sql.ts'
import { Random } from '../support/random.ts'

const database = new Database(':memory:')
const random = new Random(7)
database.exec(`
  CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT NOT NULL, region_id INTEGER, population INTEGER, visited_at DATETIME NOT NULL);
  CREATE TABLE region (id INTEGER PRIMARY KEY, code TEXT, name TEXT);
  CREATE TABLE review (id INTEGER PRIMARY KEY, city_id INTEGER NOT NULL, rating INTEGER NOT NULL, body TEXT);
  CREATE INDEX city_visited ON city (visited_at);
`)
const words = ['Paris', 'Lyon', 'lys', 'Annecy', 'Saint-Paul', 'PARIS', 'Ly_n', 'a%b', 'Äpfel', '']
const maybe = (value: number) => (random.chance(0.3) ? null : value)
const add = {
  city: database.prepare('INSERT INTO city (name, region_id, population, visited_at) VALUES (?, ?, ?, ?)'),
  region: database.prepare('INSERT INTO region (code, name) VALUES (?, ?)'),
  review: database.prepare('INSERT INTO review (city_id, rating, body) VALUES (?, ?, ?)'),
}
for (let row = 0; row < 200; row++) {
  const day = `2024-0${1 + random.below(3)}-1${random.below(3)}`
  add.city.run(
    `${random.pick(words)}${random.pick(words)}`,
    maybe(random.below(12)),
    maybe(random.below(5)),
    `${day} 1${random.below(3)}:00:00`,
  )
  if (row < 10) add.region.run(random.chance(0.2) ? null : `R${random.below(4)}`, random.pick(words))
  add.review.run(1 + random.below(60), random.below(6), random.chance(0.3) ? null : random.pick(words))
}

interface Column {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly pk: number
}

function table(name: string): TableSnapshot {
  const columns = database.pragma(`table_info("${name}")`) as Column[]
  const index = {
    table: `main.${name}`,
    method: 'btree',
    isUnique: false,
    isPrimary: false,
    isConstraint: false,
    isValid: true,
    isVisible: true,
  } as const
  return {
    id: `main.${name}`,
    schema: 'main',
    name,
    kind: 'table',
    rows: 200,
    bytes: -1,
    indexBytes: -1,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type === 'DATETIME' ? 'datetime' : column.type === 'INTEGER' ? 'integer' : 'text',
      databaseType: column.type,
      nullable: column.notnull === 0 && column.pk === 0,
    })),
    primaryKey: ['id'],
    indexes: name === 'city' ? [{ ...index, name: 'city_visited', keys: [{ column: 'visited_at' }] }] : [],
  }
}

const snapshot: DatabaseSnapshot = {
  dialect: 'sqlite',
  product: 'sqlite',
  version: '3.50.0',
  versionParts: [3, 50, 0],
  defaultSchema: 'main',
  takenAt: 0,
  tables: ['city', 'region', 'review'].map(table),
  foreignKeys: [],
  settings: {},
  extensions: { installed: [], available: [] },
  statements: [],
  gaps: [],
}

function suggested(sql: string, rule: RewriteRule, bindings: readonly unknown[]): Rewrite {
  const [found, more] = suggestRewrites(readQueryTree(sql, 'sqlite'), snapshot, { bindings }).filter(
    (rewrite) => rewrite.rule === rule,
  )
  if (found === undefined || more !== undefined) throw new Error(`Expected one rewrite of ${sql}.`)
  return found
}

function rows(sql: string, values: readonly unknown[]): unknown[][] {
  const isNumbered = /\?\d/.test(sql)
  const statement = database.prepare<unknown[], unknown[]>(sql).raw()
  return statement.all(
    ...(isNumbered ? [Object.fromEntries(values.map((value, at) => [at + 1, value]))] : values),
  )
}

function sorted(found: unknown[][]): string[] {
  return found.map((row) => JSON.stringify(row)).sort()
}

afterAll(() => {
  database.close()
})

describe('suggestRewrites', () => {
  it.each<[RewriteRule, string, readonly unknown[]]>([
    ['star-to-columns', 'SELECT * FROM city WHERE region_id = ?', [3]],
    [
      'star-to-columns',
      'SELECT c.*, r.name AS region FROM city AS c JOIN region AS r ON r.id = c.region_id',
      [],
    ],
    ['star-to-columns', 'SELECT * FROM city c, region r WHERE r.id = c.region_id AND r.code = ?', ['R1']],
    ['or-to-union', 'SELECT * FROM city WHERE region_id = ? OR population = ?', [3, 2]],
    [
      'or-to-union',
      'SELECT id, name FROM city WHERE name <> ? AND (region_id = ? OR population = ? OR name LIKE ?)',
      ['Lyon', 3, 2, 'Ly%'],
    ],
    [
      'or-to-union',
      'SELECT name FROM city WHERE region_id = 1 OR (population = 2 AND name > ?) ORDER BY name',
      ['L'],
    ],
    [
      'or-to-union',
      'SELECT * FROM city WHERE region_id IS NULL OR population IS NULL ORDER BY visited_at DESC',
      [],
    ],
    [
      'or-to-union',
      'SELECT c.name, r.name FROM city c LEFT JOIN region r ON r.id = c.region_id WHERE c.population = ? OR r.code = ?',
      [1, 'R2'],
    ],
    [
      'count-to-exists',
      'SELECT * FROM city WHERE (SELECT count(*) FROM review WHERE city_id = city.id) > 0',
      [],
    ],
    [
      'count-to-exists',
      'SELECT * FROM city WHERE NOT (SELECT count(*) FROM review WHERE city_id = city.id AND rating > ?) = 0 AND region_id = 3',
      [3],
    ],
    [
      'count-to-exists',
      'SELECT id FROM city c WHERE 0 < (SELECT count(*) FROM review r WHERE r.city_id = c.id) OR 1 > (SELECT count(*) FROM region)',
      [],
    ],
    [
      'count-to-exists',
      'SELECT id, CASE WHEN (SELECT count(*) FROM review WHERE city_id = city.id) >= 1 THEN 1 ELSE 0 END AS x FROM city',
      [],
    ],
    [
      'count-to-exists',
      'SELECT id, (SELECT count(*) FROM review WHERE city_id = city.id) <> 0 AS x FROM city',
      [],
    ],
    ['count-to-exists', 'SELECT count(*) > 0 AS x FROM city WHERE region_id = ?', [99]],
    ['count-to-exists', 'SELECT count(*) = 0 FROM city WHERE region_id = ?', [3]],
    [
      'count-to-exists',
      'SELECT region_id, count(*) FROM city GROUP BY region_id HAVING count(*) > 0 ORDER BY 1',
      [],
    ],
    ['substring-search', "SELECT * FROM city WHERE name LIKE '%ari%'", []],
    [
      'substring-search',
      "SELECT c.id FROM city c WHERE c.name LIKE '%' || ? || '%' AND region_id = ?",
      ['y', 3],
    ],
    ['substring-search', 'SELECT id FROM city WHERE name LIKE ? OR population = 1', ['%LY_N%']],
    ['substring-search', 'SELECT id FROM city WHERE name LIKE ? OR id = 1', ['%äpf%']],
    ['substring-search', 'SELECT id FROM city WHERE name LIKE ?', ['%Äpf%']],
  ])('returns the same rows with %s: %s', (rule, sql, values) => {
    const { after, ddl, isEquivalent, before } = suggested(sql, rule, values)
    expect(isEquivalent).toBe(true)
    expect(before).toBe(sql)
    const expected = rows(sql, values)
    const savepoint = database.prepare('SAVEPOINT rewrite')
    savepoint.run()
    for (const statement of ddl) database.exec(statement)
    const found = rows(after, values)
    database.exec('ROLLBACK TO rewrite; RELEASE rewrite')
    expect(sorted(found)).toEqual(sorted(expected))
    expect(expected.length).toBeGreaterThan(0)
  })

  it('keeps the FTS5 table in sync with its table', () => {
    const { after, ddl } = suggested("SELECT id FROM city WHERE name LIKE '%yon%'", 'substring-search', [])
    database.exec('SAVEPOINT rewrite')
    for (const statement of ddl) database.exec(statement)
    database.exec(
      "INSERT INTO city (name, visited_at) VALUES ('Bayonne', ''); DELETE FROM city WHERE id = 3; UPDATE city SET name = 'Lyonnais' WHERE id = 4",
    )
    const [found, expected] = [rows(after, []), rows("SELECT id FROM city WHERE name LIKE '%yon%'", [])]
    database.exec('ROLLBACK TO rewrite; RELEASE rewrite')
    expect(sorted(found)).toEqual(sorted(expected))
  })

  it.each<[string, readonly unknown[]]>([
    ['SELECT name, id FROM city ORDER BY name LIMIT 7 OFFSET ?', []],
    [
      'SELECT name, visited_at, id FROM city WHERE region_id > ? ORDER BY name DESC, visited_at DESC LIMIT 5 OFFSET ?',
      [2],
    ],
    ['SELECT name, visited_at, id FROM city ORDER BY name DESC, visited_at LIMIT 5 OFFSET ?', []],
    ['SELECT id FROM city ORDER BY id DESC LIMIT 9 OFFSET ?', []],
  ])('continues after the last row of a page: %s', (sql, values) => {
    const { after, caveats } = suggested(sql, 'offset-to-keyset', [...values, 10])
    const order = /The new values are (.*?) of/.exec(caveats[0] ?? '')?.[1]?.split(', ') ?? []
    const outputs = /SELECT (.*?) FROM/.exec(sql)?.[1]?.split(', ') ?? []
    // Rows with equal sort keys are ordered by the primary key.
    const whole = sql
      .replace(/LIMIT.*/, '')
      .replace(/ORDER BY (.*\S)/, (all, terms: string) =>
        /\bid\b/.test(terms) ? all : `${all}, id${/DESC$/.test(terms) ? ' DESC' : ''}`,
      )
    const all = rows(whole, values)
    const size = Number(/LIMIT (\d+)/.exec(sql)?.[1])
    const pages: unknown[][] = all.slice(0, size)
    for (;;) {
      const last = pages.at(-1) ?? []
      const next = rows(after, [...values, ...order.map((name) => last[outputs.indexOf(name)])])
      if (next.length === 0) break
      pages.push(...next)
    }
    expect(pages).toEqual(all)
  })

  it('returns the same rows with NOT EXISTS as with NOT IN if no value is NULL', () => {
    const sql = 'SELECT id FROM city WHERE id NOT IN (SELECT region_id FROM city b WHERE population > ?)'
    const { after, isEquivalent } = suggested(sql, 'not-in-to-not-exists', [1])
    expect(isEquivalent).toBe(false)
    expect(rows(sql, [1])).toEqual([])
    expect(sorted(rows(after, [1]))).toEqual(
      sorted(rows(sql.replace('population', 'region_id IS NOT NULL AND population'), [1])),
    )
    expect(rows(after, [1]).length).toBeGreaterThan(0)
  })

  it.each<[string, readonly unknown[]]>([
    ['date(visited_at) = ? OR id = 3', ['2024-02-11']],
    ['date(visited_at) BETWEEN ? AND ?', ['2024-01-12', '2024-02-11']],
    ['date(visited_at) > ?', ['2024-02-10']],
    ['date(visited_at) <= ?', ['2024-02-10']],
    ["strftime('%Y-%m', visited_at) = ?", ['2024-02']],
    ["strftime('%Y-%m', visited_at) >= '2024-02'", []],
    ["strftime('%Y', visited_at) = ?", ['2024']],
    ["CAST(strftime('%Y', visited_at) AS INTEGER) < 2025", []],
  ])('returns the same rows by a range of times as by their period: %s', (condition, values) => {
    const sql = `SELECT id FROM city WHERE ${condition}`
    const { after } = suggested(sql, 'function-to-range', values)
    expect(after).not.toMatch(/strftime|date\(visited_at/)
    expect(sorted(rows(after, values))).toEqual(sorted(rows(sql, values)))
    expect(rows(sql, values).length).toBeGreaterThan(1)
  })

  it.each<[string, readonly unknown[]]>([
    ['population < ?1 OR (population = ?1 AND id < ?2)', [3, 90]],
    ['population > ? OR (population = ? AND id >= ?)', [1, 1, 90]],
    ['region_id < 6 OR (region_id = 6 AND (population < 2 OR (population = 2 AND id <= 120)))', []],
  ])('returns the same rows by a row value, also with NULLs: %s', (condition, values) => {
    const sql = `SELECT id FROM city WHERE (${condition})`
    const { after, bound = values.map((_, at) => at) } = suggested(sql, 'or-to-row-values', values)
    expect(after).not.toContain('OR')
    expect(
      sorted(
        rows(
          after,
          bound.map((place) => values[place]),
        ),
      ),
    ).toEqual(sorted(rows(sql, values)))
    expect(rows(sql, values).length).toBeGreaterThan(1)
  })
})
