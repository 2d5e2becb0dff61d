import type { CatalogTable, ColumnInfo, ColumnType, SchemaCatalog } from '@sluice/core/adapter'
import { lastPart } from './column-name.ts'
import { isKeyType } from './key-values.ts'
import { EQUALS, type Filter } from './select-parts.ts'

/** A column that lookups are told apart by. */
export interface KeyColumn {
  /** As written, with its table where that is written. */
  readonly written: string
  /** As the database calls it. */
  readonly name: string
  /** Its place among the filters. */
  readonly filter: number
  /** `undefined` where the table is not known. */
  readonly type: ColumnType | undefined
}

/**
 * Which of the filters are the key, in the order of the catalogue's key: those on a unique key, else those on a foreign key,
 * else the last one. What many lookups have in common (a tenant, a state) is rarely either. Empty if there is none.
 *
 * @param table - What is known of the table's keys.
 * @param columns - What is known of its columns; of a view too.
 */
export function chooseKey(
  filters: readonly Filter[],
  nameOf: (identifier: string) => string,
  catalog: SchemaCatalog | undefined,
  table: CatalogTable | undefined,
  columns: readonly ColumnInfo[],
): readonly KeyColumn[] {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const candidates = new Map<string, KeyColumn>()
  for (const [filter, { column, form }] of filters.entries()) {
    if (form !== EQUALS) continue
    const name = nameOf(lastPart(column))
    candidates.delete(name)
    if (isKeyType(types.get(name))) candidates.set(name, { written: column, name, filter, type: types.get(name) })
  }
  const keysOf = (names: readonly string[]): readonly KeyColumn[] => {
    const keys = names.flatMap((name) => candidates.get(name) ?? [])
    return keys.length === names.length ? keys : []
  }
  const inUse = [...candidates.values()]
  const last = inUse.slice(-1)
  if (table === undefined || catalog === undefined || inUse.length < 2) return last
  const complete = (lists: readonly (readonly string[])[]) => lists.map(keysOf).filter((keys) => keys.length > 0)
  const [unique] = complete([table.primaryKey, ...table.uniqueKeys]).sort((left, right) => left.length - right.length)
  if (unique !== undefined) return unique
  const foreign = complete(catalog.foreignKeys.flatMap((key) => (key.table === table.id ? [key.columns] : [])))
  const lastOf = (keys: readonly KeyColumn[]) => Math.max(...keys.map(({ filter }) => filter))
  const [best] = foreign.sort((left, right) => right.length - left.length || lastOf(right) - lastOf(left))
  return best ?? last
}
