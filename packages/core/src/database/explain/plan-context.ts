import { type TableId, tableId } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Token } from '../../sql/tokenize.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { tablesByAlias } from './table-names.ts'

/** Information that plans do not contain. */
export interface PlanContext {
  /** The table that a plan calls so, by alias or name; `undefined` for a subquery. */
  tableOf(name: string): TableId | undefined
  /** The rows of a table, where they are known. */
  rowsOf(table: TableId): number | undefined
  /** Whether an index of a table allows no value twice. */
  isUnique(table: TableId, index: string): boolean
}

/** @param tables - Results of an inspection; without them, less can be read from the plan. */
export function planContext(
  dialect: Dialect,
  tokens: readonly Token[],
  defaultSchema: string,
  tables: readonly TableSnapshot[] = [],
): PlanContext {
  const aliases = tablesByAlias(tokens, dialect)
  const byId = new Map(tables.map((table) => [table.id, table]))
  return {
    tableOf(name) {
      const parts = aliases.get(name.toLowerCase())
      if (parts === undefined) {
        const id = tableId(dialect, undefined, name, defaultSchema)
        return byId.has(id) ? id : undefined
      }
      return tableId(dialect, parts.at(-2), parts.at(-1) ?? '', defaultSchema)
    },
    rowsOf(table) {
      const rows = byId.get(table)?.rows
      return rows === undefined || rows < 0 ? undefined : rows
    },
    isUnique: (table, index) =>
      byId.get(table)?.indexes.some(({ name, isUnique }) => name === index && isUnique) ?? false,
  }
}
