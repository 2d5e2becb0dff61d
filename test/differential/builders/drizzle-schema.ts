import type { Dialect } from '@sluice/core'
import { relations, type Table } from 'drizzle-orm'
import * as mysqlCore from 'drizzle-orm/mysql-core'
import * as pgCore from 'drizzle-orm/pg-core'
import type { Database } from '../../support/database.ts'

/** Rows of another table that a relational query can include. */
interface DrizzleRelation {
  readonly name: string
  /** The columns that order several rows. */
  readonly orderBy: readonly string[]
}

/** A schema of Drizzle, whose properties have the names of the database. */
export interface DrizzleSchema {
  readonly dialect: Dialect
  readonly tables: Readonly<Record<string, Table>>
  /** By table. */
  readonly related: ReadonlyMap<string, readonly DrizzleRelation[]>
  /** Tables and relations, as Drizzle expects them. */
  readonly all: Readonly<Record<string, unknown>>
}

type PgColumn = pgCore.PgColumnBuilderBase
type MysqlColumn = mysqlCore.MySqlColumnBuilderBase

/** Columns by the name of their type. */
const PG_COLUMNS: Readonly<Record<string, (name: string) => PgColumn>> = {
  int4: (name) => pgCore.integer(name),
  int8: (name) => pgCore.bigint(name, { mode: 'bigint' }),
  float8: (name) => pgCore.doublePrecision(name),
  numeric: (name) => pgCore.numeric(name),
  bool: (name) => pgCore.boolean(name),
  text: (name) => pgCore.text(name),
  timestamp: (name) => pgCore.timestamp(name, { precision: 3 }),
}
const MYSQL_COLUMNS: Readonly<Record<string, (name: string) => MysqlColumn>> = {
  int: (name) => mysqlCore.int(name),
  bigint: (name) => mysqlCore.bigint(name, { mode: 'bigint' }),
  double: (name) => mysqlCore.double(name),
  decimal: (name) => mysqlCore.decimal(name),
  tinyint: (name) => mysqlCore.boolean(name),
  varchar: (name) => mysqlCore.varchar(name, { length: 191 }),
  datetime: (name) => mysqlCore.datetime(name, { fsp: 3 }),
}

type ColumnRow = Readonly<Record<'table' | 'column' | 'type', string>>

/** A foreign key. */
interface KeyRow {
  readonly from: string
  readonly to: string
  readonly fields: readonly string[]
  readonly references: readonly string[]
}

const PG_COLUMNS_SQL = `
  SELECT table_name AS "table", column_name AS "column", udt_name AS "type"
  FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`

const MYSQL_COLUMNS_SQL = `
  SELECT table_name AS \`table\`, column_name AS \`column\`, data_type AS \`type\`
  FROM information_schema.columns WHERE table_schema = database() ORDER BY table_name, ordinal_position`

const NAMES = (relation: string, numbers: string) =>
  `(SELECT json_agg(attname ORDER BY at) FROM unnest(${numbers}) WITH ORDINALITY AS part (attnum, at)
  JOIN pg_attribute USING (attnum) WHERE attrelid = ${relation})`

const PG_KEYS_SQL = `
  SELECT own.relname AS "from", other.relname AS "to",
    ${NAMES('conrelid', 'conkey')} AS "fields", ${NAMES('confrelid', 'confkey')} AS "references"
  FROM pg_constraint JOIN pg_class own ON own.oid = conrelid JOIN pg_class other ON other.oid = confrelid
  WHERE contype = 'f' AND own.relnamespace = 'public'::regnamespace ORDER BY conname, own.relname`

/** Reads the tables of a database, and the foreign keys of PostgreSQL. */
export async function readDrizzleSchema(database: Database): Promise<DrizzleSchema> {
  const { dialect } = database
  const isMysql = dialect === 'mysql'
  const columnsSql = isMysql ? MYSQL_COLUMNS_SQL : PG_COLUMNS_SQL
  const columns = (await database.query(columnsSql)) as unknown as readonly ColumnRow[]
  // MariaDB supports none of the queries with which Drizzle includes related rows.
  const keys = isMysql ? [] : ((await database.query(PG_KEYS_SQL)) as unknown as readonly KeyRow[])
  const tables = Object.fromEntries(
    [...new Set(columns.map(({ table }) => table))].map((name) => {
      const own = columns.filter(({ table }) => table === name)
      return [name, isMysql ? mysqlTable(name, own) : pgTable(name, own)]
    }),
  )
  const orderOf = (name: string) =>
    columns.filter(({ table, type }) => table === name && type in PG_COLUMNS).map(({ column }) => column)
  const related = new Map<string, DrizzleRelation[]>()
  const add = (table: string, relation: DrizzleRelation) =>
    related.set(table, [...(related.get(table) ?? []), relation])
  for (const [at, { from, to }] of keys.entries()) {
    add(from, { name: `one_${at}`, orderBy: [] })
    add(to, { name: `many_${at}`, orderBy: orderOf(from) })
  }
  const configs = Object.entries(tables).map(([name, table]) => {
    const config = relations(table, ({ one, many }) =>
      Object.fromEntries(
        keys.flatMap(({ from, to, fields, references }, at) => {
          const [own, other] = [tables[from], tables[to]]
          if (own === undefined || other === undefined) return []
          const key = {
            relationName: `key_${at}`,
            fields: fields.map((field) => own[field as never]),
            references: references.map((field) => other[field as never]),
          }
          return [
            ...(from === name ? [[`one_${at}`, one(other, key as never)] as const] : []),
            ...(to === name ? [[`many_${at}`, many(own, { relationName: `key_${at}` })] as const] : []),
          ]
        }),
      ),
    )
    return [`${name} relations`, config] as const
  })
  return { dialect, tables, related, all: { ...tables, ...Object.fromEntries(configs) } }
}

function pgTable(name: string, columns: readonly ColumnRow[]): Table {
  const built = columns.map(({ column, type }): [string, PgColumn] => [
    column,
    PG_COLUMNS[type]?.(column) ?? pgCore.customType({ dataType: () => type })(column),
  ])
  return pgCore.pgTable(name, Object.fromEntries(built))
}

function mysqlTable(name: string, columns: readonly ColumnRow[]): Table {
  const built = columns.map(({ column, type }): [string, MysqlColumn] => [
    column,
    MYSQL_COLUMNS[type]?.(column) ?? mysqlCore.customType({ dataType: () => type })(column),
  ])
  return mysqlCore.mysqlTable(name, Object.fromEntries(built))
}
