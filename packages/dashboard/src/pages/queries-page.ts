import { analyzeSql, type DatabaseOptimizationEngine, type Dialect } from '@sluice/core'
import type { WorkloadEntry } from '@sluice/core/database'
import type { DatabaseAdvice, QueriesPage, StatementRow } from '../protocol/query.ts'
import { placeOf } from './page-parts.ts'

export const MAX_STATEMENTS = 200
const EXPLAINABLE = /^\s*(select|with|values|table|insert|update|delete)\b/i

interface QueriesParts {
  readonly database: DatabaseOptimizationEngine | undefined
  /** Whether a database client is attached. */
  readonly isAttached: boolean
  readonly analyzedAt: number | null
  readonly showParameters: boolean
}

/** The most expensive statements; `null` if the engine is disabled. */
export function queriesPage({
  database,
  isAttached,
  analyzedAt,
  showParameters,
}: QueriesParts): QueriesPage | null {
  if (database === undefined) return null
  const workload = database.getWorkload()
  const others = database.getOtherWorkload()
  const totalMs = workload.reduce((sum, entry) => sum + entry.totalMs, 0) + others.totalMs
  return {
    statements: workload.slice(0, MAX_STATEMENTS).map((entry) => statementRow(entry, totalMs, database)),
    shapes: workload.length,
    calls: workload.reduce((sum, { calls }) => sum + calls, 0) + others.calls,
    totalMs,
    others: { calls: others.calls, totalMs: others.totalMs },
    isAttached,
    inspectedAt: database.inspectedAt ?? null,
    tables: database.snapshot?.tables.length ?? null,
    advice: adviceOf(database, workload).map((advice) => (showParameters ? advice : withoutValues(advice))),
    analyzedAt,
    pools: database.getConnectionPoolRecommendations(),
  }
}

function statementRow(
  entry: WorkloadEntry,
  allMs: number,
  database: DatabaseOptimizationEngine,
): StatementRow {
  const {
    fingerprint,
    dialect,
    kind,
    calls,
    errors = null,
    totalMs,
    maxMs,
    rows,
    callSites,
    firstSeenAt,
    lastSeenAt,
  } = entry
  return {
    fingerprint,
    dialect,
    sql: shapeOf(entry),
    kind,
    calls,
    errors,
    totalMs,
    maxMs,
    rows,
    firstSeenAt,
    lastSeenAt,
    avgMs: calls === 0 ? 0 : totalMs / calls,
    p95Ms: database.getWorkloadQuantile(fingerprint, dialect, 0.95) ?? null,
    share: allMs === 0 ? 0 : totalMs / allMs,
    callSites: callSites.map(({ count, ...site }) => ({ ...placeOf(site), count })),
    isExplainable: EXPLAINABLE.test(entry.sql),
  }
}

/** Returns the normalized query: an app can write values into the statement. */
export function shapeOf({ sql, dialect }: Pick<WorkloadEntry, 'sql' | 'dialect'>): string {
  return analyzeSql(sql, dialect).shape
}

/** Masks advice that quotes statements. Other advice contains only names of tables and columns, and sizes. */
function withoutValues(advice: DatabaseAdvice): DatabaseAdvice {
  if (advice.code !== 'REWRITE' && advice.code !== 'SLOW_QUERY') return advice
  return {
    ...advice,
    title: masked(advice.title),
    details: advice.details.map(masked),
    sql: advice.sql.map(masked),
  }
}

type Validation = NonNullable<DatabaseOptimizationEngine['analysis']>['findings'][number]['validation']

const VALIDATIONS: Readonly<Record<Exclude<Validation, undefined>, string | null>> = {
  hypopg: 'Estimated with HypoPG.',
  scratch: "Estimated by PostgreSQL's planner with this database's statistics.",
  clone: "Estimated by SQLite's planner on a clone.",
  sample: 'Counted on a sample of the rows.',
  none: null,
}

/** Returns the source of a saving as a sentence; `null` without one. */
export function validationText(validation: Validation): string | null {
  return validation === undefined ? null : VALIDATIONS[validation]
}

/** Returns the advice of the last analysis; without one, the advice of the last inspection. */
function adviceOf(
  database: DatabaseOptimizationEngine,
  workload: readonly WorkloadEntry[],
): DatabaseAdvice[] {
  const { analysis, snapshot } = database
  if (analysis !== undefined)
    return analysis.findings.map(
      ({ key, code, severity, title, details, table, sql, savedMs, savedShare, validation, statements }) => ({
        key,
        code,
        severity,
        title,
        details,
        table: table ?? null,
        sql: sql ?? [],
        savedMs: savedMs ?? null,
        savedShare: savedShare ?? null,
        validation: validationText(validation),
        statements: statements.map(({ fingerprint }) => fingerprint),
      }),
    )
  if (snapshot === undefined) return []
  const recommended =
    workload.length === 0 ? [] : snapshot.tables.flatMap(({ id }) => database.getRecommendedIndexes(id))
  return [
    ...recommended.map(indexAdvice('MISSING_INDEX', 'medium', 'missing')),
    ...database.getMissingForeignKeyIndexes().map(indexAdvice('MISSING_FOREIGN_KEY_INDEX', 'low', 'fk')),
    ...database.getDuplicateIndexes().map(indexAdvice('DUPLICATE_INDEX', 'low', 'dup')),
    ...database.getUnusedIndexes().map(indexAdvice('UNUSED_INDEX', 'low', 'unused')),
  ]
}

interface IndexProposal {
  readonly table: string
  readonly columns: readonly string[]
  /** The existing index that the advice is about. */
  readonly index?: string
  readonly reason: string
  readonly ddl: string
  readonly queries?: readonly string[]
}

/** @param prefix - Start of the key. */
function indexAdvice(code: string, severity: DatabaseAdvice['severity'], prefix: string) {
  return ({ table, columns, index, reason, ddl, queries = [] }: IndexProposal): DatabaseAdvice => ({
    key: `${prefix} ${index ?? ddl}`,
    code,
    severity,
    title: index === undefined ? `${table}(${columns.join(', ')})` : `${table}: ${index}`,
    details: [reason],
    table,
    sql: [ddl],
    savedMs: null,
    savedShare: null,
    validation: null,
    statements: queries,
  })
}

/** Placeholders and names, which are not values. */
const NOT_SECRET = /`[^`]*`|\[\w+\]|[$?:@]\d+|\b[A-Za-z_]\w*/g
const QUOTED_NAME = /"[^"]*"/g
const NUMBER = /(?<![\w$"`.#])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi
/** An unclosed string extends to the end, so that nothing is scanned twice. */
const TEXT = /'(?:[^'\\]|''|\\.?)*'?|\$(\w*)\$(?:.*?\$\1\$|.*)/gs

/**
 * Whether a statement contains only parameters, so that the plan of the database contains no values of the
 * app. If this is uncertain, returns `false`.
 */
export function isWithoutValues(sql: string, dialect: Dialect): boolean {
  if (sql.includes("'") || /\$\w*\$/.test(sql)) return false
  // Only in PostgreSQL is a double-quoted string always a name.
  const names = dialect === 'postgresql' ? sql.replace(QUOTED_NAME, ' ') : sql
  return !names.includes('"') && !/\d/.test(names.replace(NOT_SECRET, ' '))
}

/** Masks everything in a message about SQL that could be a value. */
export function masked(text: string): string {
  return text.replace(TEXT, '?').replace(NUMBER, '?')
}
