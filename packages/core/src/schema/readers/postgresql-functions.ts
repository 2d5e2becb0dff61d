import { readStatement } from '../../sql/statement.ts'
import type { Connection } from '../connection.ts'
import { type DatabaseFunctions, type FunctionLevel, higherLevel } from '../database-functions.ts'
import {
  bodyOf,
  type Calling,
  isInC,
  isOfKnownExtension,
  levelsOf,
  READ_ONLY_EXTENSIONS,
  relationOf,
} from './postgresql-levels.ts'
import { flagOf, optionalTextOf, type Row, textOf } from './row-values.ts'

/**
 * User-defined functions, except those that read and write values of a type, which every statement can call.
 */
const FUNCTIONS = `
  SELECT p.oid::text AS "function", p.proname::text AS "name", p.provolatile::text AS "volatility", l.lanname::text AS "language",
    CASE WHEN l.lanname = 'sql' AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NOT NULL THEN pg_catalog.pg_get_functiondef(p.oid)
      WHEN l.lanname IN ('sql', 'plpgsql', 'c') THEN p.prosrc ELSE '' END AS "source",
    p.pronargs = 1 AND a.typtype IN ('c', 'p') AS "is_of_row",
    g.aggfnoid IS NOT NULL AS "is_aggregate",
    (SELECT pg_catalog.string_agg(x::oid::text, ' ') FROM pg_catalog.unnest(ARRAY[g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn,
      g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn]) x) AS "parts",
    (SELECT COALESCE(pg_catalog.bool_and(x.provolatile = 'i'), true) FROM pg_catalog.pg_proc x
      WHERE x.oid < 16384 AND x.oid IN (g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn,
        g.aggminvtransfn, g.aggmfinalfn))
      AND EXISTS (SELECT 1 FROM pg_catalog.pg_proc x JOIN pg_catalog.pg_aggregate y ON y.aggfnoid = x.oid
        WHERE x.oid < 16384 AND x.proname = p.proname) AS "has_known_parts",
    (SELECT e.extname::text FROM pg_catalog.pg_depend x JOIN pg_catalog.pg_extension e ON e.oid = x.refobjid
      WHERE x.classid = 'pg_catalog.pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e' LIMIT 1) AS "extension"
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  LEFT JOIN pg_catalog.pg_aggregate g ON g.aggfnoid = p.oid
  LEFT JOIN pg_catalog.pg_type a ON p.pronargs = 1 AND a.oid = p.proargtypes[0]
  WHERE p.oid >= 16384
    AND NOT (l.lanname IN ('c', 'internal') AND EXISTS (
      SELECT 1 FROM pg_catalog.pg_type y WHERE p.oid IN (y.typinput, y.typoutput, y.typreceive, y.typsend, y.typmodin, y.typmodout)))`

/**
 * Implicit callers of user-defined functions: tables through triggers, defaults, checks and indexes, and
 * types through checks, casts and comparisons. `GROUP BY` calls the operators of an operator class. Functions
 * in C that read and write the values of a type are omitted if they belong to the same known extension, and
 * for a domain those of the type on which it is based.
 */
const USES = `
  WITH f AS MATERIALIZED (SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.oid >= 16384),
  d AS MATERIALIZED (
    SELECT d.classid, d.objid, f.oid AS function FROM f
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = f.oid
    UNION ALL
    SELECT d.classid, d.objid, f.oid FROM f JOIN pg_catalog.pg_operator o ON o.oprcode = f.oid
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND d.refobjid = o.oid
  ),
  m AS MATERIALIZED (
    SELECT x.classid, x.objid, x.refobjid AS extension FROM pg_catalog.pg_depend x JOIN pg_catalog.pg_extension e ON e.oid = x.refobjid
    WHERE x.refclassid = 'pg_catalog.pg_extension'::regclass AND x.deptype = 'e' AND e.extname IN (${[...READ_ONLY_EXTENSIONS].map((name) => `'${name}'`).join()})
  ),
  u AS (
    SELECT a.adrelid AS relation, 0::oid AS type, d.function, false AS when_read FROM d
    JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = a.oid
    UNION ALL SELECT c.conrelid, c.contypid, d.function, false FROM d
    JOIN pg_catalog.pg_constraint c ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = c.oid
    UNION ALL SELECT i.indrelid, 0, d.function, false FROM d
    JOIN pg_catalog.pg_index i ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
    UNION ALL SELECT t.tgrelid, 0, d.function, false FROM d
    JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = t.oid AND NOT t.tgisinternal
    UNION ALL SELECT 0, d.objid, d.function, false FROM d WHERE d.classid = 'pg_catalog.pg_type'::regclass
      AND NOT EXISTS (
        SELECT 1 FROM m g JOIN pg_catalog.pg_proc p ON p.oid = g.objid JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        JOIN pg_catalog.pg_type t ON t.oid = d.objid
        WHERE g.classid = 'pg_catalog.pg_proc'::regclass AND g.objid = d.function AND l.lanname IN ('c', 'internal')
          AND (t.typtype = 'd' OR EXISTS (SELECT 1 FROM m y WHERE y.classid = d.classid AND y.objid = d.objid AND y.extension = g.extension)))
    UNION ALL SELECT 0, t.oid, f.oid, c.castcontext = 'i' FROM f JOIN pg_catalog.pg_cast c ON c.castfunc = f.oid
      CROSS JOIN LATERAL (VALUES (c.castsource), (c.casttarget)) t (oid)
    UNION ALL SELECT 0, t.oid, f.oid, true FROM f JOIN pg_catalog.pg_amproc a ON a.amproc = f.oid
      CROSS JOIN LATERAL (VALUES (a.amproclefttype), (a.amprocrighttype)) t (oid)
    UNION ALL SELECT 0, t.oid, f.oid, true FROM f JOIN pg_catalog.pg_operator o ON o.oprcode = f.oid
      JOIN pg_catalog.pg_amop a ON a.amopopr = o.oid AND a.amopmethod IN (SELECT m.oid FROM pg_catalog.pg_am m WHERE m.amname IN ('btree', 'hash'))
      CROSS JOIN LATERAL (VALUES (a.amoplefttype), (a.amoprighttype)) t (oid)
  )
  SELECT n.nspname::text AS "schema", c.relname::text AS "table", u.type::text AS "type", u.function::text AS "function", u.when_read
  FROM u LEFT JOIN pg_catalog.pg_class c ON c.oid = u.relation LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid IS NOT NULL OR u.type <> 0`

/**
 * Functions that the views and policies of a database call, and the views and tables with policies that they
 * read.
 */
const RELATIONS = `
  WITH r AS MATERIALIZED (
    SELECT 'pg_catalog.pg_rewrite'::regclass AS class, w.oid, w.ev_class AS relation FROM pg_catalog.pg_rewrite w
    WHERE w.ev_type = '1' AND w.ev_class >= 16384
    UNION ALL SELECT 'pg_catalog.pg_policy'::regclass, p.oid, p.polrelid FROM pg_catalog.pg_policy p
  )
  SELECT DISTINCT n.nspname::text AS "schema", c.relname::text AS "table", r.relation::text AS "relation",
    CASE WHEN d.refclassid = 'pg_catalog.pg_type'::regclass THEN 'type ' WHEN d.refclassid = 'pg_catalog.pg_class'::regclass THEN 'relation '
      ELSE '' END || COALESCE(o.oprcode::oid, d.refobjid)::text AS "uses"
  FROM r
  JOIN pg_catalog.pg_depend d ON d.classid = r.class AND d.objid = r.oid AND d.refobjid >= 16384
  JOIN pg_catalog.pg_class c ON c.oid = r.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
  WHERE d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_type'::regclass) OR o.oid IS NOT NULL
    OR d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.relation AND EXISTS (SELECT 1 FROM r s WHERE s.relation = d.refobjid)`

/**
 * User-defined types with the types that each contains: as a domain, an array, a composite type or a range.
 * The transitive closure is computed in this process, because recursion in the database is slow.
 */
const TYPES = `
  SELECT t.oid::text AS "type", t.typname::text AS "name",
    COALESCE(NULLIF(t.typbasetype, 0), NULLIF(t.typelem, 0), a.atttypid, g.rngsubtype, 0)::text AS "holds"
  FROM pg_catalog.pg_type t
  LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid AND r.relkind = 'c'
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_range g ON g.rngtypid = t.oid
  WHERE t.oid >= 16384 AND (t.typrelid = 0 OR r.oid IS NOT NULL)`

/**
 * Tables by the types of their columns.
 *
 * @param types - OIDs.
 */
const typed = (types: Iterable<string>) => `
  SELECT DISTINCT n.nspname::text AS "schema", c.relname::text AS "table", a.atttypid::text AS "type"
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE a.atttypid IN (${[...types].join()}) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')`

/** `int2`, `int4`, `int8`, `float4`, `float8` and `numeric`. */
const NUMBERS = '21, 23, 20, 700, 701, 1700'

const OPERATORS = `
  SELECT o.oprname::text AS "name", o.oprcode::oid::text AS "function",
    EXISTS (
      SELECT 1 FROM pg_catalog.pg_type t WHERE t.oid IN (o.oprleft, o.oprright) AND (t.typtype IN ('d', 'p') OR t.oid IN (${NUMBERS})
        OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast c WHERE c.castsource IN (${NUMBERS}) AND c.casttarget = t.oid AND c.castcontext = 'i'))
    ) AS "takes_numbers"
  FROM pg_catalog.pg_operator o WHERE o.oprcode >= 16384`

/**
 * PostgreSQL's built-in functions that write nothing, and among them those that are immutable in all
 * overloads.
 */
const BUILT_IN = `
  SELECT pg_catalog.string_agg(x.name, ' ') FILTER (WHERE x.pure) AS "pure", pg_catalog.string_agg(x.name, ' ') AS "read_only"
  FROM (
    SELECT p.proname::text AS name, pg_catalog.bool_and(p.provolatile = 'i') AS pure FROM pg_catalog.pg_proc p
    WHERE p.oid < 16384 GROUP BY 1 HAVING pg_catalog.bool_and(p.provolatile <> 'v')
  ) x`

/** Tables with functions that statements do not show. Names are JSON lists of schema and table. */
export interface PostgresFunctions {
  readonly functions: DatabaseFunctions
  /** User-defined functions by OID. */
  readonly byId: ReadonlyMap<string, Row>
  /** The maximum effect of a table's implicitly called functions. */
  readonly ofTables: ReadonlyMap<string, FunctionLevel>
  /**
   * Tables with a column whose casts or comparisons can depend on other tables, although a statement only
   * names the column.
   */
  readonly dependent: ReadonlySet<string>
  /** The maximum effect of reading a view or table. */
  readonly whenRead: ReadonlyMap<string, FunctionLevel>
}

export function tableName(row: Row): string {
  return JSON.stringify([textOf(row, 'schema'), textOf(row, 'table')])
}

/**
 * Determines which functions, operators, types and tables of a database can depend on more, or have more
 * effects, than a statement shows.
 */
export async function readPostgresFunctions(connection: Connection): Promise<PostgresFunctions> {
  const [builtIn] = await connection.query(BUILT_IN)
  const split = (column: string) => new Set(((builtIn && optionalTextOf(builtIn, column)) ?? '').split(' '))
  const [pure, readOnly] = [split('pure'), split('read_only')]
  const rows = await connection.query(FUNCTIONS)
  if (rows.length === 0) {
    const none = {
      untrusted: new Map(),
      ofRows: NONE,
      operators: new Map(),
      operatorsOfNumbers: NONE,
      types: new Map(),
      configuring: NONE,
    }
    return {
      functions: { ...none, pure, readOnly },
      byId: new Map(),
      ofTables: new Map(),
      dependent: NONE,
      whenRead: new Map(),
    }
  }
  const operatorRows = await connection.query(OPERATORS)
  const uses = await connection.query(USES)
  const types = uses.some((row) => row.table === null) ? await connection.query(TYPES) : []
  const relations = await connection.query(RELATIONS)
  const { levels, configuring } = levelsOf({
    functions: rows,
    operators: operatorRows,
    uses,
    types,
    relations,
  })
  const trusted = trustedAmong(rows, pure, operatorRows)
  for (const id of trusted) if (levels.get(id) !== 'reads') trusted.delete(id)
  const untrusted = new Map<string, FunctionLevel>()
  for (const row of rows) {
    const name = textOf(row, 'name')
    const id = textOf(row, 'function')
    if (!trusted.has(id)) untrusted.set(name, higherLevel(levels.get(id) ?? 'defines', untrusted.get(name)))
  }
  for (const row of rows) {
    const name = textOf(row, 'name')
    if (!readOnly.has(name) && !untrusted.has(name)) pure.add(name)
  }
  for (const name of untrusted.keys()) {
    pure.delete(name)
    readOnly.delete(name)
  }
  // An untrusted function that only reads modifies no table, but a read can depend on it.
  const isUntrusted = (row: Row) => !trusted.has(textOf(row, 'function'))
  const immutable = new Set(
    rows.filter((row) => textOf(row, 'volatility') === 'i').map((row) => textOf(row, 'function')),
  )
  for (const row of rows) if (isOfKnownExtension(row)) immutable.add(textOf(row, 'function'))
  const code = new Set(rows.filter((row) => !isInC(row)).map((row) => textOf(row, 'function')))
  const {
    types: ofTypes,
    whenRead,
    ...ofTables
  } = await usesOf(connection, { uses, types }, levels, immutable, code)
  for (const row of relations) {
    const name = tableName(row)
    whenRead.set(name, higherLevel(levels.get(relationOf(row)) ?? 'defines', whenRead.get(name)))
  }
  const untrustedOperators = operatorRows.filter(isUntrusted)
  const operators = new Map<string, FunctionLevel>()
  for (const row of untrustedOperators) {
    const name = textOf(row, 'name')
    operators.set(name, higherLevel(levels.get(textOf(row, 'function')) ?? 'defines', operators.get(name)))
  }
  const operatorsOfNumbers = new Set(
    untrustedOperators.filter((row) => flagOf(row, 'takes_numbers')).map((row) => textOf(row, 'name')),
  )
  const namesOf = (ids: ReadonlySet<string>) =>
    new Set(rows.filter((row) => ids.has(textOf(row, 'function'))).map((row) => textOf(row, 'name')))
  const ofRows = new Set(
    rows.filter((row) => isUntrusted(row) && row.is_of_row === true).map((row) => textOf(row, 'name')),
  )
  return {
    functions: {
      untrusted,
      ofRows,
      operators,
      operatorsOfNumbers,
      types: ofTypes,
      pure,
      readOnly,
      configuring: namesOf(configuring),
    },
    byId: new Map(rows.map((row) => [textOf(row, 'function'), row])),
    ...ofTables,
    whenRead,
  }
}

/** PostgreSQL's built-in objects have OIDs below this number. */
export const FIRST_OF_USERS = 16_384

const NONE: ReadonlySet<string> = new Set()

type UsesOfTypes = Pick<DatabaseFunctions, 'types'> &
  Pick<PostgresFunctions, 'ofTables' | 'dependent'> & { readonly whenRead: Map<string, FunctionLevel> }

/** @param code - The functions whose code shows their effects. */
async function usesOf(
  connection: Connection,
  { uses, types: rows }: Pick<Calling, 'uses' | 'types'>,
  levels: ReadonlyMap<string, FunctionLevel>,
  pure: ReadonlySet<string>,
  code: ReadonlySet<string>,
): Promise<UsesOfTypes> {
  const byType = new Map<string, FunctionLevel>()
  /** Effects of reading a value: sorting and grouping call functions, and so do implicit casts. */
  const byReadType = new Map<string, FunctionLevel>()
  const [ofTables, whenRead] = [new Map<string, FunctionLevel>(), new Map<string, FunctionLevel>()]
  for (const row of uses) {
    const id = textOf(row, 'function')
    const level = levels.get(id) ?? 'defines'
    // A table's function that only reads modifies no table, but a result can depend on a function of a type.
    if (level === 'reads' && (row.table !== null || pure.has(id))) continue
    if (row.table !== null) raise(ofTables, tableName(row), level)
    else {
      raise(byType, textOf(row, 'type'), level)
      if (flagOf(row, 'when_read') && code.has(id)) raise(byReadType, textOf(row, 'type'), level)
    }
  }
  const dependent = new Set<string>()
  if (byType.size === 0) return { types: byType, ofTables, dependent, whenRead }
  spread(byType, rows)
  spread(byReadType, rows)
  for (const row of await connection.query(typed(byType.keys()))) {
    const type = textOf(row, 'type')
    // A cast to a user-defined type names the type.
    if (Number(type) >= FIRST_OF_USERS) dependent.add(tableName(row))
    raise(ofTables, tableName(row), byType.get(type), 'reads')
    raise(whenRead, tableName(row), byReadType.get(type), 'reads')
  }
  const types = new Map<string, FunctionLevel>()
  for (const row of rows) raise(types, textOf(row, 'name'), byType.get(textOf(row, 'type')))
  return { types, ofTables, dependent, whenRead }
}

/** @param omitted - A level that adds nothing. */
function raise(
  levels: Map<string, FunctionLevel>,
  key: string,
  level: FunctionLevel | undefined,
  omitted?: FunctionLevel,
): void {
  if (level !== undefined && level !== omitted) levels.set(key, higherLevel(level, levels.get(key)))
}

/** Adds the types that contain those with a level. */
function spread(byType: Map<string, FunctionLevel>, rows: readonly Row[]): void {
  for (let isGrowing = byType.size > 0; isGrowing; ) {
    isGrowing = false
    for (const row of rows) {
      const [known, type] = [byType.get(textOf(row, 'type')), textOf(row, 'type')]
      raise(byType, type, byType.get(textOf(row, 'holds')))
      if (byType.get(type) !== known) isGrowing = true
    }
  }
}

/**
 * Immutable functions in C, and in SQL if their bodies read no table and call only pure functions. Aggregates
 * of such functions, if a built-in aggregate has the same name: a statement does not show that the others
 * combine rows.
 */
function trustedAmong(
  rows: readonly Row[],
  builtIn: ReadonlySet<string>,
  operatorRows: readonly Row[],
): Set<string> {
  const trusted = new Set<string>()
  const immutable = rows.filter((row) => textOf(row, 'volatility') === 'i' && !flagOf(row, 'is_aggregate'))
  for (const row of immutable) if (isInC(row)) trusted.add(textOf(row, 'function'))
  const operators = new Set(
    operatorRows.filter((row) => !trusted.has(textOf(row, 'function'))).map((row) => textOf(row, 'name')),
  )
  for (const row of immutable)
    if (textOf(row, 'language') === 'sql' && isPureBody(bodyOf(row), builtIn, operators))
      trusted.add(textOf(row, 'function'))
  for (const row of rows) {
    if (!flagOf(row, 'is_aggregate') || !flagOf(row, 'has_known_parts')) continue
    const parts = (optionalTextOf(row, 'parts') ?? '').split(' ')
    if (parts.every((id) => Number(id) < FIRST_OF_USERS || trusted.has(id)))
      trusted.add(textOf(row, 'function'))
  }
  return trusted
}

function isPureBody(source: string, builtIn: ReadonlySet<string>, operators: ReadonlySet<string>): boolean {
  const { opaque, kinds, reads, writes, volatile, timed, functions, names } = readStatement(
    // An argument can be a string such as `now`, unlike a bound value.
    source.replace(/^\s*RETURN\b/i, 'SELECT').replaceAll(/\$\d+/g, 'argument'),
    'postgresql',
  )
  if (opaque !== undefined || volatile || timed.length > 0 || reads.length > 0 || writes.length > 0)
    return false
  // A name with a schema, or an operator that is not trusted, can refer to a user-defined function.
  const areBuiltIn = [...functions].every((name) => builtIn.has(name.replace(/^pg_catalog\./, '')))
  const hasOperators = names.words.has('operator') || [...names.operators].some((name) => operators.has(name))
  return areBuiltIn && !hasOperators && kinds.length > 0 && kinds.every((kind) => kind === 'SELECT')
}
