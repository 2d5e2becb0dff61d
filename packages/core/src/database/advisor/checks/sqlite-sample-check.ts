import type { Connection } from '../../../schema/connection.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { inlineValues } from '../../explain/literals.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { sampleTable } from '../../sampling/sample-table.ts'
import type { Measurement } from '../advice.ts'
import type { ChosenIndex, IndexCheck } from '../choose-indexes.ts'
import { cloneSchema } from '../planners/sqlite-clone-planner.ts'
import { createSqliteIndex } from '../planners/sqlite-plan-tree.ts'
import type { PlannedStatement } from '../what-if-planner.ts'

/** Rows of a table that are copied. */
const MAX_ROWS = 40_000
const ROWS_A_STATEMENT = 200
const MAX_RUNS = 9
/** Time that one statement may take up with all its runs. */
const MAX_MS = 60

/**
 * Times statements on a copy of a part of the rows, with each index and without it.
 *
 * @param scratch - An empty database in memory.
 */
export function sqliteSampleCheck(
  source: Connection,
  scratch: Connection,
  snapshot: DatabaseSnapshot,
): IndexCheck {
  return async (indexes) => {
    await cloneSchema(source, scratch)
    const statements = new Set(
      indexes.flatMap(({ serves }) => serves.map(({ statement }) => statement.planned)),
    )
    const ids = new Set([...statements].flatMap(({ use }) => use.uses.map(({ table }) => table.id)))
    for (const table of snapshot.tables)
      if (ids.has(table.id) && table.kind === 'table') await copyRows(source, scratch, table)
    const names = new Map(indexes.map(({ candidate }, at) => [candidate.label, `sluice_measured_${at}`]))
    const create = async ({ candidate }: ChosenIndex) => {
      await scratch.query(
        createSqliteIndex(names.get(candidate.label) ?? '', candidate.table, candidate.definition),
      )
    }
    for (const index of indexes) await create(index)
    await scratch.query('ANALYZE')
    const measured = new Map<string, Measurement[]>()
    const timeBoth = async (index: ChosenIndex): Promise<Measurement[]> => {
      const present = await timeAll(scratch, index)
      await scratch.query(`DROP INDEX ${names.get(index.candidate.label)}`)
      const without = await timeAll(scratch, index)
      await create(index)
      await scratch.query('ANALYZE')
      return index.serves.flatMap(({ statement: { planned, fingerprint } }) => {
        const [a, b] = [without.get(planned), present.get(planned)]
        return a === undefined || b === undefined
          ? []
          : [{ fingerprint, without: a, with: b, unit: 'ms' as const }]
      })
    }
    for (const index of indexes) {
      const first = await timeBoth(index)
      measured.set(
        index.candidate.label,
        first.some(isClose) ? shortest(first, await timeBoth(index)) : first,
      )
    }
    return measured
  }
}

/**
 * Whether a machine that was busy for a moment could have decided it: also against an index that the
 * planner's costs speak for.
 */
function isClose({ without, with: present }: Measurement): boolean {
  return without < present * 3
}

function shortest(first: readonly Measurement[], second: readonly Measurement[]): Measurement[] {
  return first.map((one) => {
    const other = second.find(({ fingerprint }) => fingerprint === one.fingerprint) ?? one
    return { ...one, without: Math.min(one.without, other.without), with: Math.min(one.with, other.with) }
  })
}

async function timeAll(scratch: Connection, { serves }: ChosenIndex): Promise<Map<PlannedStatement, number>> {
  const times = new Map<PlannedStatement, number>()
  for (const { statement } of serves) {
    const ms = await time(scratch, statement.planned)
    if (ms !== undefined) times.set(statement.planned, ms)
  }
  return times
}

/** The shortest of several runs, averaged over the sets of bindings. `undefined` for what cannot be run. */
async function time(scratch: Connection, { sql, bindings }: PlannedStatement): Promise<number | undefined> {
  if (!/^\s*(select|with)\b/i.test(sql)) return undefined
  let sum = 0
  for (const values of bindings) {
    const text = inlineValues(sql, 'sqlite', values)
    let best = Number.POSITIVE_INFINITY
    const until = performance.now() + MAX_MS
    for (let run = 0; run < MAX_RUNS && (run < 2 || performance.now() < until); run++) {
      const startedAt = performance.now()
      try {
        await scratch.query(text)
      } catch {
        return undefined
      }
      best = Math.min(best, performance.now() - startedAt)
    }
    sum += best
  }
  return sum / bindings.length
}

/** Rows from all over a table. */
async function copyRows(source: Connection, scratch: Connection, table: TableSnapshot): Promise<void> {
  const columns = table.columns.filter(({ isGenerated }) => isGenerated !== true).map(({ name }) => name)
  const { rows } = await sampleTable(source, table, columns, { maxRows: MAX_ROWS })
  const names = columns.map((name) => quoteName(name, 'sqlite')).join(', ')
  const tuple = `(${columns.map(() => '?').join(', ')})`
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    const chunk = rows.slice(start, start + ROWS_A_STATEMENT)
    const sql = `INSERT OR IGNORE INTO ${quoteName(table.name, 'sqlite')} (${names}) VALUES ${chunk.map(() => tuple).join(', ')}`
    await scratch.query(sql, chunk.flat())
  }
}
