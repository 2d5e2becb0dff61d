import { describe, expect, it } from 'vitest'
import { resolveStatement } from '../../../src/database/advisor/resolve-statement.ts'
import type { StatementUse } from '../../../src/database/advisor/table-use.ts'
import type { DatabaseSnapshot } from '../../../src/database/inspectors/database-snapshot.ts'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { testSnapshot } from '../test-snapshot.ts'
import { roleText, useTexts } from './use-text.ts'

const tables = {
  city: 'id integer!, name character varying(80), region_id integer, population integer, deleted_at timestamp, is_capital boolean',
  region: 'id integer!, name text, code text, country text',
  review: 'id integer!, city_id integer, user_id integer, rating integer, body text, created_at timestamp',
  user: 'id integer!, email text, name text, parent_id integer',
  'other.city': 'id integer!, mayor text',
  big_city: {
    columns: 'id integer, label text',
    as: 'SELECT c.id, c.name AS label FROM city c WHERE (c.population > 100000);',
  },
  named_region: { columns: 'key integer, title text', as: 'SELECT id, name FROM region' },
  rated: {
    columns: 'city_id integer, n integer',
    as: ' SELECT review.city_id,\n    count(*) AS n\n   FROM review\n  GROUP BY review.city_id;',
  },
  broken: { columns: 'a integer', as: 'SELECT FROM WHERE' },
  hidden: { columns: 'a integer' },
}
const snapshots: Readonly<Record<Dialect, DatabaseSnapshot>> = {
  postgresql: testSnapshot('postgresql', tables),
  sqlite: testSnapshot('sqlite', {
    ...tables,
    city: 'id integer!, name text collate NOCASE, region_id integer, population integer',
  }),
  mysql: testSnapshot('mysql', tables),
}

function resolve(sql: string, dialect: Dialect = 'postgresql'): StatementUse {
  return resolveStatement(readQueryTree(sql, dialect), snapshots[dialect])
}

function uses(sql: string, dialect: Dialect = 'postgresql'): string[] {
  return useTexts(resolve(sql, dialect))
}

function roles(sql: string, dialect: Dialect = 'postgresql'): string[] {
  return resolve(sql, dialect).parameters.map(roleText)
}

describe('resolveStatement', () => {
  it.each<[string, string[]]>([
    ['SELECT * FROM city WHERE region_id = $1', ['city; region_id = #0']],
    ['SELECT * FROM city c WHERE c.region_id = 1 AND c.name > $1', ['city c; region_id = 1 & name > #0']],
    ['SELECT * FROM public.city WHERE "public"."city"."region_id" = 1', ['city; region_id = 1']],
    ['SELECT * FROM other.city WHERE mayor = 1', ['city; mayor = 1']],
    ['SELECT * FROM CITY WHERE Region_Id = 1', ['city; region_id = 1']],
    [
      'SELECT * FROM city, region WHERE code = 1 AND population = 2',
      ['city; population = 2', 'region; code = 1'],
    ],
    [
      'SELECT * FROM city c JOIN region r ON c.region_id = r.id',
      ['city c; region_id -> r.id', 'region r; id -> c.region_id'],
    ],
    [
      'SELECT * FROM city c LEFT JOIN region r ON r.id = c.region_id AND r.code = $1',
      ['city c; region_id -> r.id', 'region r; code = #0 & id -> c.region_id'],
    ],
    ['SELECT * FROM city JOIN review USING (id)', ['city; id -> review.id', 'review; id -> city.id']],
    [
      'SELECT * FROM city NATURAL JOIN big_city',
      ['city; id -> c.id', 'city c; population > 100000 & id -> city.id'],
    ],
    [
      'SELECT * FROM "user" a JOIN "user" b ON a.parent_id = b.id',
      ['user a; parent_id -> b.id', 'user b; id -> a.parent_id'],
    ],
    ['SELECT * FROM city WHERE region_id = population', ['city']],
    ['SELECT * FROM city WHERE population > region_id * 2', ['city']],
    ['SELECT * FROM city c, region r WHERE c.population > r.id * 2', ['city c; population > …', 'region r']],
    ['SELECT * FROM city c, region r WHERE c.population > r.id', ['city c; population > …', 'region r']],
    ['SELECT * FROM city WHERE lower(name) = $1', ['city; lower(name) = #0']],
    ['SELECT * FROM city WHERE name::text = $1', ['city; name = #0']],
    ['SELECT * FROM city WHERE name::varchar = $1', ['city; name = #0']],
    ['SELECT * FROM city WHERE id::text = $1', ['city; id:: = #0']],
    ['SELECT * FROM city WHERE id::int4 = $1', ['city; id = #0']],
    ['SELECT * FROM city WHERE name COLLATE "C" = $1', ['city; name collate C = #0']],
    ['SELECT * FROM city WHERE name = $1 COLLATE "C"', ['city; name collate C = #0']],
    [
      'SELECT max(population) FROM city WHERE region_id = $1',
      ['city; region_id = #0; order population desc; first'],
    ],
    ['SELECT min(population), max(population) FROM city', ['city; order population; first']],
    ['SELECT coalesce(min(c.population), 0) FROM city c', ['city c; order population; first']],
    ['SELECT max(population), count(*) FROM city', ['city']],
    ['SELECT max(population + id) FROM city', ['city']],
    ['SELECT max(population) FROM city GROUP BY region_id', ['city; group region_id']],
    [
      'SELECT * FROM city WHERE population < $1 OR (population = $1 AND id < $2)',
      ['city; (population < #0 | population = #0 & id < #1); [population, id] or < #0, #1'],
    ],
    [
      'SELECT * FROM city WHERE (region_id = $1 AND population = $2 AND id >= $3) OR region_id > $1 OR (region_id = $1 AND population > $2)',
      [
        'city; (region_id = #0 & population = #1 & id >= #2 | region_id > #0 | region_id = #0 & population > #1); [region_id, population, id] or >= #0, #1, #2',
      ],
    ],
    [
      'SELECT * FROM city WHERE population < $1 OR (population = $1 AND id > $2)',
      ['city; (population < #0 | population = #0 & id > #1)'],
    ],
    [
      'SELECT * FROM city c LEFT JOIN region r ON r.id = c.region_id WHERE r.id IS NULL',
      ['city c; region_id -> r.id', 'region r; id -> c.region_id'],
    ],
    ['SELECT * FROM city WHERE region_id IS NOT DISTINCT FROM $1', ['city']],
    [
      'SELECT * FROM city WHERE deleted_at IS NULL AND NOT is_capital',
      ['city; deleted_at is null & is_capital = FALSE'],
    ],
    ['SELECT * FROM city WHERE region_id = 1 OR population = 2', ['city; (region_id = 1 | population = 2)']],
    ['SELECT * FROM city WHERE region_id = 1 OR abs(population) = 2', ['city']],
    [
      'SELECT * FROM city c JOIN region r ON c.region_id = r.id WHERE c.population = 1 OR r.code = 2',
      ['city c; region_id -> r.id', 'region r; id -> c.region_id'],
    ],
    ['SELECT * FROM city WHERE (name, id) > ($1, $2)', ['city; [name, id] > #0, #1']],
    ['SELECT * FROM city c JOIN region r ON true WHERE (c.name, r.id) > ($1, $2)', ['city c', 'region r']],
    [
      'SELECT * FROM city ORDER BY name DESC NULLS LAST, id LIMIT 5',
      ['city; order name desc nulls last, id; limited'],
    ],
    ['SELECT * FROM city c JOIN region r ON true ORDER BY c.name, r.name', ['city c', 'region r']],
    ['SELECT name AS n, id FROM city ORDER BY n, 2', ['city; order name, id']],
    ['SELECT * FROM city ORDER BY lower(name)', ['city; order lower(name)']],
    ['SELECT * FROM city ORDER BY population + 1', ['city']],
    ['SELECT region_id, count(*) FROM city GROUP BY region_id ORDER BY count(*)', ['city; group region_id']],
    ['SELECT region_id AS r, count(*) FROM city GROUP BY r', ['city; group region_id']],
    ['SELECT DISTINCT region_id, name FROM city', ['city; group region_id, name']],
    ['SELECT DISTINCT region_id, lower(name) FROM city', ['city']],
    [
      'SELECT DISTINCT ON (region_id) * FROM city ORDER BY region_id, name',
      ['city; order region_id, name; group region_id'],
    ],
    ['SELECT c.region_id, r.id FROM city c, region r GROUP BY 1, 2', ['city c', 'region r']],
  ])('finds the conditions of %s on each table', (sql, expected) => {
    expect(uses(sql)).toEqual(expected)
  })

  it.each<[string, string[]]>([
    [
      'SELECT * FROM (SELECT id, name AS n FROM city) x WHERE x.n = 1 ORDER BY x.n LIMIT 1',
      ['city; name = 1; order name; limited'],
    ],
    ['SELECT * FROM (SELECT * FROM city) x WHERE n = 1', ['city']],
    [
      'SELECT * FROM (SELECT * FROM city WHERE id = 1) x WHERE region_id = 2',
      ['city; region_id = 2 & id = 1'],
    ],
    ['SELECT * FROM (SELECT id, name FROM city) x (a, b) WHERE b = 1', ['city; name = 1']],
    ['SELECT * FROM (SELECT name FROM city LIMIT 5) x WHERE name = 1', ['city; limited']],
    ['SELECT * FROM (SELECT name, row_number() OVER () FROM city) x WHERE name = 1', ['city']],
    [
      'SELECT * FROM (SELECT region_id FROM city GROUP BY region_id) x WHERE region_id = 1 ORDER BY region_id',
      ['city; region_id = 1; group region_id'],
    ],
    [
      'SELECT * FROM region r JOIN (SELECT region_id, count(*) FROM city GROUP BY region_id) x ON x.region_id = r.id',
      ['region r; id -> city.region_id', 'city; group region_id'],
    ],
    [
      'SELECT * FROM (SELECT name FROM city UNION ALL SELECT name FROM region) x WHERE name = 1',
      ['city; name = 1', 'region; name = 1'],
    ],
    ['SELECT name FROM city UNION SELECT name FROM region ORDER BY name', ['city', 'region']],
    ['WITH q AS (SELECT * FROM city) SELECT * FROM q WHERE name = 1', ['city; name = 1']],
    ['WITH q AS MATERIALIZED (SELECT * FROM city) SELECT * FROM q WHERE name = 1', ['city']],
    ['WITH q AS (SELECT * FROM city) SELECT * FROM q a, q b WHERE a.name = 1', ['city']],
    [
      'WITH q AS NOT MATERIALIZED (SELECT * FROM city) SELECT * FROM q a, q b WHERE a.name = 1',
      ['city; name = 1', 'city'],
    ],
    [
      'WITH RECURSIVE q AS (SELECT id FROM "user" WHERE id = 1 UNION ALL SELECT u.id FROM q JOIN "user" u ON u.parent_id = q.id) SELECT * FROM q WHERE id = 5',
      ['user; id = 1', 'user u'],
    ],
    ['SELECT * FROM big_city WHERE label = $1', ['city c; name = #0 & population > 100000']],
    ['SELECT * FROM named_region WHERE title = $1', ['region; name = #0']],
    [
      'SELECT * FROM rated JOIN city ON city.id = rated.city_id WHERE rated.city_id = 3',
      ['review; city_id = 3; group city_id', 'city; id -> review.city_id'],
    ],
    [
      'SELECT * FROM city c WHERE EXISTS (SELECT 1 FROM review r WHERE r.city_id = c.id AND rating = 5)',
      ['city c; id -> r.city_id', 'review r; rating = 5 & city_id -> c.id'],
    ],
    [
      'SELECT * FROM city c WHERE NOT EXISTS (SELECT 1 FROM review WHERE city_id = c.id)',
      ['city c', 'review; city_id -> c.id'],
    ],
    [
      'SELECT (SELECT count(*) FROM review WHERE city_id = city.id) FROM city',
      ['city', 'review; city_id -> city.id'],
    ],
    [
      'SELECT * FROM city WHERE id IN (SELECT city_id FROM review WHERE rating = $1)',
      ['city; id in {} & id -> review.city_id', 'review; rating = #0 & city_id -> city.id'],
    ],
    [
      'SELECT * FROM city WHERE id NOT IN (SELECT city_id FROM review)',
      ['city; id not in {}', 'review; city_id -> city.id'],
    ],
    [
      'SELECT * FROM city WHERE id IN (SELECT city_id FROM review GROUP BY city_id)',
      ['city; id in {} & id -> review.city_id', 'review; group city_id'],
    ],
    [
      'SELECT * FROM city WHERE (id, name) IN (SELECT city_id, body FROM review)',
      [
        'city; id in {} & name in {} & id -> review.city_id & name -> review.body',
        'review; city_id -> city.id & body -> city.name',
      ],
    ],
    [
      'SELECT * FROM city WHERE population = (SELECT max(population) FROM city)',
      ['city; population = {}', 'city; order population desc; first'],
    ],
    [
      'SELECT * FROM city c WHERE population = (SELECT max(population) FROM city d WHERE d.region_id = c.region_id)',
      ['city c', 'city d; region_id -> c.region_id; order population desc; first'],
    ],
    [
      'SELECT * FROM region r, LATERAL (SELECT * FROM city WHERE region_id = r.id ORDER BY name LIMIT 3) x',
      ['region r', 'city; region_id -> r.id; order name; limited'],
    ],
    ['SELECT * FROM region WHERE EXISTS (SELECT 1 FROM city WHERE code = 1)', ['region; code = 1', 'city']],
    ['UPDATE city SET name = $1 WHERE id = $2', ['city; id = #1']],
    [
      'UPDATE city SET name = r.name FROM region r WHERE r.id = city.region_id',
      ['city; region_id -> r.id', 'region r; id -> city.region_id'],
    ],
    [
      'DELETE FROM review USING city WHERE city.id = review.city_id AND city.name = 1',
      ['review; city_id -> city.id', 'city; name = 1 & id -> review.city_id'],
    ],
    ['INSERT INTO city (name) SELECT name FROM region WHERE code = 1', ['region; code = 1']],
    ['SELECT * FROM f(1) AS city WHERE city.name = 1', []],
    ['SELECT * FROM city, unnest($1) AS u WHERE u = population', ['city']],
  ])('resolves the tables of %s', (sql, expected) => {
    expect(uses(sql)).toEqual(expected)
  })

  it.each<[string, string[]]>([
    [
      'SELECT * FROM city WHERE name = $2 AND id = $1 LIMIT $3 OFFSET $4',
      ['city.id =', 'city.name =', 'limit', 'offset'],
    ],
    [
      'SELECT * FROM city WHERE population BETWEEN $1 AND $2',
      ['city.population between', 'city.population between upper'],
    ],
    [
      'SELECT * FROM city WHERE population < $1 AND population >= $2',
      ['city.population < upper', 'city.population >='],
    ],
    ['SELECT * FROM city WHERE id = ANY ($1) OR name ILIKE $2', ['city.id in array', 'city.name ilike']],
    ['SELECT * FROM city WHERE (name, id) < ($1, $2)', ['city.name < upper', 'city.id < upper']],
    ['SELECT * FROM city WHERE lower(name) = lower($1) AND id + $2 = 1', ['city.name =', '-']],
    ['SELECT * FROM (SELECT name FROM city LIMIT 5) x WHERE name = $1', ['city.name =']],
    ["SELECT * FROM city WHERE name LIKE $1 || '%'", ['city.name like in _%']],
    [
      'INSERT INTO city (name, id) VALUES ($1, $2), ($3, 4)',
      ['city.name written', 'city.id written', 'city.name written'],
    ],
    ['INSERT INTO region VALUES ($1, $2)', ['region.id written', 'region.name written']],
    [
      'UPDATE city SET name = $1, population = population + $2 WHERE id = $3',
      ['city.name written', '-', 'city.id ='],
    ],
    ['SELECT * FROM nowhere WHERE x = $1', ['-']],
  ])('identifies the roles of the values in %s', (sql, expected) => {
    expect(roles(sql)).toEqual(expected)
  })

  it.each<[string, string[]]>([
    ['SELECT name FROM city WHERE region_id = 1 ORDER BY population', ['name', 'population', 'region_id']],
    ['SELECT count(*) FROM city', []],
    ['SELECT * FROM city', ['*']],
    ['SELECT c.* FROM city c WHERE id = 1', ['*', 'id']],
    ['SELECT x.n FROM (SELECT name AS n FROM city) x', ['name']],
    ['UPDATE city SET population = population + region_id', ['population', 'region_id']],
    ['SELECT 1 FROM city JOIN region USING (id)', ['id']],
  ])('lists the columns in %s', (sql, expected) => {
    expect([...(resolve(sql).uses[0]?.columns ?? [])].sort()).toEqual(expected)
  })

  it.each<[string, string[]]>([
    ['SELECT * FROM nowhere', ['nowhere']],
    ['SELECT * FROM x.city, city', ['x.city']],
    ['SELECT * FROM broken', ['public.broken']],
    ['SELECT * FROM hidden', ['public.hidden']],
    ['INSERT INTO nowhere VALUES (1)', ['nowhere']],
    ['WITH nowhere AS (SELECT 1) SELECT * FROM nowhere', []],
  ])('lists the unknown names in %s', (sql, expected) => {
    expect(resolve(sql).unknown).toEqual(expected)
  })

  it.each<[string, string[]]>([
    // The name may also be a column of the unknown table.
    ['SELECT * FROM city WHERE EXISTS (SELECT 1 FROM nowhere WHERE population = 1)', ['city']],
    ['SELECT * FROM city c WHERE EXISTS (SELECT 1 FROM nowhere c WHERE c.population = 1)', ['city c']],
    ['SELECT * FROM region, (SELECT * FROM city WHERE code = 1) x', ['region', 'city']],
    ['SELECT * FROM city, nowhere WHERE population = 1', ['city; population = 1']],
  ])('assigns no ambiguous names in %s', (sql, expected) => {
    expect(uses(sql)).toEqual(expected)
  })

  it.each<[string, Dialect, string[]]>([
    ['SELECT * FROM City WHERE NAME = ?', 'sqlite', ['city City; name = #0']],
    ['SELECT * FROM `main`.`city` WHERE `main`.`city`.`region_id` = ?', 'sqlite', ['city; region_id = #0']],
    ['SELECT * FROM city WHERE name COLLATE nocase = ?', 'sqlite', ['city; name = #0']],
    ['SELECT * FROM city WHERE name COLLATE BINARY = ?', 'sqlite', ['city; name collate BINARY = #0']],
    ['SELECT * FROM city WHERE name = ? COLLATE rtrim', 'sqlite', ['city; name collate RTRIM = #0']],
    ['SELECT * FROM city WHERE name COLLATE utf8mb4_bin = ?', 'mysql', ['city; name:: = #0']],
    ['SELECT min(population), max(population) FROM city', 'sqlite', ['city']],
    ['SELECT * FROM city WHERE region_id COLLATE BINARY = ?', 'sqlite', ['city; region_id = #0']],
    ['SELECT * FROM city ORDER BY name COLLATE BINARY', 'sqlite', ['city; order name collate BINARY']],
    ['SELECT * FROM city WHERE CAST(name AS text) = ?', 'sqlite', ['city; name:: = #0']],
    ['SELECT * FROM city WHERE region_id IS ?', 'sqlite', ['city; region_id = #0']],
    ['SELECT * FROM CITY WHERE `REGION_ID` <=> ?', 'mysql', ['city CITY; region_id = #0']],
    [
      'UPDATE city c JOIN region r ON c.region_id = r.id SET c.name = ?',
      'mysql',
      ['city c; region_id -> r.id', 'region r; id -> c.region_id'],
    ],
  ])('resolves names with the rules of the database: %s (%s)', (sql, dialect, expected) => {
    expect(uses(sql, dialect)).toEqual(expected)
  })

  it('assigns each written column of an update to its table', () => {
    const { writes } = resolve(
      'UPDATE city c JOIN region r ON c.region_id = r.id SET code = ?, population = 2',
      'mysql',
    )
    expect(writes.map(({ table, columns }) => [table.name, columns])).toEqual([
      ['city', ['population']],
      ['region', ['code']],
    ])
  })

  it('returns written tables and columns with the names in the catalog', () => {
    const { writes } = resolve(
      'INSERT INTO CITY (NAME) VALUES (?) ON CONFLICT DO UPDATE SET Region_ID = 1',
      'sqlite',
    )
    expect(writes.map(({ kind, table, columns }) => [kind, table.id, columns])).toEqual([
      ['insert', 'main.city', ['name']],
      ['update', 'main.city', ['region_id']],
    ])
  })

  it('limits the number of uses for queries that multiply their references', () => {
    const steps = Array.from(
      { length: 30 },
      (_, at) => `q${at + 1} AS NOT MATERIALIZED (SELECT a.id FROM q${at} a JOIN q${at} b ON a.id = b.id)`,
    )
    const { uses: found } = resolve(
      `WITH q0 AS NOT MATERIALIZED (SELECT id FROM city), ${steps.join(', ')} SELECT * FROM q30`,
    )
    expect(found.length).toBeLessThan(5_000)
  })

  it('stops at views that refer to themselves', () => {
    const snapshot = testSnapshot('postgresql', {
      a: { columns: 'x integer', as: 'SELECT x FROM b' },
      b: { columns: 'x integer', as: 'SELECT x FROM a' },
    })
    expect(resolveStatement(readQueryTree('SELECT * FROM a', 'postgresql'), snapshot).unknown).toEqual([
      'public.a',
    ])
  })
})
