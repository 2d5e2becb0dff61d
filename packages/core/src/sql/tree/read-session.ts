import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import { neutralSettings } from '../neutral-settings.ts'
import type { TransactionControl } from '../statement-types.ts'
import type { Token } from '../tokenize.ts'
import type { SqlCursor } from './cursor.ts'

const transactionNouns = words('WORK TRANSACTION TRAN')
const transactionModes = words(`
  WORK TRANSACTION DEFERRED IMMEDIATE EXCLUSIVE CONCURRENT ISOLATION LEVEL SERIALIZABLE REPEATABLE READ COMMITTED UNCOMMITTED WRITE ONLY
  DEFERRABLE NOT WITH CONSISTENT SNAPSHOT`)
const sessionChanges = words('SET RESET USE DISCARD ATTACH DETACH')
/** Statements that change no row of any table. */
const rowPreserving = words('LISTEN UNLISTEN NOTIFY REINDEX CHECKPOINT DEALLOCATE CLOSE KILL')
const rewrites = words('VACUUM CLUSTER')
/** The same, but on MySQL they commit. */
const committingOnMysql = words('LOCK UNLOCK ANALYZE')
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
  let isolation: 'read committed' | 'other' | undefined
  do {
    if (cursor.isWord('LEVEL'))
      isolation = cursor.isWord('READ', 1) && cursor.isWord('COMMITTED', 2) ? 'read committed' : 'other'
  } while (cursor.takeAny(transactionModes) || cursor.takeSymbol(','))
  // SQLite accepts a name for the transaction, and ignores it.
  if (cursor.dialect === 'sqlite' && cursor.isWord('TRANSACTION', -1) && cursor.isName()) cursor.position++
  return end(cursor, isolation === undefined ? { kind: 'begin' } : { kind: 'begin', isolation })
}

function readEnd(cursor: SqlCursor, kind: 'commit' | 'rollback'): boolean {
  cursor.takeAny(transactionNouns)
  const chain = cursor.dialect !== 'sqlite' && cursor.takeWords('AND', 'CHAIN')
  if (!chain) cursor.takeWords('AND', 'NO', 'CHAIN')
  if (!cursor.takeWords('NO', 'RELEASE')) cursor.takeWord('RELEASE')
  if (cursor.isWord('PREPARED')) {
    // It concerns the transaction of a different session.
    cursor.markOpaque('transaction control other than begin and end')
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
      if (changesOnlyNeutral(cursor)) cursor.volatile = true
      else cursor.markOpaque('changes the session')
    }
  } else if (cursor.isAny(informative)) cursor.volatile = true
  else if (cursor.isAny(committingOnMysql)) {
    if (dialect === 'mysql') cursor.markOpaque('commits implicitly')
  } else if (cursor.isAny(rewrites)) {
    // Rows can get a different `rowid` or `ctid`.
    cursor.markOpaque('rewrites tables')
  } else if (!cursor.isAny(rowPreserving)) return false
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
  const isSetting = !cursor.atEnd() && !(cursor.isSymbol('(') && readingPragmas.has(name.toUpperCase()))
  if (isSetting && !neutralSettings.has(lowerAscii(name))) {
    note(cursor, lowerAscii(name))
    cursor.markOpaque('sets a PRAGMA')
  }
  cursor.skipStatement()
}

const scopes = words('SESSION GLOBAL LOCAL PERSIST PERSIST_ONLY')

/** Records the settings that SET, RESET, USE, DISCARD, ATTACH and DETACH change. Consumes nothing. */
function noteSessionChange(cursor: SqlCursor): void {
  const { dialect, session } = cursor
  const verb = cursor.word()
  if (verb === 'RESET') {
    session.push(cursor.isWord('ALL', 1) ? { kind: 'reset-all' } : { kind: 'reset', name: nameAt(cursor, 1) })
  } else if (verb === 'DISCARD') {
    if (cursor.isWord('ALL', 1)) session.push({ kind: 'discard-all' })
  } else if (verb === 'SET' && dialect === 'postgresql') noteSet(cursor)
  else if (verb === 'SET') noteSets(cursor)
  else session.push({ kind: 'set', name: verb === 'USE' ? 'use' : '*' })
}

/** `SET [SESSION | LOCAL] name { TO | = } value`. A local setting ends with the transaction. */
function noteSet(cursor: SqlCursor): void {
  if (cursor.isWord('LOCAL', 1)) return
  const at = cursor.isWord('SESSION', 1) && !cursor.isWord('AUTHORIZATION', 2) ? 2 : 1
  note(cursor, nameAt(cursor, at))
}

/**
 * MySQL: `SET SESSION TRANSACTION ISOLATION LEVEL …`. Uncommitted rows can be rolled back; the other levels
 * change no read outside of transactions. PostgreSQL: `SET SESSION CHARACTERISTICS AS TRANSACTION …`.
 */
function noteIsolation(cursor: SqlCursor): void {
  if (cursor.dialect === 'postgresql' && cursor.isWord('CHARACTERISTICS', 2))
    note(cursor, 'default_transaction_isolation')
  if (cursor.dialect !== 'mysql' || !(cursor.isWord('SESSION', 1) || cursor.isWord('LOCAL', 1))) return
  const name = 'transaction_isolation'
  for (let offset = 3; cursor.token(offset) !== undefined && !cursor.isSymbol(';', offset); offset++) {
    if (cursor.isWord('UNCOMMITTED', offset)) cursor.session.push({ kind: 'set', name })
    else if (cursor.isWord('LEVEL', offset) && !cursor.isWord('UNCOMMITTED', offset + 2))
      cursor.session.push({ kind: 'reset', name })
  }
}

/** MySQL: one or more settings, each with its own scope. A global setting applies to later sessions. */
function noteSets(cursor: SqlCursor): void {
  for (const offset of settingsOf(cursor)) {
    const at = cursor.isAny(scopes, offset) ? offset + 1 : offset
    const first = cursor.token(at)?.text ?? ''
    if (first.startsWith('@@')) note(cursor, lowerAscii(lastPart(cursor, at)))
    else if (!first.startsWith('@') && !cursor.isWord('GLOBAL', offset)) note(cursor, nameAt(cursor, at))
  }
}

/** The offsets at which SET names a setting: PostgreSQL accepts one, MySQL several. */
function settingsOf(cursor: SqlCursor): number[] {
  const offsets = [1]
  if (cursor.dialect === 'postgresql') return offsets
  let depth = 0
  for (let offset = 1; !isEnd(cursor, offset); offset++) {
    if (cursor.isSymbol('(', offset)) depth += 1
    else if (cursor.isSymbol(')', offset)) depth -= 1
    else if (depth === 0 && cursor.isSymbol(',', offset)) offsets.push(offset + 1)
  }
  return offsets
}

function isEnd(cursor: SqlCursor, offset: number): boolean {
  return cursor.token(offset) === undefined || cursor.isSymbol(';', offset)
}

/**
 * Whether SET or RESET changes only settings that change no result, and calls nothing: MySQL also accepts an
 * expression as a value.
 */
function changesOnlyNeutral(cursor: SqlCursor): boolean {
  if (cursor.isWord('RESET')) return neutralSettings.has(nameAt(cursor, 1))
  if (!cursor.isWord('SET')) return false
  for (let offset = 1; !isEnd(cursor, offset); offset++)
    if (cursor.isSymbol('(', offset) || cursor.token(offset)?.kind === 'parameter') return false
  return settingsOf(cursor).every((offset) => {
    const isScoped = cursor.isWord('SESSION', offset) || cursor.isWord('LOCAL', offset)
    return neutralSettings.has(nameAt(cursor, isScoped ? offset + 1 : offset))
  })
}

/** `@@session.sql_mode`, in any number of tokens. */
function lastPart(cursor: SqlCursor, at: number): string {
  let end = at
  while (cursor.isSymbol('.', end + 1)) end += 2
  const text = cursor.token(end)?.text ?? ''
  return text.slice(text.lastIndexOf('.') + 1).replace(/^@+/, '')
}

function note({ session }: SqlCursor, name: string): void {
  if (!neutralSettings.has(name)) session.push({ kind: 'set', name })
}

function nameAt(cursor: SqlCursor, at: number): string {
  if (cursor.isWord('TIME', at) && cursor.isWord('ZONE', at + 1)) return 'timezone'
  if (cursor.isWord('SESSION', at)) return 'session_authorization'
  if (cursor.isWord('SCHEMA', at)) return 'search_path'
  let end = at
  while (cursor.isSymbol('.', end + 1)) end += 2
  let name = ''
  for (let offset = at; offset <= end; offset++) name += cursor.token(offset)?.text ?? ''
  return lowerAscii(name)
}
