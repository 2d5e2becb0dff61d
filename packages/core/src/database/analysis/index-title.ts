import type { TableId } from '../../schema/catalog-data.ts'
import { type IndexDefinition, indexLabel } from '../index-definition.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'

/** An index as people write it: `city(region_id, population DESC)`. */
export function indexTitle(definition: IndexDefinition, snapshot: DatabaseSnapshot): string {
  return indexLabel({ ...definition, table: tableTitle(definition.table, snapshot) })
}

/** A table, with its schema where that is not the default one. */
export function tableTitle(id: TableId, { tables, defaultSchema, dialect }: DatabaseSnapshot): string {
  const table = tables.find((candidate) => candidate.id === id)
  if (table === undefined) return id
  const isDefault = dialect === 'postgresql' ? table.schema === defaultSchema : table.schema.toLowerCase() === defaultSchema.toLowerCase()
  return isDefault ? table.name : `${table.schema}.${table.name}`
}
