import type { TableId } from './catalog-data.ts'
import { MAX_WRITTEN_ROWS } from './row-key.ts'

/** The part of an effect that is merged with others. */
interface Touched {
  readonly tables: ReadonlySet<TableId>
  readonly rows?: ReadonlyMap<TableId, ReadonlySet<number>>
}

/**
 * Adds the effect of one write to the combined effect of others.
 *
 * @param tables - All modified tables.
 * @param rows - The modified rows of each table for which they are known: a table that is not listed stays
 * unlisted.
 */
export function mergeEffect(tables: Set<TableId>, rows: Map<TableId, Set<number>>, effect: Touched): void {
  for (const table of effect.tables) {
    const added = effect.rows?.get(table)
    const known = rows.get(table)
    if (!tables.has(table)) {
      tables.add(table)
      if (added !== undefined && added.size <= MAX_WRITTEN_ROWS) rows.set(table, new Set(added))
    } else if (known !== undefined) {
      for (const bucket of added ?? []) known.add(bucket)
      if (added === undefined || known.size > MAX_WRITTEN_ROWS) rows.delete(table)
    }
  }
}
