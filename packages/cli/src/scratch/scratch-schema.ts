import {
  type ColumnSnapshot,
  type DatabaseSnapshot,
  isBytewise,
  quoteName,
  type TableSnapshot,
} from '@sluice/core/database'
import { trimEnd } from '@sluice/core/siblings'

export const quote = (name: string): string => quoteName(name, 'postgresql')

export function fullName({ schema, name }: Pick<TableSnapshot, 'schema' | 'name'>): string {
  return `${quote(schema)}.${quote(name)}`
}

/** Text types, whose order depends on a collation. */
const textual = /^(text|character varying|varchar|character|char|bpchar|name|citext)\b/i

/** Built-in types of PostgreSQL. Others become domains over `text`. */
const builtIn =
  /^(smallint|integer|bigint|numeric|decimal|real|double precision|money|text|character varying|varchar|character|char|bpchar|"char"|name|bytea|boolean|date|time|timestamp|interval|uuid|json|jsonb|jsonpath|xml|inet|cidr|macaddr8?|bit|bit varying|tsvector|tsquery|point|line|lseg|box|path|polygon|circle|oid|int[48]range|numrange|tsrange|tstzrange|daterange)\b/i

/** Names of the types that a scratch database does not have. */
export function missingTypes(tables: readonly TableSnapshot[]): string[] {
  const types = tables.flatMap(({ columns }) => columns.map(({ databaseType }) => baseType(databaseType)))
  return [...new Set(types)].filter((type) => !builtIn.test(type))
}

/** `numeric` of `numeric(10,2)[]`. */
function baseType(type: string): string {
  const element = trimEnd(type, '[]')
  return element.endsWith(')') && element.includes('(') ? element.slice(0, element.indexOf('(')) : element
}

/**
 * `CREATE TABLE` with only columns and the primary key. The keys of a partitioned table are those of its
 * partitions.
 */
export function createTable(table: TableSnapshot, snapshot: DatabaseSnapshot): string {
  const columns = table.columns.map((column) => columnSql(column, snapshot))
  const { partitionKey } = table
  if (partitionKey !== undefined)
    return `CREATE TABLE ${fullName(table)} (${columns.join(', ')}) PARTITION BY ${partitionKey}`
  const name = primaryIndexName(table)
  const key =
    name === undefined
      ? []
      : [`CONSTRAINT ${quote(name)} PRIMARY KEY (${table.primaryKey.map(quote).join(', ')})`]
  return `CREATE TABLE ${fullName(table)} (${[...columns, ...key].join(', ')})`
}

/** Tables before their partitions. */
export function parentsFirst(tables: readonly TableSnapshot[]): readonly TableSnapshot[] {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const depth = ({ parent }: TableSnapshot): number => {
    const above = parent === undefined ? undefined : byId.get(parent)
    return above === undefined ? 0 : 1 + depth(above)
  }
  return [...tables].sort((a, b) => depth(a) - depth(b))
}

/** Makes a table a partition of its parent. `undefined` if it has no parent with a partition key. */
export function attachPartition(table: TableSnapshot, snapshot: DatabaseSnapshot): string | undefined {
  const parent = snapshot.tables.find(({ id }) => id === table.parent)
  if (parent?.partitionKey === undefined || table.partitionBound === undefined) return undefined
  return `ALTER TABLE ${fullName(parent)} ATTACH PARTITION ${fullName(table)} ${table.partitionBound}`
}

function primaryIndexName({ indexes, primaryKey }: TableSnapshot): string | undefined {
  return primaryKey.length === 0 ? undefined : indexes.find(({ isPrimary }) => isPrimary)?.name
}

function columnSql(column: ColumnSnapshot, snapshot: DatabaseSnapshot): string {
  const { name, databaseType, nullable } = column
  const isText = textual.test(databaseType)
  // The language of a collation does not affect plans, but whether the order is bytewise does.
  const collate = !isText ? '' : isBytewise(column, snapshot) ? ' COLLATE "C"' : ' COLLATE "unicode"'
  return `${quote(name)} ${databaseType}${collate}${nullable ? '' : ' NOT NULL'}`
}
