import type { TableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import type { ColumnStatistics, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { sampleTable } from '../sampling/sample-table.ts'
import { type SampleStatistics, statisticsFromSample } from '../sampling/statistics-from-sample.ts'
import type { StatementUse, TableConditions } from './table-use.ts'

/** How the values of columns are spread, for what decides about indexes. */
export interface Statistics {
  /** `undefined` where nothing is known of a column. */
  column(table: TableSnapshot, column: string): ColumnStatistics | undefined
  /** Distinct rows of several columns, at least 1. */
  distinct(table: TableSnapshot, columns: readonly string[]): number
}

/** Statistics of the catalog; combined columns count as half as independent as they could be. */
export class CatalogStatistics implements Statistics {
  column(table: TableSnapshot, column: string): ColumnStatistics | undefined {
    return table.columns.find(({ name }) => name === column)?.statistics
  }

  distinct(table: TableSnapshot, columns: readonly string[]): number {
    const rows = Math.max(1, table.rows)
    const numbers = columns
      .map((column) => this.column(table, column)?.distinct ?? Math.sqrt(rows))
      .sort((a, b) => b - a)
    // Each further column is less selective: its square root, its fourth root, …
    const product = numbers.reduce((all, number, at) => all * number ** (1 / 2 ** at), 1)
    return Math.max(1, Math.min(rows, product))
  }
}

/**
 * Statistics of the columns in conditions of the statements, from a sample of each table. Tables that cannot
 * be read have no statistics.
 *
 * @throws Nothing for a table that cannot be sampled.
 */
export async function sampledStatistics(
  connection: Connection,
  uses: readonly StatementUse[],
): Promise<Statistics> {
  const requested = new Map<TableSnapshot, Set<string>>()
  for (const { table, columns } of uses
    .flatMap((use) => use.uses)
    .map((use) => ({ table: use.table, columns: columnsOf(use) }))) {
    const known = requested.get(table) ?? new Set(indexedColumns(table))
    requested.set(table, known)
    for (const column of columns) known.add(column)
  }
  const samples = new Map<TableId, SampleStatistics>()
  for (const [table, columns] of requested) {
    if (table.kind === 'view' || columns.size === 0) continue
    try {
      samples.set(table.id, statisticsFromSample(await sampleTable(connection, table, [...columns]), table))
    } catch {
      // No right to read it: the guesses for unknown columns stand.
    }
  }
  return new SampledStatistics(samples)
}

class SampledStatistics implements Statistics {
  readonly #guesses = new CatalogStatistics()

  constructor(private readonly samples: ReadonlyMap<TableId, SampleStatistics>) {}

  column(table: TableSnapshot, column: string): ColumnStatistics | undefined {
    return this.samples.get(table.id)?.columns.get(column)
  }

  distinct(table: TableSnapshot, columns: readonly string[]): number {
    const sample = this.samples.get(table.id)
    const isKnown = sample !== undefined && columns.every((column) => sample.columns.has(column))
    return isKnown ? sample.distinctOf(columns) : this.#guesses.distinct(table, columns)
  }
}

function columnsOf(use: StatementUse['uses'][number]): string[] {
  const own = (arm: TableConditions) => [
    ...arm.conditions.map(({ column }) => column),
    ...arm.joins.map(({ column }) => column),
  ]
  return [
    ...own(use),
    ...use.alternatives.flat().flatMap(own),
    ...use.rowComparisons.flatMap(({ columns }) => columns),
    ...use.order.map(({ column }) => column),
    ...use.group,
  ]
}

function indexedColumns({ indexes, primaryKey }: TableSnapshot): string[] {
  return [...primaryKey, ...indexes.flatMap(({ keys }) => keys.map(({ column }) => column))]
}
