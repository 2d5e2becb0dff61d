import { words } from '../../sql/keywords.ts'
import { tokenize } from '../../sql/tokenize.ts'
import { bothChanges, type OwnChange } from '../../sql/triggers/own-change.ts'
import { columnsAssignedInRow } from '../../sql/triggers/plpgsql-row.ts'
import { bodyOf } from './postgresql-levels.ts'
import { type Row, textOf } from './row-values.ts'

/** Built-in trigger functions that write nothing but a column of the row, and no row at all. */
const BUILT_IN = `'tsvector_update_trigger', 'tsvector_update_trigger_column', 'suppress_redundant_updates_trigger'`

/** Functions in C that set the column named by their first argument. */
const SETS_ARGUMENT = words(
  'moddatetime insert_username tsvector_update_trigger tsvector_update_trigger_column',
)
const SETS_NOTHING = 'suppress_redundant_updates_trigger'

/** Whether a table `c` has a rule, or a trigger with a built-in function that may write other rows. */
export const HAS_OTHER_TRIGGERS: string = `
    EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND f.oid < 16384 AND f.proname NOT IN (${BUILT_IN}))`

/**
 * Whether a table `c` belongs to an extension with functions in C. These can read it even if they are
 * declared immutable, such as the functions of PostGIS that read `spatial_ref_sys`.
 */
export const IS_OF_EXTENSION: string = `
    EXISTS (SELECT 1 FROM pg_catalog.pg_depend x
      JOIN pg_catalog.pg_depend y ON y.refclassid = x.refclassid AND y.refobjid = x.refobjid AND y.deptype = 'e'
      JOIN pg_catalog.pg_proc f ON y.classid = 'pg_catalog.pg_proc'::regclass AND f.oid = y.objid
      JOIN pg_catalog.pg_language l ON l.oid = f.prolang
      WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e' AND l.lanname = 'c')`

/**
 * The triggers that can change a row of a table `c` before an UPDATE writes it, as JSON. The result of any
 * other trigger is ignored, or belongs to a new row.
 */
export const ROW_TRIGGERS: string = `
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('function', t.tgfoid::text, 'name', f.proname::text, 'is_c', l.lanname IN ('c', 'internal'),
        'argument', pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'), '\\000', 1)) ORDER BY t.oid)::text
      FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid JOIN pg_catalog.pg_language l ON l.oid = f.prolang
      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 19 = 19)`

interface RowTrigger {
  readonly function: string
  readonly name: string
  readonly is_c: boolean
  readonly argument: string
}

/**
 * The changes of a table's triggers in the rows of an UPDATE, if their functions only read.
 *
 * @param json - The result of {@link ROW_TRIGGERS}.
 * @param functions - User-defined functions by OID.
 */
export function rowChangeOf(
  json: string | undefined,
  functions: ReadonlyMap<string, Row>,
): OwnChange | undefined {
  let change: OwnChange | undefined
  for (const trigger of json === undefined ? [] : (JSON.parse(json) as readonly RowTrigger[])) {
    const columns = columnsOf(trigger, functions.get(trigger.function))
    if (columns?.length !== 0) change = bothChanges(change, { ...(columns && { columns }), isOfRow: true })
  }
  return change
}

/** The columns that a trigger sets; `undefined`: any. */
function columnsOf(
  { name, is_c, argument }: RowTrigger,
  definition: Row | undefined,
): readonly string[] | undefined {
  if (is_c) {
    if (name === SETS_NOTHING) return []
    // Other bytes than ASCII are escaped.
    return SETS_ARGUMENT.has(name) && !argument.includes('\\') ? [argument] : undefined
  }
  if (definition === undefined || textOf(definition, 'language') !== 'plpgsql') return undefined
  const columns = columnsAssignedInRow(tokenize(bodyOf(definition), 'postgresql'))
  return columns && [...columns]
}
