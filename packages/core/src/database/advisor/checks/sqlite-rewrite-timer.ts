import type { Connection } from '../../../schema/connection.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { cloneSchema } from '../planners/sqlite-clone-planner.ts'
import { createSqliteIndex } from '../planners/sqlite-plan-tree.ts'
import type { RewriteTimer } from '../rewrite-timer.ts'
import type { TimeLimits } from '../time-limits.ts'
import { copyRows, isLong, shortestRun } from './sqlite-sample-check.ts'

/**
 * Times rewrites on a copy of a part of the rows, which contains the tables of the statements seen so far.
 *
 * @param scratch - An empty database in memory.
 */
export function sqliteRewriteTimer(
  source: Connection,
  scratch: Connection,
  snapshot: DatabaseSnapshot,
  limits: TimeLimits,
): RewriteTimer {
  const copied = new Set<TableSnapshot>()
  let isCloned = false
  return async ({ runs, tables, indexes, ddl, cost }) => {
    if (isLong({ tables, cost, limits })) return undefined
    if (!isCloned) await cloneSchema(source, scratch)
    isCloned = true
    for (const table of tables) {
      if (copied.has(table) || table.kind !== 'table') continue
      await copyRows(source, scratch, table)
      copied.add(table)
    }
    await scratch.query('SAVEPOINT sluice_rewrite')
    try {
      for (const [at, index] of indexes.entries()) {
        const table = snapshot.tables.find(({ id }) => id === index.table)
        if (table !== undefined && copied.has(table))
          await scratch.query(createSqliteIndex(`sluice_present_${at}`, table, index))
      }
      await scratch.query('ANALYZE')
      const before = await sumOf(
        scratch,
        runs.map((run) => run.before),
        limits,
      )
      for (const statement of ddl) await scratch.query(statement)
      await scratch.query('ANALYZE')
      const after = await sumOf(
        scratch,
        runs.map((run) => run.after),
        limits,
      )
      return before === undefined || after === undefined ? undefined : { before, after, unit: 'ms' }
    } finally {
      await scratch.query('ROLLBACK TO sluice_rewrite')
      await scratch.query('RELEASE sluice_rewrite')
    }
  }
}

async function sumOf(
  scratch: Connection,
  statements: readonly string[],
  limits: TimeLimits,
): Promise<number | undefined> {
  let sum = 0
  for (const sql of statements) {
    const ms = await shortestRun(scratch, sql, limits)
    if (ms === undefined) return undefined
    sum += ms
  }
  return sum / Math.max(1, statements.length)
}
