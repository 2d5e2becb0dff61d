import { words } from './keywords.ts'
import type { StatementCursor } from './statement-cursor.ts'

const definitions = words('CREATE ALTER DROP RENAME COMMENT GRANT REVOKE IMPORT SECURITY REASSIGN')
const modifiers = words('OR REPLACE LOCAL GLOBAL TEMP TEMPORARY UNLOGGED RECURSIVE')
const relations = words('TABLE VIEW')
/** Definitions whose bodies may hold semicolons. */
const withBodies = words('TRIGGER FUNCTION PROCEDURE EVENT RULE PACKAGE SCHEMA')
const temporarySchemas = words('PG_TEMP TEMP')

/** Reads a statement that defines something. Returns false, and takes nothing, for others. */
export function readDefinition(cursor: StatementCursor): boolean {
  if (!cursor.isAnyWord(definitions)) return false
  cursor.ddl = true
  cursor.giveUp('changes the schema')
  const creates = cursor.takeWord('CREATE')
  let temporary = false
  while (creates && cursor.isAnyWord(modifiers)) {
    temporary ||= cursor.isWord('TEMP') || cursor.isWord('TEMPORARY')
    cursor.position++
  }
  if (creates && cursor.takeAnyWord(relations)) noteTemporary(cursor, temporary)
  else if (creates && cursor.dialect === 'sqlite' && cursor.takeWord('TRIGGER')) {
    noteTrigger(cursor, temporary)
    return true
  }
  while (!cursor.atEnd() && !(creates && cursor.isAnyWord(withBodies))) cursor.position++
  // Where a body ends cannot be told: nothing after it is read.
  if (cursor.isAnyWord(withBodies)) cursor.position = cursor.tokens.length
  return true
}

function noteTemporary(cursor: StatementCursor, temporary: boolean): void {
  cursor.takeWords('IF', 'NOT', 'EXISTS')
  const name = cursor.tableName()
  const table = name.at(-1)
  const inTemporarySchema = name.length > 1 && temporarySchemas.has(name.at(-2)?.toUpperCase() ?? '')
  if (table !== undefined && (temporary || inTemporarySchema)) cursor.temporary.push(table)
}

/** SQLite: a temporary trigger may watch any table. Its connection alone knows it. */
function noteTrigger(cursor: StatementCursor, temporary: boolean): void {
  cursor.takeWords('IF', 'NOT', 'EXISTS')
  const name = cursor.tableName()
  const isTemporary = temporary || (name.length > 1 && name.at(-2)?.toUpperCase() === 'TEMP')
  while (!cursor.atEnd() && !cursor.isWord('ON')) cursor.position++
  if (isTemporary) cursor.triggered.push(cursor.takeWord('ON') && cursor.isName() ? cursor.tableName().at(-1) : undefined)
  // Where the body ends cannot be told: nothing after it is read.
  cursor.position = cursor.tokens.length
}
