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

/** A column that distinguishes lookups. */
export interface KeyColumn {
  /** As written, with its table if that is written. */
  readonly written: string
  /** The name in the database. */
  readonly name: string
  /** Its index in the filters. */
  readonly filter: number
  /** `undefined` if the table is not known. */
  readonly type: ColumnType | undefined
}

/**
 * The filters that are the key. Empty if no filter can be.
 *
 * @param table - Known keys of the table.
 * @param columns - Known columns of the table or view.
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
    if (isKeyType(types.get(name)))
      candidates.set(name, { written: column, name, filter, type: types.get(name) })
  }
  return chooseAmong(candidates, catalog, table)
}
