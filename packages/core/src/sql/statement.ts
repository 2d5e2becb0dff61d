import { callsOf } from './calls.ts'
import { listingOf, placeholdersIn, plainConditionsOf } from './conditions.ts'
import type { Dialect } from './dialect.ts'
import { NO_NAMES, namesIn } from './statement-names.ts'
import type { SessionChange, Statement, TableWrite } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import { type Token, tokenize } from './tokenize.ts'
import type { ParsedSql, TableChange } from './tree/parsed-sql.ts'
import { parseSql } from './tree/read-sql.ts'

export type { SessionChange, Statement, TableWrite, TransactionControl } from './statement-types.ts'

const NO_CHANGES: readonly SessionChange[] = []

/**
 * Reads what a text touches: tables, functions, locks, transactions. Never throws: what it does not understand for certain makes
 * the statement `opaque`.
 */
export function readStatement(sql: string, dialect: Dialect): Statement {
  try {
    return statementOf(sql, tokenize(sql, dialect), dialect)
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return unreadable(error.message)
  }
}

/** The statement of a text that cannot be split into tokens. */
export function unreadable(reason: string): Statement {
  return {
    kinds: [],
    reads: [],
    writes: [],
    functions: new Set(),
    volatile: false,
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

/** As {@link readStatement}, of a text that is split into tokens already. */
export function statementOf(sql: string, tokens: readonly Token[], dialect: Dialect): Statement {
  const parsed = parseSql(tokens, dialect)
  const { kinds, statements, locks, ddl, temporary, triggered } = parsed
  const names = dialect === 'postgresql' ? namesIn(sql, tokens) : NO_NAMES
  const calls = callsOf(parsed)
  const { functions, volatile } = calls
  const understood = parsed.opaque ?? calls.opaque
  const [transaction] = parsed.transactions
  const alone = statements === 1 && understood === undefined
  const opaque = understood ?? (transaction !== undefined && !alone ? 'transaction control among other statements' : undefined)
  const reads = distinct(parsed.reads)
  const writes = parsed.changes.map((change) => writeOf(parsed, change))
  const commitsFirst = dialect === 'mysql' && (opaque !== undefined || writes.some(({ how }) => how === 'truncate'))
  const mayCommit = commitsFirst || (transaction !== undefined && !alone)
  const placeholders = placeholdersIn(sql, tokens, dialect)
  const listing = alone && writes.length === 0 && parsed.reads.length === reads.length ? listingOf(parsed) : undefined
  const found: { -readonly [K in keyof Statement]: Statement[K] } = {
    kinds,
    reads,
    writes,
    functions,
    volatile,
    names,
    session: parsed.session.length === 0 && calls.session.length === 0 ? NO_CHANGES : [...parsed.session, ...calls.session],
    locks,
    ddl,
    temporary,
    triggered,
    mayCommit,
  }
  if (listing !== undefined) found.listing = listing
  if (placeholders !== undefined) found.placeholders = placeholders
  if (opaque !== undefined) found.opaque = opaque
  else if (transaction !== undefined) found.transaction = transaction
  return found
}

function writeOf(parsed: ParsedSql, { how, table, columns, where }: TableChange): TableWrite {
  const conditions = where === undefined ? undefined : plainConditionsOf(parsed, where)
  return { name: table, how, ...(columns === undefined ? {} : { columns }), ...(conditions === undefined ? {} : { conditions }) }
}

function distinct(names: readonly (readonly string[])[]): (readonly string[])[] {
  if (names.length < 2) return [...names]
  return [...new Map(names.map((name) => [name.length === 1 ? (name[0] ?? '') : name.join('\0'), name])).values()]
}

/** What a statement does to what, in a few words without values, as OpenTelemetry has it. */
export interface StatementSummary {
  /** `SELECT`; empty where it cannot be told. */
  readonly operation: string
  /** The one table that it touches; empty where it is none, or several. */
  readonly table: string
  /** `SELECT cities regions`: https://opentelemetry.io/docs/specs/semconv/database/database-spans/. */
  readonly summary: string
}

const MAX_SUMMARY = 255

export function summarizeStatement({ kinds, reads, writes }: Statement): StatementSummary {
  const tables = [...new Set([...writes.map(({ name }) => name.join('.')), ...reads.map((name) => name.join('.'))])]
  // What a common table expression reads is there for what is done with it.
  const operation = (writes.length > 0 ? kinds.find((kind) => kind !== 'SELECT' && kind !== 'WITH') : undefined) ?? kinds[0] ?? ''
  const words = [operation, ...tables].filter((word) => word !== '')
  return { operation, table: tables.length === 1 ? (tables[0] ?? '') : '', summary: words.join(' ').slice(0, MAX_SUMMARY) }
}
