import { callsOf } from './calls.ts'
import { mysqlTimes } from './clock/mysql-times.ts'
import { postgresqlConversions } from './clock/postgresql-times.ts'
import { listingOf, placeholdersIn, plainConditionsOf } from './conditions.ts'
import type { Dialect } from './dialect.ts'
import { moduloColumns } from './modulo-operands.ts'
import { doBlockIn } from './procedural-code.ts'
import { NO_NAMES, namesIn, type StatementNames } from './statement-names.ts'
import type { SessionChange, Statement, TableWrite } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import { type Token, tokenize } from './tokenize.ts'
import type { ParsedSql, TableChange } from './tree/parsed-sql.ts'
import { parseSql } from './tree/read-sql.ts'

export type { SessionChange, Statement, TableWrite, TransactionControl } from './statement-types.ts'

const NO_COLUMNS: readonly string[] = []
const NO_CHANGES: readonly SessionChange[] = []

/**
 * Determines the tables, functions, locks and transactions that a SQL string uses. Never throws: if it does
 * not understand the string for certain, the statement is `opaque`.
 */
export function readStatement(sql: string, dialect: Dialect): Statement {
  try {
    return statementOf(sql, tokenize(sql, dialect), dialect)
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return unreadable(error.message)
  }
}

/** The statement of a string that cannot be split into tokens. */
export function unreadable(reason: string): Statement {
  return {
    kinds: [],
    reads: [],
    writes: [],
    functions: new Set(),
    volatile: false,
    timed: NO_COLUMNS,
    names: NO_NAMES,
    session: [],
    locks: false,
    ddl: false,
    temporary: [],
    triggered: [],
    mayCommit: true,
    opaque: reason,
  }
}

/** Same as {@link readStatement}, for a string that is already split into tokens. */
export function statementOf(sql: string, tokens: readonly Token[], dialect: Dialect): Statement {
  const parsed = parseSql(tokens, dialect)
  const { kinds, statements, locks, ddl, temporary, triggered } = parsed
  const block = dialect === 'postgresql' ? doBlockIn(tokens) : undefined
  const names = dialect === 'postgresql' ? (block?.names ?? namesOf(sql, tokens, parsed)) : NO_NAMES
  const calls = callsOf(parsed)
  const times = timesOf(parsed)
  const { functions } = calls
  const volatile = calls.volatile || times.mayReadClock
  const understood = parsed.opaque ?? calls.opaque
  const [transaction] = parsed.transactions
  const alone = statements === 1 && understood === undefined
  const opaque =
    understood ??
    (transaction !== undefined && !alone ? 'transaction control among other statements' : undefined)
  const reads = distinct(parsed.reads)
  const writes = parsed.changes.map((change) => writeOf(parsed, change))
  const commitsFirst =
    dialect === 'mysql' && (opaque !== undefined || writes.some(({ how }) => how === 'truncate'))
  const mayCommit = commitsFirst || (transaction !== undefined && !alone)
  const placeholders = placeholdersIn(sql, tokens, dialect)
  const listing =
    alone && writes.length === 0 && parsed.reads.length === reads.length ? listingOf(parsed) : undefined
  const found: { -readonly [K in keyof Statement]: Statement[K] } = {
    kinds,
    reads,
    writes,
    functions,
    volatile,
    timed: times.columns,
    names,
    session: joined(parsed.session, calls.session, block?.session ?? NO_CHANGES),
    locks,
    ddl,
    temporary,
    triggered,
    mayCommit,
  }
  if (statements > 1) found.several = true
  if (listing !== undefined) found.listing = listing
  if (placeholders !== undefined) found.placeholders = placeholders
  if (opaque !== undefined) found.opaque = opaque
  else if (transaction !== undefined) found.transaction = transaction
  return found
}

function namesOf(sql: string, tokens: readonly Token[], parsed: ParsedSql): StatementNames {
  const names = namesIn(sql, tokens)
  const modulo = names.operators.has('%') ? moduloColumns(parsed) : undefined
  return modulo === undefined ? names : { ...names, modulo }
}

/** SQLite reads strings as times only in functions, which belong to the calls. */
function timesOf({ dialect, map, names, queries }: ParsedSql): {
  readonly mayReadClock: boolean
  readonly columns: readonly string[]
} {
  if (dialect === 'postgresql') return postgresqlConversions(map, names, queries)
  return dialect === 'mysql' ? mysqlTimes(map, names, queries) : { mayReadClock: false, columns: NO_COLUMNS }
}

function joined(...changes: readonly (readonly SessionChange[])[]): readonly SessionChange[] {
  return changes.every(({ length }) => length === 0) ? NO_CHANGES : changes.flat()
}

function writeOf(parsed: ParsedSql, { how, table, columns, where }: TableChange): TableWrite {
  const conditions = where === undefined ? undefined : plainConditionsOf(parsed, where)
  return {
    name: table,
    how,
    ...(columns === undefined ? {} : { columns }),
    ...(conditions === undefined ? {} : { conditions }),
  }
}

function distinct(names: readonly (readonly string[])[]): (readonly string[])[] {
  if (names.length < 2) return [...names]
  return [
    ...new Map(names.map((name) => [name.length === 1 ? (name[0] ?? '') : name.join('\0'), name])).values(),
  ]
}

/** A short summary of a statement's operation and tables, without values, as defined by OpenTelemetry. */
export interface StatementSummary {
  /** `SELECT`; empty if it cannot be determined. */
  readonly operation: string
  /** The only table that it uses; empty if it uses none or several. */
  readonly table: string
  /** `SELECT cities regions`: https://opentelemetry.io/docs/specs/semconv/database/database-spans/. */
  readonly summary: string
}

const MAX_SUMMARY = 255

export function summarizeStatement({ kinds, reads, writes }: Statement): StatementSummary {
  const tables = [
    ...new Set([...writes.map(({ name }) => name.join('.')), ...reads.map((name) => name.join('.'))]),
  ]
  // A common table expression reads on behalf of the operation that uses its rows.
  const operation =
    (writes.length > 0 ? kinds.find((kind) => kind !== 'SELECT' && kind !== 'WITH') : undefined) ??
    kinds[0] ??
    ''
  const words = [operation, ...tables].filter((word) => word !== '')
  return {
    operation,
    table: tables.length === 1 ? (tables[0] ?? '') : '',
    summary: words.join(' ').slice(0, MAX_SUMMARY),
  }
}
