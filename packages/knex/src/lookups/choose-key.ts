import {
  type CatalogTable,
  type ColumnInfo,
  type ColumnType,
  chooseKey as chooseAmong,
  isKeyType,
  type SchemaCatalog,
} from '@sluice/core/adapter'
import { lastPart } from './names.ts'
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
 * Which of the filters are the key. Empty if there is none.
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
  return chooseAmong(candidates, catalog, table)
}
