import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import type { TransactionControl } from '../statement-types.ts'
import type { Token } from '../tokenize.ts'
import type { SqlCursor } from './cursor.ts'
import { noteIsolation, notePragma, noteSessionChange } from './read-session-change.ts'

const transactionNouns = words('WORK TRANSACTION TRAN')
const transactionModes = words(`
  WORK TRANSACTION DEFERRED IMMEDIATE EXCLUSIVE CONCURRENT ISOLATION LEVEL SERIALIZABLE REPEATABLE READ COMMITTED UNCOMMITTED WRITE ONLY
  DEFERRABLE NOT WITH CONSISTENT SNAPSHOT`)
const sessionChanges = words('SET RESET USE DISCARD ATTACH DETACH')
/** Statements that change no row of any table. */
const harmless = words('LISTEN UNLISTEN NOTIFY REINDEX CHECKPOINT DEALLOCATE CLOSE KILL')
const rewrites = words('VACUUM CLUSTER')
/** The same, but on MySQL they commit. */
const harmlessButMysql = words('LOCK UNLOCK ANALYZE')
const informative = words('SHOW DESCRIBE DESC')
const readingPragmas = words(`
  TABLE_INFO TABLE_XINFO TABLE_LIST INDEX_LIST INDEX_INFO INDEX_XINFO FOREIGN_KEY_LIST FOREIGN_KEY_CHECK INTEGRITY_CHECK QUICK_CHECK`)

/**
 * Reads BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE and their synonyms. For other statements, returns false
 * and consumes nothing.
 */
export function readTransactionControl(cursor: SqlCursor): boolean {
  const verb = cursor.token()?.upper
  switch (verb) {
    case 'BEGIN':
      cursor.position++
      return readBegin(cursor)
    case 'START':
      if (!cursor.takeWords('START', 'TRANSACTION')) return false
      return readBegin(cursor)
    case 'COMMIT':
    case 'END':
      cursor.position++
      return readEnd(cursor, 'commit')
    case 'ABORT':
    case 'ROLLBACK':
      cursor.position++
      cursor.takeAny(transactionNouns)
      if (!cursor.takeWord('TO')) return readEnd(cursor, 'rollback')
      return readSavepoint(cursor, 'rollback-to')
    case 'SAVEPOINT':
      return readSavepoint(cursor, 'savepoint')
    case 'RELEASE':
      cursor.position++
      return readSavepoint(cursor, 'release')
    default:
      return false
  }
}

function readBegin(cursor: SqlCursor): boolean {
  while (cursor.takeAny(transactionModes) || cursor.takeSymbol(','));
  // SQLite accepts a name for the transaction, and ignores it.
  if (cursor.dialect === 'sqlite' && cursor.isWord('TRANSACTION', -1) && cursor.isName()) cursor.position++
  return end(cursor, { kind: 'begin' })
}

function readEnd(cursor: SqlCursor, kind: 'commit' | 'rollback'): boolean {
  cursor.takeAny(transactionNouns)
  const chain = cursor.dialect !== 'sqlite' && cursor.takeWords('AND', 'CHAIN')
  if (!chain) cursor.takeWords('AND', 'NO', 'CHAIN')
  if (!cursor.takeWords('NO', 'RELEASE')) cursor.takeWord('RELEASE')
  if (cursor.isWord('PREPARED')) {
    // It concerns the transaction of a different session.
    cursor.giveUp('transaction control other than begin and end')
    cursor.skipStatement()
    return true
  }
  if (cursor.dialect === 'sqlite' && cursor.isWord('TRANSACTION', -1) && cursor.isName()) cursor.position++
  return end(cursor, chain ? { kind, chain } : { kind })
}

function readSavepoint(cursor: SqlCursor, kind: 'savepoint' | 'release' | 'rollback-to'): boolean {
  cursor.takeWord('SAVEPOINT')
  const token = cursor.token()
  if (token === undefined || cursor.atEnd()) return cursor.fail('name of a savepoint expected')
  const name = savepointName(cursor, token)
  cursor.position++
  return end(cursor, { kind, name })
}

function savepointName(cursor: SqlCursor, token: Token): string {
  if (token.kind === 'word' || token.kind === 'quoted') return cursor.foldCase(token)
  if (token.kind === 'string' && cursor.dialect === 'sqlite')
    return lowerAscii(token.text.slice(1, -1).replaceAll("''", "'"))
  return cursor.fail('name of a savepoint expected')
}

function end(cursor: SqlCursor, control: TransactionControl): boolean {
  if (!cursor.atEnd()) cursor.fail('unknown transaction control')
  cursor.transactions.push(control)
  return true
}

/**
 * Reads statements that change or query the state of the session. For other statements, returns false and
 * consumes nothing.
 */
export function readSession(cursor: SqlCursor): boolean {
  const { dialect } = cursor
  if (cursor.isAny(sessionChanges)) {
    if (setsTransactionMode(cursor)) noteIsolation(cursor)
    else {
      noteSessionChange(cursor)
      cursor.giveUp('changes the session')
    }
  } else if (cursor.isAny(informative)) cursor.volatile = true
  else if (cursor.isAny(harmlessButMysql)) {
    if (dialect === 'mysql') cursor.giveUp('commits implicitly')
  } else if (cursor.isAny(rewrites)) {
    // Rows can get a different `rowid` or `ctid`.
    cursor.giveUp('rewrites tables')
  } else if (!cursor.isAny(harmless)) return false
  cursor.skipStatement()
  return true
}

/**
 * `SET [SESSION] TRANSACTION …` and `SET CONSTRAINTS …` are transaction control; an imported snapshot shows
 * old rows.
 */
function setsTransactionMode(cursor: SqlCursor): boolean {
  if (!cursor.isWord('SET')) return false
  const scoped =
    cursor.isWord('SESSION', 1) || cursor.isWord('LOCAL', 1) || cursor.isWord('GLOBAL', 1) ? 2 : 1
  if (cursor.isWord('CONSTRAINTS', 1)) return true
  if (cursor.isWord('CHARACTERISTICS', 2)) return true
  return cursor.isWord('TRANSACTION', scoped) && !cursor.isWord('SNAPSHOT', scoped + 1)
}

/** Reads SQLite's PRAGMA: a query of a setting, or a pragma that lists the content of the schema. */
export function readPragma(cursor: SqlCursor): void {
  if (cursor.dialect !== 'sqlite') cursor.fail('PRAGMA statement')
  cursor.position++
  const name = cursor.tableName().at(-1) ?? ''
  cursor.volatile = true
  if (!cursor.atEnd() && !(cursor.isSymbol('(') && readingPragmas.has(name.toUpperCase()))) {
    notePragma(cursor, name)
    cursor.giveUp('sets a PRAGMA')
  }
  cursor.skipStatement()
}
