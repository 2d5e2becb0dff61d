import { placeholdersIn } from './conditions.ts'
import type { Dialect } from './dialect.ts'
import { Frame } from './frame.ts'
import { queriesAndWrites, words } from './keywords.ts'
import { readDefinition } from './read-ddl.ts'
import { readListing } from './read-listing.ts'
import { scan } from './read-query.ts'
import { readPragma, readSession, readTransactionControl } from './read-session.ts'
import { readWith } from './read-with.ts'
import { readDelete, readInsert, readMerge, readParenthesisedQuery, readRefresh, readTruncate, readUpdate } from './read-write.ts'
import { type Scope, StatementCursor } from './statement-cursor.ts'
import type { Statement } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import { type Token, tokenize } from './tokenize.ts'

export type { Statement, TableWrite, TransactionControl } from './statement-types.ts'

const NO_SCOPE: Scope = new Set()
const explainOptions = words('ANALYZE VERBOSE QUERY PLAN EXTENDED PARTITIONS FORMAT')

/**
 * Reads what a text touches: tables, functions, locks, transactions. Never throws: what it does not understand for certain makes
 * the statement `opaque`.
 */
export function readStatement(sql: string, dialect: Dialect): Statement {
  try {
    return statementOf(sql, tokenize(sql, dialect), dialect)
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return unreadable(error.message)
  }
}

/** The statement of a text that cannot be split into tokens. */
export function unreadable(reason: string): Statement {
  return {
    kinds: [],
    reads: [],
    writes: [],
    functions: new Set(),
    volatile: false,
    locks: false,
    ddl: false,
    temporary: [],
    triggered: [],
    mayCommit: true,
    opaque: reason,
  }
}

/** As {@link readStatement}, of a text that is split into tokens already. */
export function statementOf(sql: string, tokens: readonly Token[], dialect: Dialect): Statement {
  const cursor = new StatementCursor(tokens, dialect, readBody)
  let statements = 0
  try {
    for (;;) {
      while (cursor.takeSymbol(';'));
      if (cursor.token() === undefined) break
      statements++
      readOne(cursor, NO_SCOPE)
      if (!cursor.atEnd()) cursor.fail('unbalanced parenthesis')
    }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    cursor.giveUp(error.message)
  }
  const [transaction] = cursor.transactions
  const alone = statements === 1 && cursor.opaque === undefined
  if (transaction !== undefined && !alone) cursor.giveUp('transaction control among other statements')
  const { kinds, writes, functions, volatile, locks, ddl, temporary, triggered, opaque } = cursor
  const reads = [...cursor.reads.values()]
  const commitsFirst = dialect === 'mysql' && (opaque !== undefined || writes.some(({ how }) => how === 'truncate'))
  const mayCommit = commitsFirst || (transaction !== undefined && !alone)
  const placeholders = placeholdersIn(sql, tokens, dialect)
  const isSelect = alone && writes.length === 0 && kinds.length === 1 && tokens[0]?.upper === 'SELECT'
  const listing = isSelect && cursor.readPlaces === reads.length ? readListing(tokens, dialect) : undefined
  const base = {
    ...{ kinds, reads, writes, functions, volatile, locks, ddl, temporary, triggered, mayCommit },
    ...(listing === undefined ? {} : { listing }),
    ...(placeholders === undefined ? {} : { placeholders }),
  }
  if (opaque !== undefined) return { ...base, opaque }
  return transaction === undefined ? base : { ...base, transaction }
}

function readBody(cursor: StatementCursor, scope: Scope): void {
  if (cursor.isSymbol('(') || cursor.isAnyWord(queriesAndWrites)) readOne(cursor, scope)
  else cursor.fail('query expected')
}

function readOne(cursor: StatementCursor, scope: Scope): void {
  if (cursor.isSymbol('(')) {
    cursor.kinds.push('SELECT')
    readParenthesisedQuery(cursor, scope)
    return
  }
  const token = cursor.token()
  if (token?.kind !== 'word') cursor.fail('statement expected')
  if (token.upper === 'WITH') {
    const inner = readWith(cursor, scope)
    cursor.nested(() => readBody(cursor, inner))
    return
  }
  cursor.kinds.push(token.upper)
  switch (token.upper) {
    case 'SELECT':
    case 'VALUES':
    case 'TABLE':
      scan(cursor, scope, new Frame(cursor.position))
      return
    case 'INSERT':
    case 'REPLACE':
      readInsert(cursor, scope)
      return
    case 'UPDATE':
      readUpdate(cursor, scope)
      return
    case 'DELETE':
      readDelete(cursor, scope)
      return
    case 'MERGE':
      readMerge(cursor, scope)
      return
    case 'TRUNCATE':
      readTruncate(cursor)
      return
    case 'REFRESH':
      readRefresh(cursor)
      return
    case 'EXPLAIN':
      readExplain(cursor, scope)
      return
    case 'PRAGMA':
      readPragma(cursor)
      return
  }
  if (readTransactionControl(cursor) || readSession(cursor) || readDefinition(cursor)) return
  cursor.giveUp(`${token.upper} statement`)
  cursor.skipStatement()
}

/** A plan depends on more than the tables; only with ANALYZE is the statement run. */
function readExplain(cursor: StatementCursor, scope: Scope): void {
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
  while (cursor.isAnyWord(explainOptions)) {
    runs ||= cursor.isWord('ANALYZE')
    cursor.position++
    if (cursor.takeSymbol('=')) cursor.position++
  }
  if (!cursor.isSymbol('(') && !cursor.isAnyWord(queriesAndWrites)) {
    // MySQL describes a table, or the statement of another connection.
    if (dialect !== 'mysql') cursor.fail('EXPLAIN of another statement')
    cursor.skipStatement()
    return
  }
  const before = cursor.writes.length
  readBody(cursor, scope)
  if (!runs) cursor.writes.length = before
}
