import { type CatalogData, type TableId, type TableInfo, tableId } from './catalog-data.ts'
import { higherLevel } from './database-functions.ts'
import { allTriggered } from './triggered-changes.ts'

/** A table with its id. */
export interface CatalogTable extends TableInfo {
  readonly id: TableId
}

/** The tables of a catalog by their ids. */
export function tablesById(data: CatalogData): Map<TableId, CatalogTable> {
  const tables = new Map<TableId, CatalogTable>()
  for (const table of data.tables) {
    const id = tableId(data.dialect, table.schema, table.name, data.defaultSchema)
    const namesake = tables.get(id)
    // MySQL may distinguish `City` from `city`: facts about one do not have to apply to the other.
    if (namesake === undefined) tables.set(id, { ...table, id })
    else {
      const read = higherLevel(namesake.whenRead ?? 'reads', table.whenRead)
      const hasTriggers = namesake.hasTriggers === true || table.hasTriggers === true
      const triggered = allTriggered(namesake.triggered, table.triggered)
      tables.set(id, {
        ...namesake,
        kind: 'view',
        hasTriggers,
        ...(triggered && { triggered }),
        ...(read === 'reads' ? {} : { whenRead: read }),
      })
    }
  }
  return tables
}
