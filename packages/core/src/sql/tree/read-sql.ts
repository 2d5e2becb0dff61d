import type { Dialect } from '../dialect.ts'
import { queriesAndWrites, words } from '../keywords.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import { TokenMap } from '../token-map.ts'
import { type Token, tokenize } from '../tokenize.ts'
import { SqlCursor, type TreeReaders } from './cursor.ts'
import type { ParsedSql } from './parsed-sql.ts'
import type { QueryTree } from './query-tree.ts'
import { readQuery, readTableQuery } from './read-query.ts'
import { readPragma, readSession, readTransactionControl } from './read-session.ts'
import { readWrite } from './read-write.ts'

const readers: TreeReaders = { query: readQuery, table: readTableQuery, write: readWrite }
const explainOptions = words('ANALYZE VERBOSE QUERY PLAN EXTENDED PARTITIONS FORMAT')

/**
 * Parses one or more statements of any kind. Never throws: a statement that cannot be parsed for certain is
 * opaque. The result still contains its parsed part and the statements that follow, because one of them may
 * change the schema.
 */
export function parseSql(tokens: readonly Token[], dialect: Dialect): ParsedSql {
  const cursor = new SqlCursor(new TokenMap(tokens, dialect), readers)
  for (;;) {
    while (cursor.takeSymbol(';'));
    if (cursor.token() === undefined) return cursor
    cursor.statements++
    try {
      readStatement(cursor)
      if (!cursor.atEnd())
        cursor.fail(cursor.isSymbol(')') ? 'unbalanced parenthesis' : `unexpected token ${cursor.position}`)
    } catch (error) {
      if (!(error instanceof SqlSyntaxError)) throw error
      cursor.abandon(error.message)
    }
  }
}

function readStatement(cursor: SqlCursor): void {
  if (cursor.isSymbol('(') || cursor.isAny(queriesAndWrites)) {
    readRoot(cursor)
    return
  }
  const token = cursor.token()
  if (token?.kind !== 'word') cursor.fail('statement expected')
  const { upper } = token
  cursor.kinds.push(upper)
  cursor.leaveOut(`${upper} statement`)
  if (upper === 'TRUNCATE') readTruncate(cursor)
  else if (upper === 'REFRESH') readRefresh(cursor)
  else if (upper === 'EXPLAIN') readExplain(cursor)
  else if (upper === 'PRAGMA') readPragma(cursor)
  else if (!readTransactionControl(cursor) && !readSession(cursor) && !readDefinition(cursor)) {
    cursor.markOpaque(`${upper} statement`)
    cursor.skipStatement()
  }
}

/** Reads a query or a write that is not part of a larger statement. */
function readRoot(cursor: SqlCursor): void {
  const start = cursor.position
  try {
    cursor.roots.push(readQuery(cursor, undefined, undefined, true))
  } finally {
    cursor.queries.push({ start, end: cursor.position })
  }
}

/** A plan depends on more than the tables; the statement only runs with ANALYZE. */
function readExplain(cursor: SqlCursor): void {
  const { dialect } = cursor
  cursor.position++
  cursor.volatile = true
  let runs = false
  if (dialect === 'postgresql' && cursor.isSymbol('(')) {
    const from = cursor.position
    cursor.skipParentheses()
    // An option may also be written "analyze".
    runs = cursor.tokens.slice(from, cursor.position).some(({ text }) => text.toUpperCase() === 'ANALYZE')
  }
  while (cursor.isAny(explainOptions)) {
    runs ||= cursor.isWord('ANALYZE')
    cursor.position++
    if (cursor.takeSymbol('=')) cursor.position++
  }
  if (!cursor.isSymbol('(') && !cursor.isAny(queriesAndWrites)) {
    // MySQL can describe a table, or the statement of a different connection.
    if (dialect !== 'mysql') cursor.fail('EXPLAIN of another statement')
    cursor.skipStatement()
    return
  }
  const before = cursor.changes.length
  readRoot(cursor)
  if (!runs) cursor.changes.length = before
}

/**
 * Reads one SELECT, VALUES, INSERT, REPLACE, UPDATE or DELETE as a tree of blocks.
 *
 * @throws SqlSyntaxError for a statement that cannot be parsed for certain, and for all other statements.
 */
export function readQueryTree(sql: string, dialect: Dialect): QueryTree {
  const tokens = tokenize(sql, dialect)
  while (tokens.at(-1)?.text === ';') tokens.pop()
  const { incomplete, statements, roots, writes, parameters, places } = parseSql(tokens, dialect)
  if (incomplete !== undefined) throw new SqlSyntaxError(incomplete)
  const [root] = roots
  if (root === undefined || statements > 1) throw new SqlSyntaxError('one query expected')
  return { sql, dialect, tokens, root, writes, parameters, places }
}

/** The same; `undefined` for a statement that cannot be read for certain. */
export function tryReadQueryTree(sql: string, dialect: Dialect): QueryTree | undefined {
  try {
    return readQueryTree(sql, dialect)
  } catch (error) {
    if (error instanceof SqlSyntaxError) return undefined
    throw error
  }
}

const definitions = words('CREATE ALTER DROP RENAME COMMENT GRANT REVOKE IMPORT SECURITY REASSIGN')
const modifiers = words('OR REPLACE LOCAL GLOBAL TEMP TEMPORARY UNLOGGED RECURSIVE')
const relations = words('TABLE VIEW')
/** Definitions whose bodies can contain semicolons. */
const withBodies = words('TRIGGER FUNCTION PROCEDURE EVENT RULE PACKAGE SCHEMA')
const temporarySchemas = words('PG_TEMP TEMP')
const afterTruncate = words('RESTART CONTINUE IDENTITY CASCADE RESTRICT')

/** Reads a statement that defines an object. For other statements, returns false and consumes nothing. */
function readDefinition(cursor: SqlCursor): boolean {
  if (!cursor.isAny(definitions)) return false
  cursor.ddl = true
  cursor.markOpaque('changes the schema')
  const creates = cursor.takeWord('CREATE')
  let temporary = false
  while (creates && cursor.isAny(modifiers)) {
    temporary ||= cursor.isWord('TEMP') || cursor.isWord('TEMPORARY')
    cursor.position++
  }
  if (creates && cursor.takeAny(relations)) noteTemporary(cursor, temporary)
  else if (creates && cursor.dialect === 'sqlite' && cursor.takeWord('TRIGGER')) {
    noteTrigger(cursor, temporary)
    return true
  }
  while (!cursor.atEnd() && !(creates && cursor.isAny(withBodies))) cursor.position++
  // The end of the body cannot be determined, so nothing after it is read.
  if (cursor.isAny(withBodies)) cursor.position = cursor.tokens.length
  return true
}

function noteTemporary(cursor: SqlCursor, temporary: boolean): void {
  cursor.takeWords('IF', 'NOT', 'EXISTS')
  const name = cursor.tableName()
  const table = name.at(-1)
  const inTemporarySchema = name.length > 1 && temporarySchemas.has(name.at(-2)?.toUpperCase() ?? '')
  if (table !== undefined && (temporary || inTemporarySchema)) cursor.temporary.push(table)
}

/** SQLite: a temporary trigger can watch any table. Only its connection sees the trigger. */
function noteTrigger(cursor: SqlCursor, temporary: boolean): void {
  cursor.takeWords('IF', 'NOT', 'EXISTS')
  const name = cursor.tableName()
  const isTemporary = temporary || (name.length > 1 && name.at(-2)?.toUpperCase() === 'TEMP')
  while (!cursor.atEnd() && !cursor.isWord('ON')) cursor.position++
  if (isTemporary)
    cursor.triggered.push(cursor.takeWord('ON') && cursor.isName() ? cursor.tableName().at(-1) : undefined)
  // The end of the body cannot be determined, so nothing after it is read.
  cursor.position = cursor.tokens.length
}

/** Reads `TRUNCATE …`. */
function readTruncate(cursor: SqlCursor): void {
  if (cursor.dialect === 'sqlite') cursor.fail('TRUNCATE statement')
  cursor.expectWord('TRUNCATE')
  cursor.takeWord('TABLE')
  const targets = cursor.list(() => {
    if (cursor.dialect === 'postgresql') cursor.takeWord('ONLY')
    const target = cursor.tableName()
    if (cursor.dialect === 'postgresql') cursor.takeSymbol('*')
    return target
  })
  let cascades = false
  while (cursor.isAny(afterTruncate)) {
    cascades ||= cursor.isWord('CASCADE')
    cursor.position++
  }
  for (const table of targets) cursor.changes.push({ how: cascades ? 'truncate-cascade' : 'truncate', table })
}

/** Reads PostgreSQL's `REFRESH MATERIALIZED VIEW …`. */
function readRefresh(cursor: SqlCursor): void {
  if (!cursor.takeWords('REFRESH', 'MATERIALIZED', 'VIEW')) cursor.fail('REFRESH statement')
  cursor.takeWord('CONCURRENTLY')
  cursor.changes.push({ how: 'refresh', table: cursor.tableName() })
  cursor.skipStatement()
}
