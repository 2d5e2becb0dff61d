import { readEqualitySelect } from '../../packages/core/src/adapter/equality-select.ts'
import { queryShapeOf } from '../../packages/core/src/database/checks/query-shape.ts'
import { inspectSql } from '../../packages/core/src/query/anomalies/inspect.ts'
import { planOf } from '../../packages/core/src/query/cost/cost-model.ts'
import { TableFacts } from '../../packages/core/src/query/cost/table-facts.ts'
import { analyzeSql } from '../../packages/core/src/sql/analyze.ts'
import { fixFor } from '../../packages/core/src/sql/batch/batch-query.ts'
import type { Dialect } from '../../packages/core/src/sql/dialect.ts'
import { SqlSyntaxError } from '../../packages/core/src/sql/syntax-error.ts'
import { tokenize } from '../../packages/core/src/sql/tokenize.ts'
import { parseSql, readQueryTree } from '../../packages/core/src/sql/tree/read-sql.ts'
import { statementBlocks } from '../../packages/core/src/sql/tree/statement-blocks.ts'

export type SqlReader = (sql: string, dialect: Dialect) => unknown

const facts = new TableFacts(() => undefined)

/** All processing of a statement's SQL by Sluice. */
export const sqlReaders: ReadonlyMap<string, SqlReader> = new Map<string, SqlReader>([
  ['analyzeSql', analyzeSql],
  ['readQueryTree', unlessUnread(readQueryTree)],
  [
    'statementBlocks',
    unlessUnread((sql, dialect) => statementBlocks(parseSql(tokenize(sql, dialect), dialect))),
  ],
  ['readEqualitySelect', readEqualitySelect],
  ['queryShapeOf', queryShapeOf],
  ['inspectSql', inspectSql],
  ['planOf', (sql, dialect) => planOf(sql, dialect, facts)],
  ['fixFor', fixFor],
])

function unlessUnread(read: SqlReader): SqlReader {
  return (sql, dialect) => {
    try {
      return read(sql, dialect)
    } catch (error) {
      if (error instanceof SqlSyntaxError) return undefined
      throw error
    }
  }
}

/** A SQL statement with `count` of one of its parts. */
export interface LongStatement {
  readonly name: string
  /** Default: every dialect. */
  readonly dialects?: readonly Dialect[]
  readonly write: (count: number) => string
}

const repeat = (count: number, part: (nth: number) => string, separator = ', '): string =>
  Array.from({ length: count }, (_, nth) => part(nth)).join(separator)
const nest = (count: number, open: string, inner: string, close: string): string =>
  `${open.repeat(count)}${inner}${close.repeat(count)}`

/** One statement form for each construct of the grammar that may repeat or nest, some of them unfinished. */
export const longStatements: readonly LongStatement[] = [
  { name: 'columns', write: (count) => `SELECT ${repeat(count, (nth) => `a${nth}`)} FROM t` },
  { name: 'aliased columns', write: (count) => `SELECT ${repeat(count, (nth) => `t.a AS a${nth}`)} FROM t` },
  {
    name: 'IN list of placeholders',
    write: (count) => `SELECT * FROM t WHERE id IN (${repeat(count, () => '?')})`,
  },
  {
    name: 'IN list of numbered parameters',
    dialects: ['postgresql', 'sqlite'],
    write: (count) => `SELECT * FROM t WHERE id IN (${repeat(count, (nth) => `$${nth + 1}`)})`,
  },
  {
    name: 'IN list of numbers',
    write: (count) => `SELECT * FROM t WHERE id IN (${repeat(count, (nth) => `${nth}`)})`,
  },
  {
    name: 'IN list of strings',
    write: (count) => `SELECT * FROM t WHERE id IN (${repeat(count, (nth) => `'v${nth}'`)})`,
  },
  {
    name: 'IN list of rows',
    write: (count) => `SELECT * FROM t WHERE (a, b) IN (${repeat(count, () => '(?, ?)')})`,
  },
  {
    name: 'IN list of wide rows',
    write: (count) =>
      `SELECT * FROM t WHERE (${repeat(count, (nth) => `a${nth}`)}) IN ((${repeat(count, () => '?')}))`,
  },
  {
    name: 'IN lists',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, (nth) => `a${nth} IN (1, 2)`, ' AND ')}`,
  },
  { name: 'equal ANDs', write: (count) => `SELECT * FROM t WHERE ${repeat(count, () => 'a', ' AND ')}` },
  {
    name: 'ANDs',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, (nth) => `a${nth} = ?`, ' AND ')}`,
  },
  {
    name: 'ORs',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, (nth) => `a${nth} = ${nth}`, ' OR ')}`,
  },
  {
    name: 'ORs of ANDs',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, () => '(a = ? AND b = ?)', ' OR ')}`,
  },
  {
    name: 'BETWEENs',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, () => 'a BETWEEN b AND c', ' AND ')}`,
  },
  { name: 'LIKEs', write: (count) => `SELECT * FROM t WHERE ${repeat(count, () => "a LIKE '%x%'", ' OR ')}` },
  {
    name: 'EXISTS conditions',
    write: (count) =>
      `SELECT * FROM t WHERE ${repeat(count, (nth) => `EXISTS (SELECT 1 FROM u${nth})`, ' AND ')}`,
  },
  {
    name: 'chained comparisons',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, () => 'a', ' = ')}`,
  },
  {
    name: 'IS NULL chain',
    write: (count) => `SELECT * FROM t WHERE a ${repeat(count, () => 'IS NULL', ' ')}`,
  },
  { name: 'additions', write: (count) => `SELECT ${repeat(count, () => 'a', ' + ')} FROM t` },
  { name: 'concatenations', write: (count) => `SELECT ${repeat(count, () => 'a', ' || ')} FROM t` },
  {
    name: 'concatenated literals',
    write: (count) => `SELECT * FROM t WHERE a LIKE ${repeat(count, () => "'x'", ' || ')}`,
  },
  { name: 'adjacent strings', write: (count) => `SELECT ${repeat(count, () => "'x'", '\n')} FROM t` },
  { name: 'comparison operators', write: (count) => `SELECT * FROM t WHERE a ${'<'.repeat(count)} b` },
  { name: 'operator symbols', write: (count) => `SELECT * FROM t WHERE a ${'+-*~!@%^&|'.repeat(count)} b` },
  { name: 'casts in a row', write: (count) => `SELECT a${'::int'.repeat(count)} FROM t` },
  { name: 'collations in a row', write: (count) => `SELECT a ${'COLLATE c '.repeat(count)} FROM t` },
  { name: 'subscripts', write: (count) => `SELECT a${'[1]'.repeat(count)} FROM t` },
  { name: 'array types', write: (count) => `SELECT a::int${'[]'.repeat(count)} FROM t` },
  { name: 'parts of a name', write: (count) => `SELECT ${repeat(count, () => 'a', '.')} FROM t` },
  { name: 'parts of a table', write: (count) => `SELECT 1 FROM ${repeat(count, () => 'a', '.')}` },
  { name: 'fields of a row', write: (count) => `SELECT (a)${'.b'.repeat(count)} FROM t` },
  { name: 'signs', write: (count) => `SELECT ${'- '.repeat(count)}1 FROM t` },
  { name: 'NOTs', write: (count) => `SELECT * FROM t WHERE ${'NOT '.repeat(count)} a` },
  {
    name: 'CASE arms',
    write: (count) => `SELECT CASE ${repeat(count, () => 'WHEN a = ? THEN ?', ' ')} END FROM t`,
  },
  { name: 'arguments', write: (count) => `SELECT coalesce(${repeat(count, (nth) => `a${nth}`)}) FROM t` },
  { name: 'calls', write: (count) => `SELECT ${repeat(count, (nth) => `f${nth}(a)`)} FROM t` },
  { name: 'calls of date()', write: (count) => `SELECT ${repeat(count, () => "date(a, '+1 day')")} FROM t` },
  { name: 'array elements', write: (count) => `SELECT ARRAY[${repeat(count, () => '1')}]` },
  { name: 'comma joins', write: (count) => `SELECT * FROM ${repeat(count, (nth) => `t${nth}`)}` },
  {
    name: 'joins',
    write: (count) => `SELECT * FROM t ${repeat(count, (nth) => `JOIN t${nth} ON t${nth}.a = t.b`, ' ')}`,
  },
  {
    name: 'joins with conditions',
    write: (count) =>
      `SELECT * FROM t ${repeat(count, (nth) => `JOIN t${nth}`, ' ')} WHERE ${repeat(count, (nth) => `t.a${nth} = t${nth}.b`, ' AND ')}`,
  },
  {
    name: 'left joins',
    write: (count) => `SELECT * FROM t ${repeat(count, (nth) => `LEFT JOIN t${nth} USING (a)`, ' ')}`,
  },
  {
    name: 'joins whose ONs follow',
    write: (count) =>
      `SELECT * FROM t ${repeat(count, (nth) => `JOIN t${nth}`, ' ')} ${repeat(count, () => 'ON a = b', ' ')}`,
  },
  {
    name: 'derived tables',
    write: (count) => `SELECT * FROM ${repeat(count, (nth) => `(SELECT a FROM t) AS d${nth}`)}`,
  },
  { name: 'scalar subqueries', write: (count) => `SELECT ${repeat(count, () => '(SELECT a FROM t)')}` },
  { name: 'unions', write: (count) => repeat(count, () => 'SELECT a FROM t', ' UNION ALL ') },
  { name: 'unions in parentheses', write: (count) => repeat(count, () => '(SELECT a FROM t)', ' UNION ') },
  {
    name: 'CTEs',
    write: (count) =>
      `WITH ${repeat(count, (nth) => `c${nth} AS (SELECT a FROM t WHERE id = ?)`)} SELECT * FROM c0`,
  },
  {
    name: 'CTEs that use the one before',
    write: (count) =>
      `WITH c0 AS (SELECT 1 AS a), ${repeat(count, (nth) => `c${nth + 1} AS (SELECT a FROM c${nth})`)} SELECT * FROM c${count}`,
  },
  {
    name: 'CTEs that use the one before twice',
    write: (count) =>
      `WITH c0 AS (SELECT 1 AS a), ${repeat(count, (nth) => `c${nth + 1} AS (SELECT a FROM c${nth} UNION SELECT a FROM c${nth})`)} SELECT * FROM c${count}`,
  },
  {
    name: 'recursive CTEs',
    write: (count) =>
      `WITH RECURSIVE ${repeat(count, (nth) => `c${nth} AS (SELECT 1 UNION ALL SELECT a FROM c${nth})`)} SELECT * FROM c0`,
  },
  {
    name: 'uses of one CTE',
    write: (count) => `WITH c AS (SELECT a FROM t) ${repeat(count, () => 'SELECT a FROM c', ' UNION ALL ')}`,
  },
  {
    name: 'columns of a CTE',
    write: (count) => `WITH c (${repeat(count, (nth) => `a${nth}`)}) AS (SELECT 1) SELECT * FROM c`,
  },
  {
    name: 'VALUES',
    dialects: ['postgresql', 'sqlite'],
    write: (count) => `VALUES ${repeat(count, () => '(?, ?)')}`,
  },
  { name: 'groups', write: (count) => `SELECT 1 FROM t GROUP BY ${repeat(count, (nth) => `a${nth}`)}` },
  {
    name: 'groups by place',
    write: (count) =>
      `SELECT ${repeat(count, (nth) => `a${nth}`)} FROM t GROUP BY ${repeat(count, (nth) => `${nth + 1}`)}`,
  },
  { name: 'orders', write: (count) => `SELECT 1 FROM t ORDER BY ${repeat(count, (nth) => `a${nth} DESC`)}` },
  {
    name: 'orders by output',
    write: (count) =>
      `SELECT ${repeat(count, (nth) => `a AS a${nth}`)} FROM t ORDER BY ${repeat(count, (nth) => `a${nth}`)}`,
  },
  {
    name: 'windows',
    write: (count) => `SELECT 1 FROM t WINDOW ${repeat(count, (nth) => `w${nth} AS (PARTITION BY a)`)}`,
  },
  {
    name: 'window calls',
    write: (count) => `SELECT ${repeat(count, () => 'sum(a) OVER (PARTITION BY b ORDER BY c)')} FROM t`,
  },
  {
    name: 'grouping sets',
    write: (count) => `SELECT 1 FROM t GROUP BY GROUPING SETS (${repeat(count, () => '(a)')})`,
  },
  {
    name: 'rows of INSERT',
    write: (count) => `INSERT INTO t (a, b) VALUES ${repeat(count, () => '(?, ?)')}`,
  },
  {
    name: 'rows of INSERT with literals',
    write: (count) => `INSERT INTO t (a, b) VALUES ${repeat(count, (nth) => `(${nth}, 'x${nth}')`)}`,
  },
  {
    name: 'different rows of INSERT',
    write: (count) =>
      `INSERT INTO t (a, b) VALUES ${repeat(count, (nth) => (nth % 2 === 0 ? '(?, now())' : '(DEFAULT, ?)'))}`,
  },
  {
    name: 'columns of INSERT',
    write: (count) =>
      `INSERT INTO t (${repeat(count, (nth) => `a${nth}`)}) VALUES (${repeat(count, () => '?')})`,
  },
  {
    name: 'INSERT of SELECTs',
    write: (count) => `INSERT INTO t (a) ${repeat(count, () => 'SELECT ?', ' UNION ALL ')}`,
  },
  {
    name: 'ON CONFLICT clauses',
    write: (count) =>
      `INSERT INTO t (a) VALUES (1) ${repeat(count, () => 'ON CONFLICT (a) DO UPDATE SET a = 1', ' ')}`,
  },
  {
    name: 'columns of ON CONFLICT',
    write: (count) =>
      `INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET ${repeat(count, (nth) => `a${nth} = ?`)}`,
  },
  {
    name: 'assignments',
    write: (count) => `UPDATE t SET ${repeat(count, (nth) => `a${nth} = ?`)} WHERE id = ?`,
  },
  {
    name: 'assignments of a join',
    dialects: ['mysql'],
    write: (count) => `UPDATE t JOIN u ON t.id = u.id SET ${repeat(count, (nth) => `t.a${nth} = ?`)}`,
  },
  {
    name: 'tables of UPDATE',
    dialects: ['mysql'],
    write: (count) =>
      `UPDATE ${repeat(count, (nth) => `t${nth}`)} SET ${repeat(count, (nth) => `t${nth}.a = ?`)}`,
  },
  {
    name: 'row assignment',
    write: (count) => `UPDATE t SET (${repeat(count, (nth) => `a${nth}`)}) = (${repeat(count, () => '?')})`,
  },
  {
    name: 'CASE of UPDATE',
    write: (count) =>
      `UPDATE t SET a = CASE id ${repeat(count, () => 'WHEN ? THEN ?', ' ')} END WHERE id IN (${repeat(count, () => '?')})`,
  },
  {
    name: 'tables of DELETE',
    dialects: ['mysql'],
    write: (count) => `DELETE ${repeat(count, (nth) => `t${nth}`)} FROM ${repeat(count, (nth) => `t${nth}`)}`,
  },
  {
    name: 'WHENs of MERGE',
    dialects: ['postgresql'],
    write: (count) =>
      `MERGE INTO t USING u ON t.id = u.id ${repeat(count, () => 'WHEN MATCHED THEN UPDATE SET a = 1', ' ')}`,
  },
  {
    name: 'tables of TRUNCATE',
    dialects: ['postgresql'],
    write: (count) => `TRUNCATE ${repeat(count, (nth) => `t${nth}`)}`,
  },
  {
    name: 'columns of CREATE TABLE',
    write: (count) => `CREATE TABLE t (${repeat(count, (nth) => `a${nth} int`)})`,
  },
  { name: 'statements', write: (count) => repeat(count, () => 'SELECT 1', '; ') },
  {
    name: 'writes',
    write: (count) => repeat(count, (nth) => `UPDATE t${nth % 9} SET a = ? WHERE id = ?`, '; '),
  },
  { name: 'invalid statements', write: (count) => repeat(count, () => 'SELECT FROM )', '; ') },
  { name: 'transaction control', write: (count) => repeat(count, () => 'SAVEPOINT a', '; ') },
  { name: 'settings', write: (count) => `SET ${repeat(count, () => 'a = 1')}` },
  { name: 'SET statements', write: (count) => repeat(count, () => 'SET a = 1', '; ') },
  { name: 'semicolons', write: (count) => `SELECT 1${';'.repeat(count)}` },
  { name: 'a long string', write: (count) => `SELECT '${'x'.repeat(count * 10)}'` },
  { name: 'doubled quotes', write: (count) => `SELECT '${"''".repeat(count)}'` },
  { name: 'backslashes', write: (count) => `SELECT '${'\\\\'.repeat(count)}'` },
  { name: 'a long name', write: (count) => `SELECT ${'x'.repeat(count * 10)}` },
  { name: 'a long quoted name', write: (count) => `SELECT "${'""'.repeat(count)}"` },
  { name: 'quoted names', write: (count) => `SELECT ${repeat(count, (nth) => `"A${nth}"`)} FROM t` },
  { name: 'a long number', write: (count) => `SELECT ${'1'.repeat(count * 10)}` },
  { name: 'a long comment', write: (count) => `SELECT 1 /* ${'x'.repeat(count * 10)} */` },
  { name: 'comments', write: (count) => `SELECT 1 ${'/* x */ '.repeat(count)}` },
  { name: 'nested comments', write: (count) => `SELECT 1 ${nest(count, '/*', 'x', '*/')}` },
  { name: 'line comments', write: (count) => `SELECT 1 ${'-- x\n'.repeat(count)}` },
  { name: 'white space', write: (count) => `SELECT ${' \n\t'.repeat(count)} 1` },
  {
    name: 'dollar quotes',
    dialects: ['postgresql'],
    write: (count) => `SELECT ${repeat(count, () => '$a$x$a$')}`,
  },
  {
    name: 'dollars in a dollar quote',
    dialects: ['postgresql'],
    write: (count) => `SELECT $a$${'$b$'.repeat(count)}$a$`,
  },
  {
    name: 'a long dollar tag',
    dialects: ['postgresql'],
    write: (count) => `SELECT $${'a'.repeat(count)}$ ${'$aaaaaaaaa'.repeat(count)}`,
  },
  {
    name: 'escape strings',
    dialects: ['postgresql'],
    write: (count) => `SELECT ${repeat(count, () => "E'x'")}`,
  },
  {
    name: 'escape strings before comments',
    dialects: ['postgresql'],
    write: (count) => `SELECT ${"E'x' /* */ ".repeat(count)}`,
  },
  {
    name: 'bracketed names',
    dialects: ['sqlite'],
    write: (count) => `SELECT ${repeat(count, () => '[a b]')}`,
  },
  {
    name: 'hints',
    dialects: ['mysql'],
    write: (count) => `SELECT * FROM t ${'USE INDEX (a) '.repeat(count)}`,
  },
  { name: 'unfinished string', write: (count) => `SELECT '${'x'.repeat(count * 10)}` },
  { name: 'unfinished comment', write: (count) => `SELECT ${'/* '.repeat(count)}` },
  {
    name: 'unfinished dollar quote',
    dialects: ['postgresql'],
    write: (count) => `SELECT $a$ ${'$b$ '.repeat(count)}`,
  },
  { name: 'opening parentheses', write: (count) => `SELECT ${'('.repeat(count)}` },
  { name: 'closing parentheses', write: (count) => `SELECT ${')'.repeat(count)}` },
  {
    name: 'opening brackets',
    dialects: ['postgresql', 'mysql'],
    write: (count) => `SELECT ${'a['.repeat(count)}`,
  },
  { name: 'parentheses before SELECT', write: (count) => nest(count, '(', 'SELECT 1', ')') },
  { name: 'nested parentheses', write: (count) => `SELECT ${nest(count, '(', '1', ')')}` },
  {
    name: 'nested conditions',
    write: (count) => `SELECT * FROM t WHERE ${nest(count, '(a = 1 AND ', 'b = 2', ')')}`,
  },
  { name: 'nested calls', write: (count) => `SELECT ${nest(count, 'lower(', 'a', ')')} FROM t` },
  { name: 'nested calls of date()', write: (count) => `SELECT ${nest(count, 'date(', 'a', ')')} FROM t` },
  { name: 'words of a type', write: (count) => `SELECT cast(a AS ${repeat(count, () => 'b', ' ')}) FROM t` },
  { name: 'unions without a condition', write: (count) => repeat(count, () => 'SELECT a', ' UNION ') },
  {
    name: 'unions with conditions',
    write: (count) => repeat(count, () => 'SELECT a FROM t WHERE b = 1', ' UNION '),
  },
  {
    name: 'words that may begin a program',
    write: (count) => `SELECT ${repeat(count, () => 'program')} FROM t`,
  },
  {
    name: 'constants of conditions',
    write: (count) => `SELECT * FROM t WHERE ${repeat(count, () => '((1 = 1))', ' OR ')}`,
  },
  { name: 'nested casts', write: (count) => `SELECT ${nest(count, 'cast(', 'a', ' as int)')} FROM t` },
  {
    name: 'nested CASEs',
    write: (count) => `SELECT ${nest(count, 'CASE WHEN a THEN ', '1', ' END')} FROM t`,
  },
  { name: 'nested subqueries', write: (count) => `SELECT ${nest(count, '(SELECT ', '1', ')')}` },
  {
    name: 'nested IN subqueries',
    write: (count) => `SELECT * FROM t WHERE ${nest(count, 'a IN (SELECT a FROM t WHERE ', 'a = 1', ')')}`,
  },
  {
    name: 'nested derived tables',
    write: (count) => `${'SELECT * FROM ('.repeat(count)}SELECT 1${') AS d'.repeat(count)}`,
  },
  { name: 'nested joins', write: (count) => `SELECT * FROM ${nest(count, '(t JOIN ', 't', ' ON a = b)')}` },
  { name: 'nested tables', write: (count) => `SELECT * FROM ${nest(count, '(', 't', ')')}` },
  { name: 'nested CTEs', write: (count) => nest(count, 'WITH c AS (', 'SELECT 1', ') SELECT * FROM c') },
  { name: 'nested unions', write: (count) => nest(count, '(SELECT 1 UNION ', 'SELECT 2', ')') },
  { name: 'nested arrays', write: (count) => `SELECT ARRAY${nest(count, '[', '1', ']')}` },
  { name: 'nested rows', write: (count) => `SELECT * FROM t WHERE a = ${nest(count, '(1, ', '2', ')')}` },
  {
    name: 'nested intervals',
    dialects: ['mysql'],
    write: (count) => `SELECT ${'INTERVAL '.repeat(count)}1 DAY`,
  },
  {
    name: 'BINARY operators',
    dialects: ['mysql'],
    write: (count) => `SELECT ${'BINARY '.repeat(count)}a FROM t`,
  },
  { name: 'EXPLAINs', write: (count) => `${'EXPLAIN '.repeat(count)}SELECT 1` },
  {
    name: 'nested parentheses side by side',
    write: (count) =>
      `SELECT * FROM t WHERE ${repeat(Math.ceil(count / 250), () => nest(250, '(', 'a = 1', ')'), ' AND ')}`,
  },
]
