import { words } from '../../sql/keywords.ts'
import { isConflictAction, mayChangeNames, mayChangeSession } from '../../sql/procedural-code.ts'
import { NO_NAMES, namesIn, type StatementNames } from '../../sql/statement-names.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { isSymbolToken, type Token, tokenize } from '../../sql/tokenize.ts'
import { type FunctionLevel, higherLevel } from '../database-functions.ts'
import { flagOf, optionalTextOf, type Row, textOf } from './row-values.ts'

/** C functions of these extensions modify no table, and read no others than those of their extension. */
export const READ_ONLY_EXTENSIONS: ReadonlySet<string> =
  words(`pgcrypto uuid-ossp pg_trgm citext hstore unaccent fuzzystrmatch intarray ltree cube earthdistance btree_gist
  btree_gin isn moddatetime insert_username tcn seg tsm_system_rows tsm_system_time postgis vector pg_uuidv7 pgulid`)

const DEFINING = words('EXECUTE CREATE ALTER DROP GRANT REVOKE COMMENT SECURITY REASSIGN IMPORT CALL DO')
const WRITING = words('INSERT UPDATE DELETE MERGE TRUNCATE COPY REFRESH')

/** Callers of functions, as rows of the queries in `postgresql-functions`. */
export interface Calling {
  readonly functions: readonly Row[]
  readonly operators: readonly Row[]
  readonly uses: readonly Row[]
  readonly types: readonly Row[]
  readonly relations: readonly Row[]
}

function typeOf(row: Row): string {
  return `type ${textOf(row, 'type')}`
}

export function relationOf(row: Row): string {
  return `relation ${textOf(row, 'relation')}`
}

/** Lists by key. */
class Lists {
  readonly #lists = new Map<string, string[]>()

  add(key: string, ...items: readonly string[]): void {
    const list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, [...items])
    else list.push(...items)
  }

  of(keys: Iterable<string>): readonly string[] {
    return [...keys].flatMap((key) => this.#lists.get(key) ?? [])
  }
}

/** Effects by function, `type` and `relation`. */
interface CalledEffects {
  readonly levels: ReadonlyMap<string, FunctionLevel>
  /** Those that may change settings of the session. */
  readonly configuring: ReadonlySet<string>
}

/**
 * The maximum effects of each function, `type` and `relation`: through its own code, or through the functions
 * and relations that it uses.
 */
export function levelsOf({ functions, operators, uses, types, relations }: Calling): CalledEffects {
  const levels = new Map<string, FunctionLevel>()
  const configuring = new Set<string>()
  const [byName, byOperator, byWord, called] = [new Lists(), new Lists(), new Lists(), new Lists()]
  for (const row of functions) byName.add(textOf(row, 'name'), textOf(row, 'function'))
  for (const row of operators) byOperator.add(textOf(row, 'name'), textOf(row, 'function'))
  for (const row of types) {
    byWord.add(textOf(row, 'name'), typeOf(row))
    levels.set(typeOf(row), 'reads')
    called.add(typeOf(row), `type ${textOf(row, 'holds')}`)
  }
  for (const row of uses) if (row.table === null) called.add(typeOf(row), textOf(row, 'function'))
  for (const row of relations) {
    byWord.add(textOf(row, 'table'), relationOf(row))
    levels.set(relationOf(row), 'reads')
    called.add(relationOf(row), textOf(row, 'uses'))
  }
  for (const row of functions) {
    const { level, names, configures = false } = ownLevel(row)
    const id = textOf(row, 'function')
    levels.set(id, level)
    if (configures) configuring.add(id)
    called.add(
      id,
      ...byName.of([...names.calls, ...names.fields]),
      ...byOperator.of(names.operators),
      ...byWord.of(names.words),
      ...(optionalTextOf(row, 'parts') ?? '').split(' '),
    )
  }
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false
    for (const [id, level] of levels) {
      const used = called.of([id])
      const next = used.reduce<FunctionLevel>((most, other) => higherLevel(most, levels.get(other)), level)
      const configures = !configuring.has(id) && used.some((other) => configuring.has(other))
      if (next === level && !configures) continue
      levels.set(id, next)
      if (configures) configuring.add(id)
      isGrowing = true
    }
  }
  return { levels, configuring }
}

/** PostgreSQL functions that run SQL from a string. */
const RUNS_SQL =
  words(`query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite
  lo_import pg_import_system_collations pg_create_logical_replication_slot crosstab connectby xpath_table dblink dblink_exec`)

/** The same in C, by the name of their code: `crosstab3` is a second name of `crosstab`. */
const RUNS_SQL_IN_C = words('crosstab crosstab_hash connectby_text connectby_text_serial xpath_table')

/** Functions in C that change how a session reads values. */
const CONFIGURES = 'isn_weak'

/** Whether a function is code in C of a known extension, which reads and modifies no table of the app. */
export function isOfKnownExtension(row: Row): boolean {
  return isInC(row) && READ_ONLY_EXTENSIONS.has(optionalTextOf(row, 'extension') ?? '')
}

export function isInC(row: Row): boolean {
  const language = textOf(row, 'language')
  return language === 'c' || language === 'internal'
}

interface OwnLevel {
  readonly level: FunctionLevel
  readonly names: StatementNames
  readonly configures?: boolean
}

function ownLevel(row: Row): OwnLevel {
  const language = textOf(row, 'language')
  if (flagOf(row, 'is_aggregate')) return { level: 'reads', names: NO_NAMES }
  if (isInC(row)) {
    const name = textOf(row, 'name')
    const isReadOnly =
      !RUNS_SQL_IN_C.has(textOf(row, 'source')) &&
      (textOf(row, 'volatility') !== 'v' || isOfKnownExtension(row))
    return { level: isReadOnly ? 'reads' : 'defines', names: NO_NAMES, configures: name === CONFIGURES }
  }
  const source = bodyOf(row)
  try {
    const tokens = tokenize(source, 'postgresql')
    const names = namesIn(source, tokens)
    const runsSql = tokens.length === 0 || [...names.calls].some((name) => RUNS_SQL.has(name))
    const configures = runsSql || mayChangeSession(tokens)
    const level = runsSql ? 'defines' : levelOfWords(tokens, language)
    // Later statements of the transaction may write other tables than their names show.
    const least = configures || mayChangeNames(tokens) ? 'writes' : 'reads'
    return { level: higherLevel(level, least), names, configures }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return { level: 'defines', names: NO_NAMES, configures: true }
  }
}

function levelOfWords(tokens: readonly Token[], language: string): FunctionLevel {
  let level: FunctionLevel = 'reads'
  for (const [at, { upper }] of tokens.entries()) {
    // `NEW.comment`.
    if (isSymbolToken(tokens[at - 1], '.')) continue
    const isConflict = upper === 'DO' && isConflictAction(tokens[at + 1])
    // `SELECT … INTO` creates a table in SQL, but assigns a variable in PL/pgSQL.
    const makesTable = upper === 'INTO' && language === 'sql' && tokens[at - 1]?.upper !== 'INSERT'
    if ((DEFINING.has(upper) && !isConflict) || makesTable) return 'defines'
    if (WRITING.has(upper)) level = 'writes'
  }
  return level
}

/**
 * The body of a function, including functions defined with `RETURN …` or `BEGIN ATOMIC …`, for which the
 * database returns the whole definition.
 */
export function bodyOf(row: Row): string {
  const source = textOf(row, 'source')
  const start = source.startsWith('CREATE OR REPLACE FUNCTION')
    ? source.search(/^[ \t]*(?:RETURN|BEGIN ATOMIC)\b/m)
    : 0
  return (start < 0 ? '' : source.slice(start).trimStart())
    .replace(/^BEGIN ATOMIC\b/, '')
    .replace(/\bEND\s*$/, '')
}
