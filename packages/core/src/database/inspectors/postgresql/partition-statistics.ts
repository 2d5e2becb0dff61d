import type { TableId } from '../../../schema/catalog-data.ts'
import type { ColumnStatistics, StatisticsValue, TableSnapshot } from '../database-snapshot.ts'
import { inOrder, thinned } from '../row-values.ts'

const MAX_COMMON = 100
const MAX_BOUNDS = 101
/** The share of a partition's rows that are distinct, from which other partitions have other values. */
const MOSTLY_DISTINCT = 0.1

interface Part {
  readonly rows: number
  readonly statistics: ColumnStatistics
}

/**
 * Estimates the statistics of a partitioned table from those of its partitions, if it has none: autovacuum
 * analyzes partitions only.
 */
export function withStatisticsOfPartitions(tables: readonly TableSnapshot[]): TableSnapshot[] {
  const partitions = new Map<TableId, TableSnapshot[]>()
  for (const table of tables) {
    if (table.parent === undefined) continue
    const known = partitions.get(table.parent)
    if (known === undefined) partitions.set(table.parent, [table])
    else known.push(table)
  }
  const leavesOf = (id: TableId): TableSnapshot[] =>
    (partitions.get(id) ?? []).flatMap((table) => (partitions.has(table.id) ? leavesOf(table.id) : [table]))
  return tables.map((table) => {
    if (!partitions.has(table.id)) return table
    const leaves = leavesOf(table.id).filter(({ rows }) => rows > 0)
    return {
      ...table,
      columns: table.columns.map((column) => {
        if (column.statistics !== undefined) return column
        const parts = leaves.flatMap(({ rows, columns }): Part[] => {
          const statistics = columns.find(({ name }) => name === column.name)?.statistics
          return statistics === undefined ? [] : [{ rows, statistics }]
        })
        return parts.length === 0 ? column : { ...column, statistics: united(parts) }
      }),
    }
  })
}

function united(parts: readonly Part[]): ColumnStatistics {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const mean = (of: (statistics: ColumnStatistics) => number) =>
    parts.reduce((sum, part) => sum + (of(part.statistics) * part.rows) / rows, 0)
  const shares = new Map<StatisticsValue, number>()
  for (const part of parts)
    for (const { value, share } of part.statistics.common)
      shares.set(value, (shares.get(value) ?? 0) + (share * part.rows) / rows)
  const common = [...shares]
    .map(([value, share]) => ({ value, share }))
    .sort((a, b) => b.share - a.share)
    .slice(0, MAX_COMMON)
  const numbers = parts.map(({ statistics }) => statistics.distinct)
  const areOwn = parts.every((part) => part.statistics.distinct >= part.rows * MOSTLY_DISTINCT)
  const distinct = areOwn
    ? numbers.reduce((sum, number) => sum + number, 0)
    : Math.max(...numbers, shares.size)
  const widths = parts.filter(({ statistics }) => statistics.averageWidth !== undefined)
  return {
    distinct: Math.max(1, distinct),
    nullShare: mean(({ nullShare }) => nullShare),
    ...(widths.length < parts.length ? {} : { averageWidth: mean(({ averageWidth = 0 }) => averageWidth) }),
    common,
    bounds: thinned(parts.flatMap(({ statistics }) => statistics.bounds).sort(inOrder), MAX_BOUNDS),
  }
}
