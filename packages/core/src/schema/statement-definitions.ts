import { words } from '../sql/keywords.ts'
import type { Statement } from '../sql/statement.ts'
import type { SchemaCatalog, WriteEffect } from './catalog.ts'
import { hiddenLevel, levelOfCall } from './hidden-calls.ts'

/** Statements that change no schema by themselves. */
const NO_DEFINITIONS = words(`
  SELECT WITH VALUES TABLE INSERT REPLACE UPDATE DELETE MERGE TRUNCATE COPY FETCH MOVE DECLARE CLOSE PREPARE DEALLOCATE
  SET RESET USE DISCARD PRAGMA SHOW DESCRIBE DESC LOCK UNLOCK ANALYZE LISTEN UNLISTEN NOTIFY VACUUM CLUSTER REINDEX CHECKPOINT KILL REFRESH
  BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE`)

/**
 * Whether a statement may change the schema: by itself, by a function that it calls, or by a trigger of a table that it writes.
 * Whatever cannot be read may.
 *
 * @param effect - What it writes.
 */
export function mayDefine(statement: Statement, catalog: SchemaCatalog | undefined, effect: WriteEffect | undefined): boolean {
  if (statement.transaction !== undefined || statement.isOwn === true) return false
  if (statement.ddl || statement.kinds.length === 0 || !statement.kinds.every((kind) => NO_DEFINITIONS.has(kind))) return true
  if (hiddenLevel(statement, catalog) === 'defines') return true
  if (effect?.everything === true && catalog?.hasDefiningTriggers === true) return true
  return catalog !== undefined && callsDefine(statement.functions, catalog)
}

/** Whether any of these functions may change the schema. */
export function callsDefine(functions: Iterable<string>, catalog: SchemaCatalog): boolean {
  for (const name of functions) if (levelOfCall(name, catalog) === 'defines') return true
  return false
}
