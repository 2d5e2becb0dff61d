import { words } from '../sql/keywords.ts'
import type { Statement } from '../sql/statement.ts'
import type { SchemaCatalog, WriteEffect } from './catalog.ts'
import { hiddenLevel, levelOfCall } from './hidden-calls.ts'

/** Statements that change no schema themselves. */
const NO_DEFINITIONS = words(`
  SELECT WITH VALUES TABLE INSERT REPLACE UPDATE DELETE MERGE TRUNCATE COPY FETCH MOVE DECLARE CLOSE PREPARE DEALLOCATE
  SET RESET USE DISCARD PRAGMA SHOW DESCRIBE DESC LOCK UNLOCK ANALYZE LISTEN UNLISTEN NOTIFY VACUUM CLUSTER REINDEX CHECKPOINT KILL REFRESH
  BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE`)

/**
 * Whether a statement can change the schema: directly, through a function that it calls, or through a trigger
 * of a table that it writes. A statement that cannot be read counts as such.
 *
 * @param effect - The effect of its writes.
 */
export function mayDefine(
  statement: Statement,
  catalog: SchemaCatalog | undefined,
  effect: WriteEffect | undefined,
): boolean {
  if (statement.transaction !== undefined || statement.isOwn === true) return false
  if (
    statement.ddl ||
    statement.kinds.length === 0 ||
    !statement.kinds.every((kind) => NO_DEFINITIONS.has(kind))
  )
    return true
  if (hiddenLevel(statement, catalog) === 'defines') return true
  if (effect?.everything === true && catalog?.hasDefiningTriggers === true) return true
  return catalog !== undefined && callsDefine(statement.functions, catalog)
}

/** Whether any of these functions can change the schema. */
export function callsDefine(functions: Iterable<string>, catalog: SchemaCatalog): boolean {
  for (const name of functions) if (levelOfCall(name, catalog) === 'defines') return true
  return false
}
