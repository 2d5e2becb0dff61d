import { describe, expect, it } from 'vitest'
import type { DatabaseSnapshot } from '../../../src/database/inspectors/database-snapshot.ts'
import type { Rewrite } from '../../../src/database/rewrites/rewrite.ts'
import { suggestRewrites } from '../../../src/database/rewrites/suggest-rewrites.ts'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { testSnapshot } from '../test-snapshot.ts'

function snapshot(dialect: Dialect): DatabaseSnapshot {
  const made = testSnapshot(dialect, {
    city: 'id integer!, name text*, region_id integer, population integer, created_at timestamp*',
    region: 'id integer!, code text, name text',
    log: 'line text*, at timestamp*',
    seen: { columns: 'id integer', as: 'SELECT id FROM city' },
  })
  const tables = made.tables.map((table) => {
    if (table.name !== 'city') return table
    const index = {
      table: table.id,
      name: 'city_created',
      keys: [{ column: 'created_at' }],
      method: 'btree',
    } as const
    return {
      ...table,
      indexes: [
        { ...index, isUnique: false, isPrimary: false, isConstraint: false, isValid: true, isVisible: true },
      ],
    }
  })
  return { ...made, versionParts: dialect === 'sqlite' ? [3, 50, 0] : [17, 2, 0], tables }
}

function suggest(dialect: Dialect, sql: string, bindings?: readonly unknown[]): readonly Rewrite[] {
  return suggestRewrites(
    readQueryTree(sql, dialect),
    snapshot(dialect),
    bindings === undefined ? {} : { bindings },
  )
}

function rules(dialect: Dialect, sql: string, bindings?: readonly unknown[]): string[] {
  return suggest(dialect, sql, bindings).map(({ rule }) => rule)
}

describe('suggestRewrites', () => {
  it.each<[Dialect, string, string, boolean]>([
    [
      'postgresql',
      'SELECT id, name FROM city WHERE region_id = $1 OR name = $2 ORDER BY name LIMIT $3',
      'SELECT id, name FROM city WHERE ((region_id = $1)) UNION ALL SELECT id, name FROM city WHERE ((name = $2) AND (region_id = $1) IS NOT TRUE) ORDER BY 2 LIMIT $3',
      false,
    ],
    [
      'mysql',
      'SELECT id FROM city WHERE (region_id = ? OR (name = ? AND id > 1) AND id < 9)',
      'SELECT id FROM city WHERE ((region_id = ?)) UNION ALL SELECT id FROM city WHERE (((name = ? AND id > 1) AND id < 9) AND (region_id = ?) IS NOT TRUE)',
      true,
    ],
    [
      'postgresql',
      'SELECT id, name FROM city WHERE region_id = $1 ORDER BY name DESC LIMIT $2 OFFSET $3',
      'SELECT id, name FROM city WHERE (region_id = $1) AND ("city"."name", "city"."id") < ($3, $4) ORDER BY name DESC, "city"."id" DESC LIMIT $2',
      false,
    ],
    [
      'mysql',
      'SELECT id, name FROM city ORDER BY name LIMIT ?, ?',
      'SELECT id, name FROM city WHERE (`city`.`name` > ? OR (`city`.`name` = ? AND `city`.`id` > ?)) ORDER BY name, `city`.`id` LIMIT ?',
      false,
    ],
    [
      'sqlite',
      'SELECT id FROM city ORDER BY id LIMIT ? OFFSET ?',
      'SELECT id FROM city WHERE "city"."id" > ?2 ORDER BY id LIMIT ?1',
      false,
    ],
    ['postgresql', 'SELECT * FROM region', 'SELECT "id", "code", "name" FROM region', true],
    [
      'mysql',
      'SELECT r.*, 1 FROM region r, city',
      'SELECT `r`.`id`, `r`.`code`, `r`.`name`, 1 FROM region r, city',
      true,
    ],
    [
      'postgresql',
      'SELECT id FROM city WHERE created_at::date = $1',
      'SELECT id FROM city WHERE (created_at >= $1::date AND created_at < $1::date + 1)',
      true,
    ],
    [
      'postgresql',
      "SELECT id FROM city c WHERE date(c.created_at) = '2024-05-01'",
      "SELECT id FROM city c WHERE (c.created_at >= '2024-05-01'::date AND c.created_at < '2024-05-01'::date + 1)",
      true,
    ],
    [
      'postgresql',
      'SELECT id FROM city WHERE extract(year FROM created_at) = 2024',
      "SELECT id FROM city WHERE (created_at >= '2024-01-01' AND created_at < '2025-01-01')",
      true,
    ],
    [
      'mysql',
      'SELECT id FROM city WHERE YEAR(created_at) = 1999',
      "SELECT id FROM city WHERE (created_at >= '1999-01-01' AND created_at < '2000-01-01')",
      true,
    ],
    [
      'mysql',
      'SELECT id FROM city WHERE DATE(created_at) = ?',
      'SELECT id FROM city WHERE (created_at >= ? AND created_at < ? + INTERVAL 1 DAY)',
      false,
    ],
    [
      'postgresql',
      'SELECT id FROM city WHERE id NOT IN (SELECT region_id FROM city c)',
      'SELECT id FROM city WHERE NOT EXISTS (SELECT 1 FROM city c WHERE "c"."region_id" = "city"."id")',
      false,
    ],
    [
      'mysql',
      "SELECT id FROM city WHERE name LIKE CONCAT('%', ?, '%')",
      'SELECT id FROM city WHERE MATCH (`city`.`name`) AGAINST (? IN BOOLEAN MODE)',
      false,
    ],
    [
      'postgresql',
      'SELECT 1 FROM region WHERE (SELECT count(*) FROM city) > 0',
      'SELECT 1 FROM region WHERE EXISTS (SELECT 1 FROM city)',
      true,
    ],
    [
      'postgresql',
      'SELECT code FROM region GROUP BY code HAVING count(*) >= 1',
      'SELECT code FROM region GROUP BY code',
      true,
    ],
  ])('rewrites for %s: %s', (dialect, sql, after, isEquivalent) => {
    expect(suggest(dialect, sql)).toMatchObject([{ before: sql, after, isEquivalent }])
  })

  it.each<[Dialect, string]>([
    // No gain, or not enough information.
    ['postgresql', 'SELECT id FROM city ORDER BY name LIMIT 5 OFFSET 0'],
    ['postgresql', 'SELECT id FROM city LIMIT 5 OFFSET 10'],
    ['postgresql', 'SELECT id FROM city ORDER BY name OFFSET 10'],
    // NULL cannot be part of a keyset.
    ['postgresql', 'SELECT id FROM city ORDER BY population LIMIT 5 OFFSET 10'],
    // The order does not end with a key.
    ['postgresql', 'SELECT line FROM log ORDER BY at LIMIT 5 OFFSET 10'],
    ['postgresql', 'SELECT city.id FROM city, region ORDER BY city.id LIMIT 5 OFFSET 10'],
    ['postgresql', 'SELECT DISTINCT name FROM city ORDER BY name LIMIT 5 OFFSET 10'],
    ['postgresql', 'SELECT name FROM city ORDER BY lower(name) LIMIT 5 OFFSET 10'],
    ['postgresql', 'SELECT * FROM seen'],
    ['postgresql', 'SELECT * FROM nowhere'],
    ['postgresql', 'SELECT * FROM city NATURAL JOIN region'],
    ['postgresql', 'SELECT 1 FROM city WHERE EXISTS (SELECT * FROM region)'],
    ['postgresql', "SELECT id FROM city WHERE name LIKE 'a%'"],
    ['postgresql', 'SELECT id FROM city WHERE name LIKE $1'],
    ['postgresql', "SELECT id FROM city WHERE name NOT LIKE '%a'"],
    ['sqlite', "SELECT id FROM city WHERE name LIKE '%a!%' ESCAPE '!'"],
    ['sqlite', "SELECT line FROM log WHERE line LIKE '%a'"],
    // One column: a list of values is equivalent.
    ['postgresql', 'SELECT id FROM city WHERE name = $1 OR name = $2'],
    ['postgresql', 'SELECT id FROM city WHERE name = $1 OR abs(population) = $2'],
    ['postgresql', 'SELECT count(*) FROM city WHERE name = $1 OR population = $2'],
    ['postgresql', 'SELECT id FROM city WHERE name = $1 OR population = $2 LIMIT 5'],
    ['postgresql', 'SELECT id FROM city WHERE name = $1 OR population = $2 ORDER BY region_id'],
    ['postgresql', 'SELECT id FROM city WHERE name = $1 OR population = random()'],
    ['postgresql', 'SELECT id FROM city WHERE name = $1 OR population = $2 FOR UPDATE'],
    ['postgresql', 'WITH q AS (SELECT 1) SELECT id FROM city, q WHERE name = $1 OR population = $2'],
    // The app may need the exact number.
    ['postgresql', 'SELECT count(*) FROM city'],
    ['postgresql', 'SELECT 1 FROM region WHERE (SELECT count(*) FROM city) > 1'],
    ['postgresql', 'SELECT 1 FROM region WHERE (SELECT count(name) FROM city) > 0'],
    ['postgresql', 'SELECT 1 FROM region WHERE (SELECT count(*) FROM city GROUP BY name) > 0'],
    ['postgresql', 'SELECT 1 FROM region WHERE (SELECT count(*) FROM city) > 0 + id'],
    ['postgresql', 'SELECT 1 FROM region WHERE 1 + (SELECT count(*) FROM city) > 0'],
    ['postgresql', 'SELECT 1 FROM region WHERE id BETWEEN 1 AND (SELECT count(*) FROM city) > 0'],
    ['postgresql', 'SELECT count(*) > 0 FROM city GROUP BY name'],
    ['postgresql', 'SELECT 1 FROM city HAVING count(*) > 0'],
    ['postgresql', 'SELECT code FROM region GROUP BY ROLLUP (code) HAVING count(*) > 0'],
    ['postgresql', 'SELECT 1 FROM city WHERE id NOT IN (SELECT id FROM region)'],
    ['postgresql', 'SELECT 1 FROM city WHERE id IN (SELECT region_id FROM city c)'],
    [
      'postgresql',
      'SELECT 1 FROM city WHERE id NOT IN (SELECT region_id FROM city c WHERE c.region_id IS NOT NULL)',
    ],
    ['postgresql', 'SELECT 1 FROM city WHERE id NOT IN (SELECT region_id FROM city)'],
    ['postgresql', 'SELECT 1 FROM city WHERE id NOT IN (SELECT region_id FROM city c LIMIT 3)'],
    ['postgresql', "SELECT 1 FROM city WHERE date(created_at) = 'today'"],
    ['postgresql', 'SELECT 1 FROM city WHERE date(created_at) = date(created_at)'],
    ['postgresql', 'SELECT 1 FROM city WHERE date(created_at) = random()'],
    ['postgresql', 'SELECT 1 FROM city WHERE date(created_at) <> $1'],
    ['postgresql', "SELECT 1 FROM city WHERE date_trunc('month', created_at) = '2024-05-02'"],
    ['postgresql', "SELECT 1 FROM city WHERE date_trunc('decade', created_at) = $1"],
    ['postgresql', 'SELECT 1 FROM city WHERE date(name) = $1'],
    ['sqlite', "SELECT 1 FROM city WHERE strftime('%d', created_at) = ?"],
    ['mysql', 'SELECT 1 FROM city WHERE MONTH(created_at) = 5'],
    // MySQL does not find a range by a row value.
    ['mysql', 'SELECT id FROM city WHERE population < ? OR (population = ? AND id < ?)'],
    // Not the rows after one row.
    ['postgresql', 'SELECT id FROM city WHERE population < $1 OR (population = $1 AND id > $2)'],
    ['postgresql', 'DELETE FROM city WHERE name = $1 OR population = $2'],
  ])('suggests nothing for %s: %s', (dialect, sql) => {
    expect(rules(dialect, sql)).toEqual([])
  })

  it.each<[Dialect, string, string]>([
    [
      'postgresql',
      'date(created_at) BETWEEN $1 AND $2',
      'created_at >= $1::date AND created_at < $2::date + 1',
    ],
    ['mysql', 'DATE(created_at) BETWEEN ? AND ?', 'created_at >= ? AND created_at < ? + INTERVAL 1 DAY'],
    ['sqlite', 'date(created_at) BETWEEN ? AND ?', "created_at >= ?1 AND created_at < date(?2, '+1 day')"],
    ['postgresql', 'created_at::date >= $1', 'created_at >= $1::date'],
    ['postgresql', 'CAST(created_at AS date) > $1', 'created_at >= $1::date + 1'],
    [
      'postgresql',
      'date(created_at) = CURRENT_DATE',
      'created_at >= CURRENT_DATE AND created_at < CURRENT_DATE + 1',
    ],
    ['mysql', 'DATE(created_at) <= CURDATE()', 'created_at < CURDATE() + INTERVAL 1 DAY'],
    ['sqlite', "date(created_at) < '2024-05-31'", "created_at < '2024-05-31'"],
    ['postgresql', 'extract(year FROM created_at) >= $1', 'created_at >= make_date($1::int, 1, 1)'],
    ['postgresql', "date_part('year', created_at) < 2024", "created_at < '2024-01-01'"],
    ['mysql', 'YEAR(created_at) = ?', 'created_at >= MAKEDATE(?, 1) AND created_at < MAKEDATE(? + 1, 1)'],
    [
      'mysql',
      'YEAR(created_at) BETWEEN 2023 AND 2024',
      "created_at >= '2023-01-01' AND created_at < '2025-01-01'",
    ],
    [
      'sqlite',
      "strftime('%Y', created_at) = '2024'",
      "created_at >= '2024-01-01' AND created_at < '2025-01-01'",
    ],
    [
      'sqlite',
      "CAST(strftime('%Y', created_at) AS INTEGER) = 2024",
      "created_at >= '2024-01-01' AND created_at < '2025-01-01'",
    ],
    [
      'sqlite',
      "strftime('%Y-%m', created_at) = ?",
      "created_at >= (?1 || '-01') AND created_at < date((?1 || '-01'), '+1 months')",
    ],
    [
      'mysql',
      "DATE_FORMAT(created_at, '%Y-%m') = '2024-12'",
      "created_at >= '2024-12-01' AND created_at < '2025-01-01'",
    ],
    [
      'postgresql',
      "to_char(created_at, 'YYYY-MM') = '2024-05'",
      "created_at >= '2024-05-01' AND created_at < '2024-06-01'",
    ],
    [
      'postgresql',
      "date_trunc('month', created_at) = '2024-05-01'",
      "created_at >= '2024-05-01'::timestamp AND created_at < '2024-05-01'::timestamp + interval '1 month'",
    ],
    [
      'postgresql',
      "date_trunc('day', created_at)::date = $1",
      "created_at >= $1::timestamp AND created_at < $1::timestamp + interval '1 day'",
    ],
    ['postgresql', "date_trunc('quarter', city.created_at) >= $1", 'city.created_at >= $1::timestamp'],
  ])('writes the period of a time as a range (%s): %s', (dialect, condition, range) => {
    const sql = (text: string) => `SELECT id FROM city WHERE ${text} AND id > 5`
    expect(suggest(dialect, sql(condition))).toMatchObject([
      { rule: 'function-to-range', after: sql(`(${range})`), ddl: [] },
    ])
  })

  it('creates the index that a range needs if there is none', () => {
    expect(suggest('postgresql', 'SELECT 1 FROM log WHERE date(at) = $1')).toMatchObject([
      {
        ddl: ['CREATE INDEX CONCURRENTLY "log_at_idx" ON "log" ("at")'],
        indexes: [{ table: 'public.log', keys: [{ column: 'at' }] }],
      },
    ])
  })

  it.each<[Dialect, string, string, boolean]>([
    ['postgresql', 'population < $1 OR (population = $1 AND id < $2)', '(population, id) < ($1, $2)', true],
    ['postgresql', 'population > 5 OR population = 5 AND id >= 9', '(population, id) >= (5, 9)', true],
    ['sqlite', 'population < ? OR (population = ? AND id < ?)', '(population, id) < (?1, ?2)', false],
    ['postgresql', 'population < $1 OR (population = $2 AND id < $3)', '(population, id) < ($1, $2)', false],
    [
      'postgresql',
      'region_id > $1 OR (region_id = $1 AND (population > $2 OR (population = $2 AND id > $3)))',
      '(region_id, population, id) > ($1, $2, $3)',
      true,
    ],
  ])('compares the columns of a page as a row (%s): %s', (dialect, condition, row, isEquivalent) => {
    const sql = (text: string) => `SELECT id FROM city WHERE name = 'x' AND ${text} ORDER BY id LIMIT 5`
    expect(suggest(dialect, sql(`(${condition})`))).toMatchObject([
      { rule: 'or-to-row-values', after: sql(row), isEquivalent },
    ])
  })

  it('uses observed values to determine whether a column is compared with one value', () => {
    const sql = 'SELECT id FROM city WHERE population < ? OR (population = ? AND id < ?)'
    expect(rules('sqlite', sql, [5, 5, 9])).toEqual(['or-to-row-values'])
    expect(rules('sqlite', sql, [5, 6, 9])).toEqual([])
  })

  it('uses observed values to determine whether a pattern starts with a wildcard', () => {
    const sql = 'SELECT id FROM city WHERE name LIKE $1'
    expect(rules('postgresql', sql, ['%x%'])).toEqual(['substring-search'])
    expect(rules('postgresql', sql, ['x%'])).toEqual([])
  })

  it('uses observed values to determine whether an OFFSET skips rows', () => {
    const sql = 'SELECT id FROM city ORDER BY id LIMIT $1 OFFSET $2'
    expect(rules('postgresql', sql, [5, 20])).toEqual(['offset-to-keyset'])
    expect(rules('postgresql', sql, [5, 0])).toEqual([])
  })

  it('returns the DDL of a trigram index, and does not change the statement', () => {
    const sql = "SELECT id FROM city WHERE name ILIKE '%x%'"
    expect(suggest('postgresql', sql)).toMatchObject([
      {
        after: sql,
        ddl: [
          'CREATE EXTENSION IF NOT EXISTS pg_trgm',
          'CREATE INDEX CONCURRENTLY "city_name_trgm" ON "city" USING gin ("name" gin_trgm_ops)',
        ],
      },
    ])
  })

  it('adds the caveat that NOT EXISTS finds rows without a value', () => {
    const [found] = suggest(
      'postgresql',
      'SELECT id FROM city WHERE population NOT IN (SELECT region_id FROM city c)',
    )
    expect(found?.caveats.join(' ')).toContain('"city"."population" IS NOT NULL')
  })

  it('does not treat question mark operators as parameters', () => {
    const sql = "SELECT * FROM region WHERE code::jsonb ? 'a' AND id = $1"
    expect(suggest('postgresql', sql)[0]?.after).toBe(
      `SELECT "id", "code", "name" FROM region WHERE code::jsonb ? 'a' AND id = $1`,
    )
  })
})
