import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { resolveStatement } from '../../packages/core/src/database/advisor/resolve-statement.ts'
import type {
  DatabaseSnapshot,
  TableSnapshot,
} from '../../packages/core/src/database/inspectors/database-snapshot.ts'
import { readQueryTree } from '../../packages/core/src/sql/tree/read-sql.ts'

const database = new Database(':memory:')
database.exec(`
  CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT, region_id INTEGER, population INTEGER, deleted_at TEXT);
  CREATE TABLE region (id INTEGER PRIMARY KEY, name TEXT, code TEXT, country TEXT);
  CREATE TABLE review (id INTEGER PRIMARY KEY, city_id INTEGER, user_id INTEGER, rating INTEGER, body TEXT);
  CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT, parent_id INTEGER);
  CREATE TABLE "order" (id INTEGER PRIMARY KEY, "user_id" INTEGER, "group" TEXT);
  CREATE INDEX city_region ON city (region_id, name);
  CREATE INDEX review_city ON review (city_id);
  CREATE VIEW big_city AS SELECT c.id, c.name AS label, r.name AS region FROM city c JOIN region r ON r.id = c.region_id WHERE c.population > 100000;
  CREATE VIEW rated AS SELECT city_id, count(*) AS n FROM review GROUP BY city_id;
  CREATE VIEW rated_city AS SELECT * FROM rated JOIN big_city ON big_city.id = rated.city_id;
`)

const statements: readonly string[] = [
  'SELECT * FROM city',
  'SELECT * FROM "city" WHERE [name] = ?',
  'SELECT `main`.`city`.`id` FROM `main`.`city` WHERE (`main`.`city`.`id` = ? AND 1=1) LIMIT ? OFFSET ?',
  'SELECT * FROM CITY AS c WHERE C.NAME LIKE ?',
  'SELECT count(*) FROM city WHERE region_id IN (1, 2, ?)',
  'SELECT * FROM city, region',
  'SELECT * FROM city c, region AS r WHERE c.region_id = r.id',
  'SELECT * FROM city JOIN region ON region.id = city.region_id',
  'SELECT * FROM city LEFT JOIN review ON review.city_id = city.id',
  'SELECT * FROM city NATURAL JOIN region',
  'SELECT * FROM city JOIN review USING (id)',
  'SELECT * FROM city CROSS JOIN region ON city.region_id = region.id',
  'SELECT * FROM city c JOIN city d ON c.region_id = d.region_id AND c.id <> d.id',
  'SELECT * FROM region LEFT JOIN (city JOIN review ON review.city_id = city.id) ON city.region_id = region.id',
  'SELECT * FROM (SELECT * FROM city) x',
  'SELECT * FROM (SELECT id FROM city UNION ALL SELECT id FROM region) x JOIN review ON review.city_id = x.id',
  'SELECT * FROM (SELECT region_id, count(*) n FROM city GROUP BY region_id HAVING n > 3) x, region WHERE region.id = x.region_id',
  'SELECT id FROM city UNION SELECT id FROM region EXCEPT SELECT id FROM user ORDER BY 1 LIMIT 3',
  'SELECT id FROM city INTERSECT SELECT city_id FROM review',
  'WITH q AS (SELECT * FROM city) SELECT * FROM q',
  'WITH city AS (SELECT * FROM region) SELECT * FROM city',
  'WITH q AS (SELECT * FROM city), p AS (SELECT * FROM q WHERE id > 1) SELECT * FROM p JOIN region ON region.id = p.region_id',
  'WITH q AS MATERIALIZED (SELECT * FROM city) SELECT * FROM q a JOIN q b ON a.id = b.id',
  'WITH RECURSIVE up(id) AS (SELECT 1 UNION ALL SELECT u.parent_id FROM user u JOIN up ON u.id = up.id) SELECT * FROM up',
  'WITH up AS (SELECT id, parent_id FROM user WHERE id = ? UNION SELECT u.id, u.parent_id FROM user u, up WHERE u.id = up.parent_id) SELECT * FROM up',
  'WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT x FROM n',
  'SELECT * FROM city WHERE EXISTS (SELECT 1 FROM review WHERE review.city_id = city.id)',
  'SELECT * FROM city WHERE NOT EXISTS (SELECT * FROM review WHERE city_id = city.id AND rating > 3)',
  'SELECT * FROM city WHERE id IN (SELECT city_id FROM review WHERE user_id IN (SELECT id FROM user WHERE email = ?))',
  'SELECT * FROM city WHERE id NOT IN (SELECT city_id FROM review)',
  'SELECT * FROM city WHERE population = (SELECT max(population) FROM city)',
  'SELECT name, (SELECT count(*) FROM review WHERE city_id = city.id) AS n FROM city ORDER BY n DESC',
  'SELECT * FROM city ORDER BY (SELECT name FROM region WHERE id = city.region_id)',
  'SELECT CASE WHEN EXISTS (SELECT 1 FROM user WHERE id = 3) THEN name ELSE code END FROM region',
  'SELECT region_id, count(*) FROM city GROUP BY 1 HAVING count(*) > (SELECT count(*) FROM region)',
  'SELECT DISTINCT region_id FROM city WHERE deleted_at IS NULL',
  'SELECT * FROM city WHERE (name, id) > (?, ?) ORDER BY name, id LIMIT 10',
  'SELECT * FROM city WHERE (region_id, name) IN (SELECT id, name FROM region)',
  'SELECT * FROM city WHERE region_id = 1 OR name = ?',
  "SELECT * FROM city WHERE name LIKE 'a%' ESCAPE '\\' AND population BETWEEN 1 AND 2 OR NOT deleted_at ISNULL",
  "SELECT name || ' ' || region_id, row_number() OVER (PARTITION BY region_id ORDER BY population DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM city",
  'SELECT sum(population) FILTER (WHERE deleted_at IS NULL) OVER w FROM city WINDOW w AS (ORDER BY id)',
  "SELECT group_concat(name, ';') FROM city GROUP BY region_id",
  'SELECT * FROM city INDEXED BY city_region WHERE region_id = 3',
  'SELECT * FROM city NOT INDEXED WHERE region_id = 3',
  'SELECT * FROM "order" WHERE "order"."group" = ?',
  'SELECT * FROM [order] AS `group` WHERE `group`.`group` IS NOT ?',
  'SELECT * FROM big_city WHERE label = ?',
  'SELECT * FROM rated WHERE n > 3',
  'SELECT * FROM rated_city LEFT JOIN user ON user.id = rated_city.n',
  'SELECT value, name FROM city, json_each(city.name)',
  "SELECT CAST(name AS BLOB), name COLLATE NOCASE, x'00', -1.5e3, +id, ~id FROM city WHERE name GLOB '*' AND id IS NOT DISTINCT FROM ? OR id = ?",
  'SELECT 1',
  'VALUES (1, 2), (3, 4)',
  'SELECT (SELECT 1), * FROM city LIMIT (SELECT 2) OFFSET 1',
  'SELECT * FROM (city) JOIN ((region)) ON true',
  'SELECT max(a.id) FROM (SELECT * FROM (SELECT id FROM city LIMIT 5)) a',
  'INSERT INTO city (name) VALUES (?)',
  'INSERT INTO city (name, region_id) SELECT name, id FROM region WHERE code = ?',
  'INSERT INTO city SELECT * FROM city WHERE true ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE city.id > 1',
  'INSERT OR REPLACE INTO region (id, name) VALUES (1, (SELECT email FROM user WHERE id = 2)) RETURNING id, name',
  'REPLACE INTO region DEFAULT VALUES',
  'UPDATE city SET name = ?, population = population + 1 WHERE id = ?',
  'UPDATE city SET (name, population) = (SELECT name, id FROM region WHERE region.id = city.region_id) WHERE region_id IS NOT NULL',
  'UPDATE city AS c SET name = r.name FROM region r WHERE r.id = c.region_id',
  'WITH q AS (SELECT city_id FROM review) UPDATE city SET name = NULL WHERE id IN (SELECT city_id FROM q)',
  'DELETE FROM review WHERE city_id IN (SELECT id FROM city WHERE name = ?) RETURNING *',
  'DELETE FROM review',
  'WITH q AS (SELECT id FROM user) DELETE FROM "order" WHERE user_id IN (SELECT id FROM q)',
]

interface Column {
  readonly name: string
  readonly type: string
  readonly pk: number
}

function snapshot(): DatabaseSnapshot {
  const rows = database
    .prepare<[], { type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'view')",
    )
    .all()
  return {
    dialect: 'sqlite',
    product: 'sqlite',
    version: '3.50.0',
    versionParts: [3, 50, 0],
    defaultSchema: 'main',
    takenAt: 0,
    tables: rows.map(({ type, name, sql }): TableSnapshot => {
      const columns = database.pragma(`table_info("${name}")`) as Column[]
      return {
        id: `main.${name}`,
        schema: 'main',
        name,
        kind: type === 'view' ? 'view' : 'table',
        rows: -1,
        bytes: -1,
        indexBytes: -1,
        indexes: [],
        columns: columns.map((column) => ({
          name: column.name,
          type: 'text',
          databaseType: column.type,
          nullable: column.pk === 0,
        })),
        primaryKey: columns.filter(({ pk }) => pk > 0).map((column) => column.name),
        ...(type === 'view' ? { definition: sql.replace(/^CREATE VIEW \w+ AS /, '') } : {}),
      }
    }),
    foreignKeys: [],
    settings: {},
    extensions: { installed: [], available: [] },
    statements: [],
    gaps: [],
  }
}

/** The tables whose b-trees, or whose indexes' b-trees, SQLite's program of a statement opens. */
function opened(sql: string): string[] {
  const roots = new Map(
    database
      .prepare<[], { rootpage: number; tbl_name: string }>(
        'SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0',
      )
      .all()
      .map((row) => [row.rootpage, row.tbl_name]),
  )
  const program = database.prepare<unknown[], { opcode: string; p1: number; p2: number; p3: number }>(
    `EXPLAIN ${sql}`,
  )
  // EXPLAIN requires the values of the explained statement.
  const values = Array.from({ length: readQueryTree(sql, 'sqlite').parameters }, () => null)
  const found = new Set<string>()
  for (const { opcode, p1, p2, p3 } of program.all(...values)) {
    // A DELETE of all rows clears the table without opening it.
    const name =
      opcode === 'Clear' ? roots.get(p1) : openers.has(opcode) && p3 === 0 ? roots.get(p2) : undefined
    if (name !== undefined) found.add(name)
  }
  return [...found].sort()
}

const openers: ReadonlySet<string> = new Set(['OpenRead', 'OpenWrite', 'ReopenIdx'])

afterAll(() => {
  database.close()
})

describe('resolveStatement', () => {
  const known = snapshot()

  it('covers enough statements to be significant', () => {
    expect(statements.length).toBeGreaterThanOrEqual(60)
  })

  it.each(statements)('finds the tables that SQLite opens for %s', (sql) => {
    const { uses, writes, unknown } = resolveStatement(readQueryTree(sql, 'sqlite'), known)
    const tables = new Set([...uses, ...writes].map(({ table }) => table.name))
    expect(unknown).toEqual([])
    expect([...tables].sort()).toEqual(opened(sql))
  })
})
