import { words } from '../keywords.ts'
import type { SqlCursor } from './cursor.ts'

const definitions = words('CREATE ALTER DROP RENAME COMMENT GRANT REVOKE IMPORT SECURITY REASSIGN')
const modifiers = words('OR REPLACE LOCAL GLOBAL TEMP TEMPORARY UNLOGGED RECURSIVE')
const relations = words('TABLE VIEW')
/** Definitions whose bodies can contain semicolons. */
const withBodies = words('TRIGGER FUNCTION PROCEDURE EVENT RULE PACKAGE SCHEMA')
const temporarySchemas = words('PG_TEMP TEMP')
const afterTruncate = words('RESTART CONTINUE IDENTITY CASCADE RESTRICT')

/** Reads a statement that defines an object. For other statements, returns false and consumes nothing. */
export function readDefinition(cursor: SqlCursor): boolean {
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
export function readTruncate(cursor: SqlCursor): void {
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
export function readRefresh(cursor: SqlCursor): void {
  if (!cursor.takeWords('REFRESH', 'MATERIALIZED', 'VIEW')) cursor.fail('REFRESH statement')
  cursor.takeWord('CONCURRENTLY')
  cursor.changes.push({ how: 'refresh', table: cursor.tableName() })
  cursor.skipStatement()
}
