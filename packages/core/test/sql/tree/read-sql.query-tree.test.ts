import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { SqlSyntaxError } from '../../../src/sql/syntax-error.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { blockText, conditionsText } from './tree-text.ts'

const all: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']

function text(sql: string, dialect: Dialect = 'postgresql'): string {
  return blockText(readQueryTree(sql, dialect).root)
}

/** The conditions of `SELECT 1 FROM t WHERE …`. */
function where(condition: string, dialect: Dialect = 'postgresql'): string {
  return conditionsText(readQueryTree(`SELECT 1 FROM t WHERE ${condition}`, dialect).root.where)
}

describe.each(all)('readQueryTree for %s', (dialect) => {
  it.each([
    ['a = 1', 'a = 1'],
    ['5 < a', 'a > 5'],
    ['a <> ?', 'a <> #0'],
    ['t.a != 1', 't.a <> 1'],
    ['a = -1', 'a = -1'],
    ["a = 'x' AND b >= 2 AND (c < 3 AND d > 4)", "a = 'x' & b >= 2 & c < 3 & d > 4"],
    ['a = 1 OR b = 2 AND c = 3', '(a = 1 | b = 2 & c = 3)'],
    ['a = 1 AND (b = 2 OR b = 3)', 'a = 1 & (b = 2 | b = 3)'],
    ['a = 1 OR (b = 2 OR c = 3)', '(a = 1 | b = 2 | c = 3)'],
    ['(a, b) NOT IN ((1, 2))', 'opaque(a, b)'],
    ['NOT a = 1', 'a <> 1'],
    ['NOT (a < 1)', 'a >= 1'],
    ['NOT (a = 1 AND b = 2)', 'opaque(a, b)'],
    ['NOT NOT a = 1', 'a = 1'],
    ['a BETWEEN 1 AND 2 AND b = 3', 'a between 1, 2 & b = 3'],
    ['a NOT BETWEEN 1 AND 2', 'a not between 1, 2'],
    ['? BETWEEN a AND b', 'a <= #0 & b >= #0'],
    ['a IN (1, 2, ?)', 'a in 1, 2, #0'],
    ['a NOT IN (1)', 'a not in 1'],
    ['(a, b) IN ((1, 2), (3, 4))', 'a in 1, 3 & b in 2, 4'],
    ['(a, b) = (1, 2)', 'a = 1 & b = 2'],
    ['(a, b) < (1, 2)', '[a, b] < 1, 2'],
    ['(1, 2) < (a, b)', '[a, b] > 1, 2'],
    ['a IS NULL', 'a is null'],
    ['a IS NOT NULL', 'a is not null'],
    ['NOT a IS NULL', 'a is not null'],
    ['a IS TRUE', 'a = TRUE'],
    ['a IS NOT FALSE', 'a not = FALSE'],
    ['a', 'a = TRUE'],
    ['NOT a', 'a = FALSE'],
    ["a LIKE 'x%'", "a like 'x%'"],
    ["a NOT LIKE ? ESCAPE '!'", 'a not like #0'],
    ['lower(a) = lower(?)', 'lower(a) = #0'],
    ['upper(t.a) = 1', 'upper(t.a) = 1'],
    ['abs(a) = 1', 'opaque(a)'],
    ['a + 1 = 2', 'opaque(a)'],
    ['a = b', 'a = b'],
    ['lower(a) = t.b', 'lower(a) = t.b'],
    ['a = lower(b)', 'lower(b) = a'],
    ['lower(a) = lower(b)', 'lower(a) = … & lower(b) = …'],
    ['CAST(a AS char(3)) = 1', 'a::char(3) = 1'],
    ['a = CAST(? AS char)', 'a = #0'],
    ['a = b = c', 'opaque(a, b, c)'],
    ['a IN (SELECT x FROM u)', 'a in {select x from u}'],
    ['a = (SELECT max(x) FROM u)', 'a = {select max() from u}'],
    ['EXISTS (SELECT 1 FROM u WHERE u.x = t.a)', 'exists {select … from u where u.x = t.a}'],
    ['NOT EXISTS (SELECT 1 FROM u)', 'not exists {select … from u}'],
    ['a > 1 + (SELECT 1 FROM u)', 'a > …'],
    ["CASE WHEN a = 1 THEN b ELSE c END = 'x'", 'opaque(a, b, c)'],
    ['1 = 1', 'opaque()'],
  ])('reads the condition %s', (condition, expected) => {
    expect(where(condition, dialect)).toBe(expected)
  })

  it.each([
    ['SELECT * FROM a', 'select * from a'],
    ['SELECT a.*, b.x AS y, count(*), 1 + b.z FROM a, b', 'select a.*, b.x as y, count(), … from a; b'],
    ['SELECT x y FROM a AS z', 'select x as y from a as z'],
    ['SELECT DISTINCT x FROM s.a', 'select distinct x from s.a'],
    [
      'SELECT 1 FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (y, z)',
      'select … from a; inner b on a.x = b.x; left c using y, z',
    ],
    [
      'SELECT 1 FROM a NATURAL JOIN b CROSS JOIN c',
      `select … from a; inner natural b; ${dialect === 'postgresql' ? '' : 'inner '}c`,
    ],
    [
      'SELECT 1 FROM a LEFT JOIN (b JOIN c ON b.y = c.y) ON a.x = b.x',
      'select … from a; left b on a.x = b.x; inner c on b.y = c.y',
    ],
    [
      'SELECT 1 FROM a JOIN b JOIN c ON b.y = c.y ON a.x = b.x',
      'select … from a; inner b on a.x = b.x; inner c on b.y = c.y',
    ],
    ['SELECT 1 FROM (SELECT x FROM a WHERE y = 1) AS z', 'select … from {select x from a where y = 1} as z'],
    [
      'SELECT 1 FROM ((SELECT x FROM a) z JOIN b ON b.x = z.x)',
      'select … from {select x from a} as z; inner b on b.x = z.x',
    ],
    [
      'SELECT x FROM a UNION ALL SELECT y FROM b ORDER BY 1 LIMIT 3',
      'all[select x from a | select y from b] order x limit 3',
    ],
    [
      'SELECT x FROM a UNION SELECT y FROM b UNION ALL SELECT z FROM c',
      'set[select x from a | select y from b | select z from c]',
    ],
    [
      'WITH q AS (SELECT x FROM a) SELECT * FROM q WHERE x = 1',
      'select * from {select x from a} as q where x = 1',
    ],
    ['WITH s AS (SELECT x FROM a) SELECT 1 FROM s.q', 'select … from s.q with {select x from a}'],
    ['WITH q(z) AS (SELECT x FROM a) SELECT z FROM q', 'select z from {select x from a} as q(z)'],
    ['WITH q AS (SELECT x FROM a) SELECT 1 FROM b', 'select … from b with {select x from a}'],
    [
      'WITH q AS (SELECT x FROM a) SELECT 1 FROM q JOIN q r ON q.x = r.x',
      'select … from {select fenced x from a} as q; inner {select fenced x from a} as r on q.x = r.x',
    ],
    [
      'WITH RECURSIVE q AS (SELECT x FROM a UNION ALL SELECT a.x FROM q JOIN a ON a.up = q.x) SELECT x FROM q',
      'select x from {all[select x from a | select a.x from itself as q; inner a on a.up = q.x] fenced} as q',
    ],
    ['SELECT x, y AS z FROM a ORDER BY 2 DESC, x, z, w', 'select x, y as z from a order y desc, x, y, w'],
    ['SELECT x AS y FROM a ORDER BY a.y', 'select x as y from a order a.y'],
    ['SELECT *, x FROM a ORDER BY 2', 'select *, x from a order …'],
    ['SELECT lower(x) AS x FROM a ORDER BY x', 'select … as x from a order …'],
    [
      'SELECT x, count(*) FROM a GROUP BY 1 HAVING count(*) > 1',
      'select x, count() from a group x having opaque()',
    ],
    ['SELECT x FROM a GROUP BY x, lower(y)', 'select x from a group x, lower(y)'],
    ['SELECT x FROM a ORDER BY x LIMIT ? OFFSET ?', 'select x from a order x limit #0 offset #1'],
    ['SELECT x, row_number() OVER (PARTITION BY y ORDER BY z DESC) AS n FROM a', 'select x, … as n from a'],
    [
      'SELECT (SELECT max(y) FROM b WHERE b.x = a.x) FROM a',
      'select … from a with {select max() from b where b.x = a.x}',
    ],
    ['DELETE FROM a WHERE x = ?', 'delete from a where x = #0'],
    [
      'UPDATE a SET x = ?, y = y + 1 WHERE z IN (SELECT z FROM b)',
      'update from a where z in {select z from b}',
    ],
    ['INSERT INTO a (x, y) VALUES (?, 1), (?, 2)', 'insert'],
    ['INSERT INTO a (x) SELECT y FROM b WHERE z = ?', 'insert with {select y from b where z = #0}'],
    ["SELECT trim(BOTH 'x' FROM y) FROM a;", 'select … from a'],
    ['SELECT a.offset FROM a WHERE a.limit = 1', 'select a.offset from a where a.limit = 1'],
  ])('reads %s', (sql, expected) => {
    expect(text(sql, dialect)).toBe(expected)
  })

  it.each([
    '',
    'SELECT',
    'SELECT FROM',
    'SELECT a FROM',
    'SELECT a FROM t WHERE',
    'SELECT a FROM t WHERE a =',
    'SELECT a FROM t WHERE a = 1 AND',
    'SELECT a FROM t WHERE a BETWEEN 1',
    'SELECT a, FROM t',
    'SELECT a FROM t ORDER BY',
    'SELECT a FROM t LIMIT',
    'SELECT a FROM t GROUP a',
    'SELECT a FROM (SELECT b FROM u',
    'SELECT a FROM t WHERE a = 1)',
    'SELECT a FROM t; SELECT b FROM t',
    'SELECT a INTO b FROM t',
    'CREATE TABLE t (a int)',
    'BEGIN',
    'EXPLAIN SELECT 1',
    'DROP TABLE t',
    'UPDATE t WHERE a = 1',
    'INSERT INTO t',
    'DELETE t.a',
  ])('throws for %j', (sql) => {
    expect(() => readQueryTree(sql, dialect)).toThrow(SqlSyntaxError)
  })

  it('throws for a statement with unlimited nesting', () => {
    for (const deep of ['(', 'NOT ', '- ', '(SELECT ', 'f('])
      expect(() => readQueryTree(`SELECT ${deep.repeat(100_000)}`, dialect)).toThrow(SqlSyntaxError)
    expect(() => readQueryTree(`SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`, dialect)).toThrow(
      SqlSyntaxError,
    )
  })

  it('reads long sequences of conditions and operands', () => {
    const long = Array.from({ length: 5_000 }, (_, at) => `a = ${at}`).join(' OR ')
    expect(readQueryTree(`SELECT 1 FROM t WHERE ${long}`, dialect).root.where).toMatchObject([{ kind: 'or' }])
    expect(where(`${'a + '.repeat(5_000)}1 = b`, dialect)).toBe(`b = …`)
  })

  it('throws for a statement of more than 500,000 characters', () => {
    expect(() => readQueryTree(`SELECT 1${' '.repeat(500_000)}`, dialect)).toThrow('statement too long')
  })

  it('returns the tokens of each clause', () => {
    const { tokens, root } = readQueryTree(
      'SELECT a, b FROM t WHERE a = 1 ORDER BY a DESC LIMIT 5 OFFSET 6',
      dialect,
    )
    const clause = (name: keyof typeof root.clauses) => {
      const { start, end } = root.clauses[name] ?? { start: 0, end: 0 }
      return tokens
        .slice(start, end)
        .map((token) => token.text)
        .join(' ')
    }
    expect([clause('outputs'), clause('from'), clause('where'), clause('orderBy'), clause('limit')]).toEqual([
      'a , b',
      't',
      'a = 1',
      'a DESC',
      'LIMIT 5 OFFSET 6',
    ])
  })

  it('returns the columns from which a value is computed', () => {
    const { root } = readQueryTree('SELECT 1 FROM t WHERE a > b * 2 AND c BETWEEN 1 AND d AND e = ?', dialect)
    expect(root.where).toMatchObject([
      { dependsOn: [{ column: 'b' }] },
      { dependsOn: [{ column: 'd' }] },
      { values: [{ place: 0 }] },
    ])
    expect(root.where[2]).not.toHaveProperty('dependsOn')
  })

  it('returns every column in a block', () => {
    const { root } = readQueryTree(
      'SELECT lower(a) FROM t WHERE b = 1 GROUP BY c HAVING max(d) > 1 ORDER BY e + f',
      dialect,
    )
    expect(root.mentions.map(({ column }) => column)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })
})
