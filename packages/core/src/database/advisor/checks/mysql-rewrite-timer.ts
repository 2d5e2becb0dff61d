import type { Connection } from '../../../schema/connection.ts'
import { analyzeSql } from '../../../sql/analyze.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../../inspectors/database-snapshot.ts'
import type { RewriteTimer } from '../rewrite-timer.ts'
import type { TimeLimits } from '../time-limits.ts'
import { canCopy, copyRows, handlerReads } from './mysql-sample-check.ts'

/**
 * Counts the rows that statements and their rewrites read, on temporary tables that contain a sample and hide
 * the real tables from this session until `close`.
 *
 * @param session - A separate session.
 */
export function mysqlRewriteTimer(
  session: Connection,
  snapshot: DatabaseSnapshot,
  limits: TimeLimits,
): { readonly timer: RewriteTimer; close(): Promise<void> } {
  const copied = new Map<TableSnapshot, boolean>()
  const copy = async (table: TableSnapshot): Promise<boolean> => {
    const known = copied.get(table)
    if (known !== undefined) return known
    let isCopied = false
    if (canCopy(table, snapshot, limits)) {
      try {
        await copyRows(session, table)
        isCopied = true
      } catch {
        // Without the right to create temporary tables, rewrites are only planned.
      }
    }
    copied.set(table, isCopied)
    return isCopied
  }
  const timer: RewriteTimer = async ({ runs, tables, indexes, needed, ddl }) => {
    // FULLTEXT needs a real table.
    if (ddl.length > needed.length) return undefined
    for (const table of tables) if (!(await copy(table))) return undefined
    const names = new Set(tables.map(({ name }) => name.toLowerCase()))
    // A view reads the real table, even if it is hidden.
    const isHidden = (sql: string) =>
      analyzeSql(sql, 'mysql').statement.reads.every((name) => names.has(name.at(-1)?.toLowerCase() ?? ''))
    if (!runs.every(({ before, after }) => isHidden(before) && isHidden(after))) return undefined
    const made: (readonly [table: string, name: string])[] = []
    const add = async (index: IndexDefinition) => {
      const table = tables.find(({ id }) => id === index.table)
      if (table === undefined) return
      const name = `sluice_rewrite_${made.length}`
      const quoted = quoteName(table.name, 'mysql')
      await session.query(`ALTER TABLE ${quoted} ADD INDEX ${name} ${indexBodySql(index, 'mysql')}`)
      made.push([quoted, name])
      await session.query(`ANALYZE TABLE ${quoted}`)
    }
    try {
      for (const index of indexes) await add(index)
      const before = await readsOf(
        session,
        runs.map((run) => run.before),
      )
      for (const index of needed) await add(index)
      const after = await readsOf(
        session,
        runs.map((run) => run.after),
      )
      return { before, after, unit: 'rows' }
    } catch {
      // MySQL opens a temporary table only once per statement.
      return undefined
    } finally {
      for (const [table, name] of made) await session.query(`ALTER TABLE ${table} DROP INDEX ${name}`)
    }
  }
  const close = async () => {
    for (const [{ name }, isCopied] of copied)
      if (isCopied) await session.query(`DROP TEMPORARY TABLE IF EXISTS ${quoteName(name, 'mysql')}`)
  }
  return { timer, close }
}

async function readsOf(session: Connection, statements: readonly string[]): Promise<number> {
  let sum = 0
  for (const sql of statements) {
    const before = await handlerReads(session)
    await session.query(sql)
    sum += (await handlerReads(session)) - before
  }
  return sum / Math.max(1, statements.length)
}
