import { type ColumnSnapshot, type DatabaseSnapshot, isBytewise, quoteName, type TableSnapshot } from '@sluice/core/database'

export const quote = (name: string): string => quoteName(name, 'postgresql')

export function fullName({ schema, name }: Pick<TableSnapshot, 'schema' | 'name'>): string {
  return `${quote(schema)}.${quote(name)}`
}

/** Types that hold text: their order depends on a collation. */
const textual = /^(text|character varying|varchar|character|char|bpchar|name|citext)\b/i

/** Types that are there in every PostgreSQL; others become domains over `text`. */
const builtIn =
  /^(smallint|integer|bigint|numeric|decimal|real|double precision|money|text|character varying|varchar|character|char|bpchar|"char"|name|bytea|boolean|date|time|timestamp|interval|uuid|json|jsonb|jsonpath|xml|inet|cidr|macaddr8?|bit|bit varying|tsvector|tsquery|point|line|lseg|box|path|polygon|circle|oid|int[48]range|numrange|tsrange|tstzrange|daterange)\b/i

/** The names of the types that a scratch database lacks, as they are written. */
export function missingTypes(tables: readonly TableSnapshot[]): string[] {
  const types = tables.flatMap(({ columns }) => columns.map(({ databaseType }) => databaseType.replace(/(\(.*\))?(\[\])*$/, '')))
  return [...new Set(types)].filter((type) => !builtIn.test(type))
}

/** `CREATE TABLE` with nothing but columns and the primary key. */
export function createTable(table: TableSnapshot, snapshot: DatabaseSnapshot): string {
  const columns = table.columns.map((column) => columnSql(column, snapshot))
  const name = primaryIndexName(table)
  const key = name === undefined ? [] : [`CONSTRAINT ${quote(name)} PRIMARY KEY (${table.primaryKey.map(quote).join(', ')})`]
  return `CREATE TABLE ${fullName(table)} (${[...columns, ...key].join(', ')})`
}

function primaryIndexName({ indexes, primaryKey }: TableSnapshot): string | undefined {
  return primaryKey.length === 0 ? undefined : indexes.find(({ isPrimary }) => isPrimary)?.name
}

function columnSql(column: ColumnSnapshot, snapshot: DatabaseSnapshot): string {
  const { name, databaseType, nullable } = column
  const isText = textual.test(databaseType)
  // Which language orders the texts makes no difference to a plan; that one does, does.
  const collate = !isText ? '' : isBytewise(column, snapshot) ? ' COLLATE "C"' : ' COLLATE "unicode"'
  return `${quote(name)} ${databaseType}${collate}${nullable ? '' : ' NOT NULL'}`
}
