import { CHANGE_TRIGGER } from '../../schema/change-trigger.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule } from '../../shared/options.ts'

/** Default channel. */
export const DEFAULT_CHANNEL = 'sluice_changes'

/** A table: `city` (resolved with the search path), `public.city`, or its parts if a name contains a dot. */
export type ChangeTriggerTable = string | { readonly schema: string; readonly name: string }

export interface DropChangeTriggersOptions {
  /**
   * Tables. `tables` or `schemas` is required.
   * @defaultValue none
   */
  readonly tables?: readonly ChangeTriggerTable[]
  /**
   * Schemas; all their tables are included.
   * @defaultValue none
   */
  readonly schemas?: readonly string[]
  /**
   * Schema of the function that the triggers call.
   * @defaultValue 'public'
   */
  readonly functionSchema?: string
}

export interface ChangeTriggersOptions extends DropChangeTriggersOptions {
  /**
   * Channel that the triggers notify. At most 63 bytes.
   * @defaultValue 'sluice_changes'
   */
  readonly channel?: string
}

const name: OptionRule = {
  expected: 'a name',
  accepts: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
}
const names: OptionRule = {
  expected: 'an array of at least one name',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => name.accepts(one)),
}
const tables: OptionRule = {
  expected: 'an array of at least one `table`, `schema.table` or { schema, name }',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isTable),
}

/** Validation rule for the name of a channel. */
export const channelRule: OptionRule = {
  expected: 'a name of at most 63 bytes',
  accepts: (value) => name.accepts(value) && Buffer.byteLength(value as string) <= 63,
}

/**
 * Returns SQL for PostgreSQL 11 and later that creates a trigger for each table. When a statement that wrote
 * to the table commits, the trigger sends the table's name to a channel. You can run the SQL again: existing
 * triggers stay unchanged, without a lock.
 *
 * Connections with `sluice.quiet` set to `on` (`SET sluice.quiet = on`) send no notifications.
 *
 * @throws InvalidOptionError if neither tables nor schemas are given, or for an invalid name.
 */
export function changeTriggersSql(options: ChangeTriggersOptions): string {
  const { channel = DEFAULT_CHANNEL, functionSchema = 'public', ...which } = checked(options)
  const notify = `${identifier(functionSchema)}.${identifier(CHANGE_TRIGGER)}`
  const events = `AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION ${notify}(%L)`
  return `CREATE OR REPLACE FUNCTION ${notify}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $sluice$
BEGIN
  IF current_setting('sluice.quiet', true) IS DISTINCT FROM 'on' THEN
    PERFORM pg_notify(TG_ARGV[0], TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END
$sluice$;

DO $sluice$
DECLARE
  target regclass;
BEGIN
  FOR target IN
${targets(which)}
  LOOP
    CONTINUE WHEN EXISTS (
      SELECT FROM pg_catalog.pg_trigger t
      WHERE t.tgrelid = target AND t.tgname = ${literal(CHANGE_TRIGGER)} AND t.tgenabled IN ('O', 'A')
        AND t.tgfoid = ${literal(`${notify}()`)}::regprocedure
        AND t.tgargs = pg_catalog.convert_to(${literal(channel)}, pg_catalog.getdatabaseencoding()) || '\\x00'::bytea);
    EXECUTE pg_catalog.format('DROP TRIGGER IF EXISTS ${identifier(CHANGE_TRIGGER)} ON %s', target);
    EXECUTE pg_catalog.format(${literal(`CREATE TRIGGER ${identifier(CHANGE_TRIGGER)} ${events}`)}, target, ${literal(channel)});
  END LOOP;
END
$sluice$;
`
}

/**
 * Returns SQL that removes what `changeTriggersSql` created: the triggers of these tables, and the function
 * if no trigger calls it anymore. You can run it again.
 *
 * @throws InvalidOptionError if neither tables nor schemas are given, or for an invalid name.
 */
export function dropChangeTriggersSql(options: DropChangeTriggersOptions): string {
  const { functionSchema = 'public', ...which } = checked(options)
  const notify = `${identifier(functionSchema)}.${identifier(CHANGE_TRIGGER)}`
  return `DO $sluice$
DECLARE
  target regclass;
BEGIN
  FOR target IN
${targets(which)}
  LOOP
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = target AND t.tgname = ${literal(CHANGE_TRIGGER)}) THEN
      EXECUTE pg_catalog.format('DROP TRIGGER ${identifier(CHANGE_TRIGGER)} ON %s', target);
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = pg_catalog.to_regprocedure(${literal(`${notify}()`)})) THEN
    DROP FUNCTION IF EXISTS ${notify}();
  END IF;
END
$sluice$;
`
}

function checked(options: ChangeTriggersOptions): ChangeTriggersOptions {
  checkOptions(options, { tables, schemas: names, channel: channelRule, functionSchema: name })
  if (options.tables === undefined && options.schemas === undefined)
    throw new InvalidOptionError('tables', `${tables.expected}, or \`schemas\``, options.tables)
  return options
}

/** A query for the tables. A partition has a separate trigger, for statements that name it. */
function targets({ tables = [], schemas = [] }: ChangeTriggersOptions): string {
  const named = tables.map((table) => `    SELECT ${literal(tableName(table))}::regclass`)
  const inSchemas = `    SELECT c.oid::regclass FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname IN (${schemas.map(literal).join(', ')})`
  return [...named, ...(schemas.length > 0 ? [inSchemas] : [])].join('\n    UNION\n')
}

function isTable(table: unknown): boolean {
  if (typeof table === 'string') return name.accepts(table) && table.split('.').every((part) => part !== '')
  const { schema, name: own } = (table ?? {}) as { readonly schema?: unknown; readonly name?: unknown }
  return name.accepts(schema) && name.accepts(own)
}

function tableName(table: ChangeTriggerTable): string {
  if (typeof table !== 'string') return `${identifier(table.schema)}.${identifier(table.name)}`
  const dot = table.indexOf('.')
  return dot === -1
    ? identifier(table)
    : `${identifier(table.slice(0, dot))}.${identifier(table.slice(dot + 1))}`
}

function identifier(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

/** Safe for any value of `standard_conforming_strings`. */
function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
