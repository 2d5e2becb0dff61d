import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import type { SqlCursor } from './cursor.ts'

/** Settings that change no result of a statement, and no table that it names. */
const harmless = words(`
  statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout deadlock_timeout
  application_name client_min_messages log_statement log_min_messages log_min_duration_statement log_duration work_mem
  maintenance_work_mem temp_buffers synchronous_commit commit_delay tcp_keepalives_idle tcp_keepalives_interval tcp_keepalives_count
  tcp_user_timeout
  wait_timeout interactive_timeout lock_wait_timeout innodb_lock_wait_timeout max_statement_time max_execution_time net_read_timeout
  net_write_timeout idle_transaction_timeout idle_write_transaction_timeout
  busy_timeout cache_size journal_mode journal_size_limit synchronous temp_store mmap_size wal_autocheckpoint wal_checkpoint optimize
  analysis_limit locking_mode secure_delete auto_vacuum cache_spill threads query_only foreign_keys defer_foreign_keys`)

const scopes = words('SESSION GLOBAL LOCAL PERSIST PERSIST_ONLY')

/** Records the settings that SET, RESET, USE, DISCARD, ATTACH and DETACH change. Consumes nothing. */
export function noteSessionChange(cursor: SqlCursor): void {
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
 * change no read outside of transactions.
 */
export function noteIsolation(cursor: SqlCursor): void {
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
  let depth = 0
  let isStart = true
  for (let offset = 1; cursor.token(offset) !== undefined && !cursor.isSymbol(';', offset); offset++) {
    if (isStart) {
      const at = cursor.isAny(scopes, offset) ? offset + 1 : offset
      const first = cursor.token(at)?.text ?? ''
      if (first.startsWith('@@')) note(cursor, lowerAscii(lastPart(cursor, at)))
      else if (!first.startsWith('@') && !cursor.isWord('GLOBAL', offset)) note(cursor, nameAt(cursor, at))
      isStart = false
    }
    if (cursor.isSymbol('(', offset)) depth += 1
    else if (cursor.isSymbol(')', offset)) depth -= 1
    else if (depth === 0 && cursor.isSymbol(',', offset)) isStart = true
  }
}

/** `@@session.sql_mode`, in any number of tokens. */
function lastPart(cursor: SqlCursor, at: number): string {
  let end = at
  while (cursor.isSymbol('.', end + 1)) end += 2
  const text = cursor.token(end)?.text ?? ''
  return text.slice(text.lastIndexOf('.') + 1).replace(/^@+/, '')
}

function note({ session }: SqlCursor, name: string): void {
  if (!harmless.has(name)) session.push({ kind: 'set', name })
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

/** SQLite: `PRAGMA name = value`. */
export function notePragma(cursor: SqlCursor, name: string): void {
  note(cursor, lowerAscii(name))
}
