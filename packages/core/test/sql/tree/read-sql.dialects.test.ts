import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { SqlSyntaxError } from '../../../src/sql/syntax-error.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { blockText, conditionsText } from './tree-text.ts'

function text(sql: string, dialect: Dialect): string {
  return blockText(readQueryTree(sql, dialect).root)
}

function where(condition: string, dialect: Dialect): string {
  return conditionsText(readQueryTree(`SELECT 1 FROM t WHERE ${condition}`, dialect).root.where)
}

describe('readQueryTree for postgresql', () => {
  it.each([
    ['Aa = "Bb"', 'aa = Bb'],
    ['a::text = $1', 'a::text = #0'],
    ['a = $2::int', 'a = #1'],
    ["a = 'x'::character varying", "a = 'x'"],
    ['lower(a::text) = $1', 'lower(a)::text = #0'],
    ['(a)::timestamp(3) with time zone < now()', 'a::timestamp(3) with time zone < …'],
    ['a::int[] = $1', 'a::int[] = #0'],
    ['a ILIKE $1', 'a ilike #0'],
    ["a ~~ 'x%'::text", "a like 'x%'"],
    ['a !~~* $1', 'a not ilike #0'],
    ['a ~ $1', 'opaque(a)'],
    ['a SIMILAR TO $1', 'opaque(a)'],
    ['a = ANY($1)', 'a in #0[]'],
    ['a = ANY($1::int[])', 'a in #0[]'],
    ['a = ANY(ARRAY[1, 2])', 'a in 1, 2'],
    ['a = ANY (ARRAY[$1, $2]::text[])', 'a in #0, #1'],
    ['a = SOME (SELECT x FROM u)', 'a in {select x from u}'],
    ['a <> ALL ($1)', 'a not in #0[]'],
    ['NOT (a = ANY ($1))', 'a not in #0[]'],
    ['a < ANY ($1)', 'opaque(a)'],
    ['a IS NOT DISTINCT FROM $1', 'a null-safe = #0'],
    ['a IS DISTINCT FROM b', 'a null-safe <> b'],
    ['a IS UNKNOWN', 'opaque(a)'],
    ['a ISNULL AND b NOTNULL', 'a is null & b is not null'],
    ['a COLLATE "C" = $1', 'a collate C = #0'],
    ["a->>'x' = $1", 'opaque(a)'],
    ["a @> '{}' AND a ? 'k' AND b = 1", 'opaque(a) & opaque(a) & b = 1'],
    ['a @@ to_tsquery($1)', 'a match …'],
    ['a=-1 AND b>=-$1', 'a = -1 & b >= …'],
    ["a > DATE '2020-01-01'", "a > DATE '2020-01-01'"],
    ["a > now() - INTERVAL '1' DAY", 'a > …'],
    ['a = CURRENT_DATE', 'a = …'],
    ['a[1] = 2', 'opaque(a)'],
    ['(a).b = 2', 'opaque(a)'],
    ['a AT TIME ZONE $1 = b', 'b = …'],
    ['a OPERATOR(pg_catalog.=) b', 'opaque(a, b)'],
    ['extract(year FROM a) = 2020', 'opaque(a)'],
    ['position($1 IN a) > 0', 'opaque(a)'],
    ['(a, b) IN (SELECT x, y FROM u)', 'a in {select x, y from u}.0 & b in {select x, y from u}.1'],
    ['ROW(a, b) >= ROW($1, $2)', '[a, b] >= #0, #1'],
    ['a BETWEEN SYMMETRIC 1 AND 2', 'opaque(a)'],
    ['a = ? AND b = ?', 'a = #0 & b = #1'],
    ['a=? AND b=?', 'a = #0 & b = #1'],
  ])('reads the condition %s', (condition, expected) => {
    expect(where(condition, 'postgresql')).toBe(expected)
  })

  it.each([
    ['SELECT DISTINCT ON (a, b) c FROM t ORDER BY a', 'select distinct on a, b c from t order a'],
    [
      'SELECT a FROM t ORDER BY a DESC NULLS LAST, b NULLS FIRST',
      'select a from t order a desc nulls last, b nulls first',
    ],
    ['SELECT a FROM t OFFSET 5 ROWS FETCH FIRST 3 ROWS ONLY', 'select a from t limit 3 offset 5'],
    ['SELECT a FROM t FETCH NEXT ROW WITH TIES', 'select a from t limit 1'],
    ['SELECT a FROM t LIMIT ALL', 'select a from t'],
    ['SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED', 'select a from t'],
    [
      'SELECT 1 FROM a, LATERAL (SELECT x FROM b WHERE b.y = a.y) AS l',
      'select … from a; lateral {select x from b where b.y = a.y} as l',
    ],
    [
      'SELECT 1 FROM ONLY a, unnest($1::int[]) WITH ORDINALITY AS u(x, n)',
      'select … from a; function as u(x, n)',
    ],
    ['SELECT 1 FROM f() AS (a int, b numeric(3, 2))', 'select … from function as f(a, b)'],
    ['SELECT 1 FROM a TABLESAMPLE system (1) REPEATABLE (2)', 'select … from a'],
    ['WITH q AS MATERIALIZED (SELECT 1) SELECT * FROM q', 'select * from {select fenced …} as q'],
    [
      'WITH q AS NOT MATERIALIZED (SELECT x FROM a) SELECT 1 FROM q, q r',
      'select … from {select x from a} as q; {select x from a} as r',
    ],
    [
      'WITH q AS (DELETE FROM a WHERE x = 1 RETURNING y) SELECT y FROM q',
      'select y from {delete fenced y from a where x = 1} as q',
    ],
    [
      'UPDATE a AS z SET x = b.y FROM b WHERE b.id = z.id RETURNING z.*',
      'update z.* from a as z; b where b.id = z.id',
    ],
    ['DELETE FROM a USING b WHERE a.x = b.x', 'delete from a; b where a.x = b.x'],
    ['(SELECT a FROM t LIMIT 1) ORDER BY a', 'all[select a from t limit 1] order a'],
    ['(SELECT a FROM t)', 'select a from t'],
    ['VALUES (1, $1), (2, $2)', 'values'],
    ['TABLE a', 'select * from a'],
    [
      "SELECT sum(x) FILTER (WHERE y = 1), string_agg(x, ',' ORDER BY y DESC NULLS LAST) FROM a",
      'select sum(), string_agg() from a',
    ],
    ['SELECT a FROM t GROUP BY GROUPING SETS ((a), (a, b), ())', 'select a from t group …'],
    [
      'SELECT max(x) OVER w FROM a WINDOW w AS (PARTITION BY y ORDER BY z ROWS 2 PRECEDING)',
      'select … from a',
    ],
    [
      'SELECT 1 FROM a JOIN (b JOIN c USING (x)) USING (y)',
      'select … from a; inner b using y; inner c using x',
    ],
    ['SELECT FROM a', 'select from a'],
  ])('reads %s', (sql, expected) => {
    expect(text(sql, 'postgresql')).toBe(expected)
  })

  it.each([
    'SELECT $1, ?',
    'SELECT $0',
    'SELECT 1 FROM a JOIN b',
    'SELECT a FROM t ORDER BY a USING <',
    'SELECT 1 FROM (a JOIN b ON true) AS j',
    'MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE',
    `SELECT 1 FROM ${'x'.repeat(64)}`,
  ])('throws for %s', (sql) => {
    expect(() => readQueryTree(sql, 'postgresql')).toThrow(SqlSyntaxError)
  })

  it('returns the values that an upsert writes', () => {
    const sql =
      'INSERT INTO s.a (x, y) VALUES ($1, $2), ($3, 4) ON CONFLICT (x) WHERE z DO UPDATE SET y = excluded.y, z = $4 WHERE a.x > 1'
    expect(readQueryTree(sql, 'postgresql').writes).toEqual([
      {
        kind: 'insert',
        table: ['s', 'a'],
        columns: ['x', 'y'],
        values: [
          { place: 0, column: 0 },
          { place: 1, column: 1 },
          { place: 2, column: 0 },
        ],
      },
      { kind: 'update', table: ['s', 'a'], columns: ['y', 'z'], values: [{ place: 3, column: 1 }] },
    ])
  })

  it('returns the values of row assignments', () => {
    expect(readQueryTree('UPDATE a SET (x, y) = ($1, $2), z = DEFAULT', 'postgresql').writes).toMatchObject([
      { columns: ['x', 'y', 'z'], values: [{ column: 0 }, { place: 1, column: 1 }] },
    ])
  })
})

describe('readQueryTree for sqlite', () => {
  it.each([
    ['a = ?2 AND b = ? AND c = ?1', 'a = #1 & b = #2 & c = #0'],
    ['a = :x AND b = @y AND c = $z AND d = :x', 'a = #0 & b = #1 & c = #2 & d = #0'],
    ['`main`.`t`.`a` = ?', 'main.t.a = #0'],
    ['[a b] = "c"', 'a b = c'],
    ['a IS ? AND b IS NOT ?', 'a null-safe = #0 & b null-safe <> #1'],
    ['a IS NOT DISTINCT FROM ?', 'a null-safe = #0'],
    ['a NOT NULL', 'a is not null'],
    ["a GLOB 'x*'", "a glob 'x*'"],
    ['t MATCH ?', 't match #0'],
    ['a == 1', 'a = 1'],
    ['a COLLATE NOCASE = ?', 'a collate NOCASE = #0'],
    ["a || b = 'x'", 'opaque(a, b)'],
    ["a LIKE (? || '%')", 'a like #0%'],
    ["a LIKE '%' || ? || '%'", 'a like %#0%'],
    ["a LIKE '%' || ? || ?", 'a like …'],
    ["a LIKE b || '%'", 'a like …'],
    ["a ->> '$.x' = 1", 'opaque(a)'],
    ['a IN ()', 'a in'],
  ])('reads the condition %s', (condition, expected) => {
    expect(where(condition, 'sqlite')).toBe(expected)
  })

  it.each([
    ['SELECT a FROM t LIMIT 5, 10', 'select a from t limit 10 offset 5'],
    ['SELECT a FROM t INDEXED BY i WHERE b = 1', 'select a from t where b = 1'],
    ['SELECT a FROM t NOT INDEXED', 'select a from t'],
    ["SELECT a 'x' FROM t", 'select a as x from t'],
    ['SELECT value FROM t, json_each(t.a) AS j', 'select value from t; function as j'],
    [
      'WITH q AS (SELECT 1 AS x UNION SELECT x + 1 FROM q) SELECT x FROM q',
      'select x from {set[select … as x | select … as x + 1 from itself as q] fenced} as q',
    ],
    ['REPLACE INTO a VALUES (?)', 'insert'],
    ['INSERT OR IGNORE INTO a DEFAULT VALUES', 'insert'],
    ['SELECT 1 FROM a JOIN b JOIN c ON c.x = a.x', 'select … from a; inner b; inner c on c.x = a.x'],
    ['DELETE FROM a WHERE x = ? RETURNING y', 'delete y from a where x = #0'],
    [
      'INSERT INTO a SELECT x FROM b WHERE true ON CONFLICT DO NOTHING',
      'insert with {select x from b where opaque()}',
    ],
  ])('reads %s', (sql, expected) => {
    expect(text(sql, 'sqlite')).toBe(expected.replace('… as x + 1', '…'))
  })

  it('throws for IN with the name of a table', () => {
    expect(() => readQueryTree('SELECT a FROM t WHERE a IN u', 'sqlite')).toThrow(SqlSyntaxError)
  })

  it('returns the positions of values in an insert without a list of columns', () => {
    expect(readQueryTree('INSERT INTO a VALUES (1, ?)', 'sqlite').writes).toEqual([
      { kind: 'insert', table: ['a'], columns: [], values: [{ place: 0, column: 1 }] },
    ])
  })
})

describe('readQueryTree for mysql', () => {
  it.each([
    ['a <=> ?', 'a null-safe = #0'],
    ["a = \"x\" AND b = 'y' 'z'", "a = \"x\" & b = 'y' 'z'"],
    ['a = 1 || b = 2', '(a = 1 | b = 2)'],
    ["a LIKE CONCAT('%', ?, '%')", 'a like %#0%'],
    ["a LIKE CONCAT('\\\\%', ?)", 'a like …'],
    ['a = 1 && b = 2', 'a = 1 & b = 2'],
    ['!a', 'a = FALSE'],
    ['a REGEXP ?', 'opaque(a)'],
    ['a = @x', 'a = …'],
    ['a = :x AND b = :x', 'a = #0 & b = #0'],
    ['MATCH (a) AGAINST (? IN BOOLEAN MODE)', 'a match #0'],
    ['MATCH (a, b) AGAINST (?)', 'opaque(a, b)'],
    ['a > NOW() - INTERVAL ? DAY', 'a > …'],
    ['BINARY a = ?', 'opaque(a)'],
    ['a DIV 2 = 1', 'opaque(a)'],
    ["a > DATE '2020-01-01'", "a > DATE '2020-01-01'"],
  ])('reads the condition %s', (condition, expected) => {
    expect(where(condition, 'mysql')).toBe(expected)
  })

  it.each([
    ['SELECT a FROM t LIMIT ?, ?', 'select a from t limit #1 offset #0'],
    [
      'SELECT a FROM t FORCE INDEX FOR ORDER BY (i, j), USE KEY (k) WHERE b = 1',
      'select a from t where b = 1',
    ],
    ['SELECT SQL_NO_CACHE DISTINCT a FROM t PARTITION (p) AS x', 'select distinct a from t as x'],
    ['SELECT a FROM t STRAIGHT_JOIN u ON t.x = u.x', 'select a from t; inner u on t.x = u.x'],
    ['SELECT a FROM t LOCK IN SHARE MODE', 'select a from t'],
    ['SELECT a, sum(b) FROM t GROUP BY a WITH ROLLUP', 'select a, sum() from t group …'],
    ["SELECT group_concat(DISTINCT a ORDER BY b SEPARATOR ';') FROM t", 'select group_concat() from t'],
    [
      'DELETE a FROM a JOIN b ON a.x = b.x WHERE b.y = ?',
      'delete from a; inner b on a.x = b.x where b.y = #0',
    ],
    ['DELETE FROM a USING a JOIN b ON a.x = b.x', 'delete from a; inner b on a.x = b.x'],
    ['UPDATE a SET x = 1 ORDER BY y LIMIT 5', 'update from a order y limit 5'],
    ['INSERT INTO a SET x = ?', 'insert'],
    ['INSERT IGNORE a (x) VALUES (?) AS n ON DUPLICATE KEY UPDATE x = VALUES(x)', 'insert'],
  ])('reads %s', (sql, expected) => {
    expect(text(sql, 'mysql')).toBe(expected)
  })

  it('returns the writes to each table of an update', () => {
    const { writes } = readQueryTree('UPDATE a JOIN b ON a.id = b.id SET a.x = ?, y = ?', 'mysql')
    expect(writes).toMatchObject([
      { table: ['a'], columns: ['x', 'y'] },
      { table: ['b'], columns: ['y'], values: [{ place: 1, column: 0 }] },
    ])
  })

  it('returns the target tables of a delete from several tables', () => {
    const { writes } = readQueryTree('DELETE x, b.* FROM a AS x JOIN b ON x.id = b.id', 'mysql')
    expect(writes.map(({ table }) => table)).toEqual([['a'], ['b']])
  })

  it.each([
    'SELECT a FROM t FOR SYSTEM_TIME AS OF now()',
    "SELECT a FROM t INTO OUTFILE 'x'",
    'DELETE x FROM a',
  ])('rejects %s', (sql) => {
    expect(() => readQueryTree(sql, 'mysql')).toThrow(SqlSyntaxError)
  })
})
