import type { TableId } from '../schema/catalog-data.ts'
import { quoteName } from '../sql/dialect.ts'
import { type IndexDefinition, indexLabel } from './index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from './inspectors/database-snapshot.ts'

/** Longest name of an index: PostgreSQL 63 bytes, MySQL 64 characters. */
const MAX_NAME = 63

/** Quotes a string. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A table's name for people: with its schema where that is not the default one. */
export function shownName(
  { schema, name }: Pick<TableSnapshot, 'schema' | 'name'>,
  { defaultSchema, dialect }: Pick<DatabaseSnapshot, 'defaultSchema' | 'dialect'>,
): string {
  const isDefault =
    dialect === 'postgresql' ? schema === defaultSchema : schema.toLowerCase() === defaultSchema.toLowerCase()
  return isDefault ? name : `${schema}.${name}`
}

/** The table of an id for people; the id where the snapshot does not have the table. */
export function tableTitle(id: TableId, snapshot: DatabaseSnapshot): string {
  const table = snapshot.tables.find((candidate) => candidate.id === id)
  return table === undefined ? id : shownName(table, snapshot)
}

/** An index as people write it: `city(region_id, population DESC)`. */
export function indexTitle(definition: IndexDefinition, snapshot: DatabaseSnapshot): string {
  return indexLabel({ ...definition, table: tableTitle(definition.table, snapshot) })
}

/** A table's name in a statement. */
export function quotedTable(
  snapshot: Pick<DatabaseSnapshot, 'dialect' | 'defaultSchema'>,
  table: Pick<TableSnapshot, 'schema' | 'name'>,
): string {
  const { dialect, defaultSchema } = snapshot
  const name = quoteName(table.name, dialect)
  return table.schema === defaultSchema ? name : `${quoteName(table.schema, dialect)}.${name}`
}

/** A name for an index: `table_column_idx`. */
export function indexNameOf(
  table: string,
  columns: readonly string[],
  suffix: 'idx' | 'key' | 'pkey' | 'fulltext',
): string {
  const end = `_${suffix}`
  const parts = suffix === 'pkey' ? [table] : [table, ...columns]
  const name = parts.join('_').replace(/[^\p{L}\p{N}_]+/gu, '_')
  return `${cutToBytes(name, MAX_NAME - end.length)}${end}`
}

function cutToBytes(text: string, bytes: number): string {
  let cut = text
  while (Buffer.byteLength(cut) > bytes) cut = cut.slice(0, -1)
  return cut
}

/**
 * Finds a table by its name, with or without its schema; first in the default schema. The case only matters
 * if names are otherwise equal.
 */
export function tableNamed(snapshot: DatabaseSnapshot, name: string): TableSnapshot | undefined {
  const { tables, defaultSchema } = snapshot
  const folded = name.toLowerCase()
  const exact = tables.filter((table) => table.id === name || table.name === name)
  const found =
    exact.length > 0
      ? exact
      : tables.filter((table) => table.id.toLowerCase() === folded || table.name.toLowerCase() === folded)
  return found.find(({ schema }) => schema === defaultSchema) ?? found[0]
}

/** Bytes as people read them. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let amount = bytes
  let unit = 0
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000
    unit += 1
  }
  return `${amount >= 100 || unit === 0 ? Math.round(amount) : Number(amount.toPrecision(3))} ${units[unit]}`
}

/** A whole number as people read it: `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}
