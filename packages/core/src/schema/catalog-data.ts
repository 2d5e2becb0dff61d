import type { Dialect } from '../sql/dialect.ts'
import type { DatabaseFunctions, FunctionLevel } from './database-functions.ts'

/**
 * A table's name across Sluice: `schema.table`, folded as the database folds it (lower case on SQLite and MySQL).
 * The tables that one database calls by one name have one id, whichever ORM asks.
 */
export type TableId = string

export type ReferentialAction = 'Cascade' | 'Restrict' | 'NoAction' | 'SetNull' | 'SetDefault'

/**
 * What a column's values are, as far as keys need to know. `text` is equal where its characters are, but for case, accents, width and
 * punctuation; `collated` is text whose collation may hold any other characters equal. What compares in ways of its own is `other`.
 */
export type ColumnType =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'text'
  | 'collated'
  | 'uuid'
  | 'boolean'
  | 'datetime'
  | 'bytes'
  | 'json'
  | 'other'

export interface ColumnInfo {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
}

export interface TableInfo {
  /** The schema as the database knows it. MySQL: the database. Left out: the connection's default schema. */
  readonly schema?: string
  readonly name: string
  /** `view` stands for whatever is no base table: what it reads is not known, so nothing of it is cached. */
  readonly kind: 'table' | 'view'
  readonly columns: readonly ColumnInfo[]
  readonly primaryKey: readonly string[]
  /** Unique keys beside the primary one, each a list of columns. Partial and expression indexes do not count. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /**
   * A trigger or rule may write anything: a write to such a table touches every table. So may a function of a user in a default, a check,
   * a generated column, an index, or in a check or cast of a column's type.
   */
  readonly hasTriggers?: boolean
  /** Whether such a function may change the schema. */
  readonly hasDefiningTriggers?: boolean
  /** What a read may do besides reading: by a function that a view or a policy calls. Left out: nothing. */
  readonly whenRead?: FunctionLevel
  /** A schema file says so, not the database: the types of its columns may be other, narrower ones. */
  readonly declared?: boolean
}

export interface ForeignKeyInfo {
  /** The table that holds the key. */
  readonly table: TableId
  readonly columns: readonly string[]
  readonly references: TableId
  readonly referencedColumns: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

/** A catalogue as plain data: what a generator writes and what the readers read. */
export interface CatalogData {
  readonly dialect: Dialect
  /** The schema of names without one: `main` (SQLite), `public` (PostgreSQL), the database (MySQL); `-` where it is not known. */
  readonly defaultSchema: string
  readonly tables: readonly TableInfo[]
  readonly foreignKeys: readonly ForeignKeyInfo[]
  /** The functions, operators and types of the database. Left out: not known, or a statement shows all that it calls. */
  readonly functions?: DatabaseFunctions
  /** PostgreSQL: the oids of types that extensions and users made, as far as columns have them. */
  readonly ownTypes?: readonly number[]
  /** What the database is called by all processes that use it, and no other is. Left out where that is not known. */
  readonly databaseId?: string
  /** Changes with the schema. Left out where the database does not tell. */
  readonly fingerprint?: string
}

/** Stands for a default schema that is not known: a table of it may be that of any schema. */
export const UNKNOWN_SCHEMA = '-'

/**
 * The id of a table.
 *
 * @param schema - The schema as written, or `undefined` for the default one.
 * @param defaultSchema - The connection's default schema, as in `CatalogData`.
 */
export function tableId(dialect: Dialect, schema: string | undefined, name: string, defaultSchema: string): TableId {
  if (dialect === 'postgresql') return `${schema ?? defaultSchema}.${name}`
  return `${(schema ?? defaultSchema).toLowerCase()}.${name.toLowerCase()}`
}

export function isOfUnknownSchema(id: TableId): boolean {
  return id.startsWith(`${UNKNOWN_SCHEMA}.`)
}
