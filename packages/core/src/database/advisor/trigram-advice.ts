import type { Connection } from '../../schema/connection.ts'
import { quoteName } from '../../sql/dialect.ts'
import { literalOf } from '../explain/literals.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { IndexAdvice } from './advice.ts'
import type { Thresholds, TimeLimits } from './limits.ts'
import type { ReadStatement, WriteLoad } from './resolve-workload.ts'
import { prefixOf, termValue } from './statistics.ts'

/** An index of trigrams, and the patterns that it was tried with. */
export interface TrigramAdvice {
  readonly definition: IndexDefinition
  readonly statements: readonly TrigramUse[]
}

interface TrigramUse {
  readonly statement: ReadStatement
  /** What PostgreSQL says that finding the rows costs on the sample, scaled to the whole table. */
  readonly without: number
  readonly with: number
}

interface PatternUse {
  readonly statement: ReadStatement
  readonly operator: 'LIKE' | 'ILIKE'
  readonly patterns: readonly string[]
}

interface PatternColumn {
  readonly table: TableSnapshot
  readonly column: string
  readonly uses: PatternUse[]
}

const SAMPLE_ROWS = 20_000
/** Rows below which a table is read whole as fast. */
const MIN_ROWS = 2_000
const MAX_PATTERNS = 5
/** Maximum remaining share of the cost. */
const MAX_LEFT = 0.5
const TABLE = 'sluice_trigram_sample'

/**
 * Finds columns that are searched by patterns that no b-tree serves, and tests a trigram index for them on a
 * sample.
 *
 * @param source - The database.
 * @param lab - A session with the extension `pg_trgm`, in which temporary tables can be created for the
 * sample.
 * @throws The database's error, if the connection is lost. A column that cannot be tested in time is omitted.
 */
export async function trigramAdvice(
  source: Connection,
  lab: Connection,
  statements: readonly ReadStatement[],
  limits: TimeLimits,
): Promise<TrigramAdvice[]> {
  const found: TrigramAdvice[] = []
  for (const candidate of patternColumns(statements).values()) {
    if (limits.isOver()) break
    const tried = await tryColumn(source, lab, candidate).catch(() => [])
    if (tried.length === 0) continue
    const keys = [{ column: candidate.column, operatorClass: 'gin_trgm_ops' }]
    found.push({
      definition: { table: candidate.table.id, keys, method: 'gin', isUnique: false },
      statements: tried,
    })
  }
  return found
}

/** Columns that are searched by a pattern that begins with a wildcard, or without regard to case. */
function patternColumns(statements: readonly ReadStatement[]): Map<string, PatternColumn> {
  const columns = new Map<string, PatternColumn>()
  for (const statement of statements) {
    for (const { table, conditions, alternatives } of statement.use.uses) {
      if (table.kind !== 'table' || table.rows < MIN_ROWS) continue
      for (const { column, operator, negated, values, call, isCast } of [
        ...conditions,
        ...alternatives.flat().flatMap((arm) => arm.conditions),
      ]) {
        if ((operator !== 'like' && operator !== 'ilike') || negated || call !== undefined || isCast) continue
        const [term] = values
        const sets = statement.entry.samples.length === 0 ? [[]] : statement.entry.samples
        const patterns =
          term === undefined
            ? []
            : sets.map((bindings) => termValue(term, bindings)).filter((value) => typeof value === 'string')
        const open = [...new Set(patterns)]
          .filter((pattern) => isOpen(pattern, operator))
          .slice(0, MAX_PATTERNS)
        if (open.length === 0 || hasTrigrams(table, column)) continue
        const id = `${table.id}.${column}`
        const known = columns.get(id) ?? { table, column, uses: [] }
        columns.set(id, known)
        known.uses.push({ statement, operator: operator === 'like' ? 'LIKE' : 'ILIKE', patterns: open })
      }
    }
  }
  return columns
}

/** A pattern of three letters in a row at least, of which a b-tree knows no beginning. */
function isOpen(pattern: string, operator: 'like' | 'ilike'): boolean {
  return /[^%_\\]{3}/.test(pattern) && (operator === 'ilike' || prefixOf(pattern, operator) === '')
}

function hasTrigrams({ indexes }: TableSnapshot, column: string): boolean {
  return indexes.some(({ keys }) =>
    keys.some((key) => key.column === column && key.operatorClass?.endsWith('trgm_ops') === true),
  )
}

async function tryColumn(
  source: Connection,
  lab: Connection,
  { table, column, uses }: PatternColumn,
): Promise<TrigramUse[]> {
  const name = quoteName(column, 'postgresql')
  const from = `${quoteName(table.schema, 'postgresql')}.${quoteName(table.name, 'postgresql')}`
  const percent = Math.min(100, (100 * SAMPLE_ROWS) / Math.max(1, table.rows))
  const rows = await source.query(
    `SELECT ${name}::text AS value FROM ${from} TABLESAMPLE SYSTEM (${percent.toFixed(4)}) REPEATABLE (1) LIMIT ${SAMPLE_ROWS}`,
  )
  const scale = Math.max(1, table.rows / Math.max(1, rows.length))
  try {
    await lab.query(`CREATE TEMPORARY TABLE ${TABLE} (value text)`)
    await lab.query(`INSERT INTO ${TABLE} SELECT * FROM unnest($1::text[])`, [rows.map(({ value }) => value)])
    await lab.query(`ANALYZE ${TABLE}`)
    const costs = (use: PatternUse) =>
      Promise.all(use.patterns.map((pattern) => costOf(lab, use.operator, pattern)))
    const without = new Map<PatternUse, number>()
    for (const use of uses) without.set(use, mean(await costs(use)))
    await lab.query(`CREATE INDEX ON ${TABLE} USING gin (value gin_trgm_ops)`)
    const tried: TrigramUse[] = []
    for (const use of uses) {
      const [before, after] = [without.get(use) ?? 0, mean(await costs(use))]
      if (after <= before * MAX_LEFT)
        tried.push({ statement: use.statement, without: before * scale, with: after * scale })
    }
    return tried
  } finally {
    await lab.query(`DROP TABLE IF EXISTS pg_temp.${TABLE}`).catch(() => {})
  }
}

async function costOf(lab: Connection, operator: 'LIKE' | 'ILIKE', pattern: string): Promise<number> {
  const [row] = await lab.query(
    `EXPLAIN (FORMAT JSON) SELECT * FROM ${TABLE} WHERE value ${operator} ${literalOf(pattern, 'postgresql')}`,
  )
  const plan = row?.['QUERY PLAN']
  const plans = (typeof plan === 'string' ? JSON.parse(plan) : plan) as readonly {
    readonly Plan: { readonly 'Total Cost': number }
  }[]
  return plans[0]?.Plan['Total Cost'] ?? 0
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length)
}

/** A row is many trigrams: what a write costs more for such an index than for a b-tree. */
const WRITE_FACTOR = 3

interface TrigramContext {
  /** Cost of the workload. */
  readonly whole: number
  /** The share of a statement's cost that one of its trigram indexes can save next to the other indexes. */
  readonly shareOf: (statement: ReadStatement) => number
  readonly thresholds: Thresholds
}

/** An index of trigrams as advice. */
export function adviceOfTrigrams(
  { definition, statements }: TrigramAdvice,
  name: string,
  writes: readonly WriteLoad[],
  { whole, shareOf, thresholds: { writeCost } }: TrigramContext,
): IndexAdvice {
  const [key] = definition.keys
  const upkeep = writes
    .filter(
      ({ table, kind, columns }) =>
        table === definition.table && (kind !== 'update' || columns.includes(key?.column ?? '')),
    )
    .reduce((sum, { calls }) => sum + calls * writeCost * WRITE_FACTOR, 0)
  const serves = statements.map(({ statement: { entry, label }, without, with: present }) => {
    const { fingerprint, calls, totalMs, callSites } = entry
    return { fingerprint, label, calls, totalMs, without, with: present, callSites }
  })
  let gain = 0
  let savedMs = 0
  for (const { statement, without, with: present } of statements) {
    const { calls, totalMs } = statement.entry
    gain += (without - present) * Math.max(1, calls) * shareOf(statement)
    savedMs += totalMs * (1 - present / without) * shareOf(statement)
  }
  const all = Math.max(whole, gain)
  return {
    definition,
    name,
    reason: `patterns of ${key?.column ?? ''} that begin with a wildcard, or ignore case`,
    serves,
    ...(savedMs > 0 ? { savedMs } : {}),
    savedShare: all > 0 ? gain / all : 0,
    upkeep,
    writeShare: all > 0 ? upkeep / all : 0,
    validation: 'sample',
  }
}
