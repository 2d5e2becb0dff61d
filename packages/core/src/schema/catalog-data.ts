import type { Dialect } from '../sql/dialect.ts'
import type { DatabaseFunctions, FunctionLevel } from './database-functions.ts'
import type { TriggeredChanges } from './triggered-changes.ts'

/**
 * A table's name throughout Sluice: `schema.table`, case-folded as in the database (lower case on SQLite and
 * MySQL). Tables with the same name in one database have the same id, regardless of the ORM.
 */
export type TableId = string

export type ReferentialAction = 'Cascade' | 'Restrict' | 'NoAction' | 'SetNull' | 'SetDefault'

/**
 * Type of a column's values, as far as keys need it. `text` values are equal if their characters are, except
 * for case, accents, width and punctuation; `collated` is text whose collation can treat any other characters
 * as equal. Types with other comparison rules are `other`.
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
  /**
   * PostgreSQL: an enum as `schema.name`, or `date`, which `type` does not distinguish from other types. For
   * a domain, the type on which it is based. MySQL and MariaDB: `time`.
   */
  readonly exactType?: string
  readonly nullable: boolean
}

export interface TableInfo {
  /** The schema in the database. MySQL: the database. Default: the connection's default schema. */
  readonly schema?: string
  readonly name: string
  /**
   * `view` includes everything that is not a base table: the tables that it reads are unknown, so Sluice does
   * not cache its rows.
   */
  readonly kind: 'table' | 'view'
  readonly columns: readonly ColumnInfo[]
  readonly primaryKey: readonly string[]
  /**
   * Unique keys other than the primary key, each a list of columns. Partial and expression indexes do not
   * count.
   */
  readonly uniqueKeys: readonly (readonly string[])[]
  /**
   * Whether a trigger or rule can write to other tables, so that a write to the table counts as modifying
   * every table. The same applies to a user-defined function in a default, a check, a generated column, an
   * index, or in a check or cast of a column's type.
   */
  readonly hasTriggers?: boolean
  /** The changes of triggers in the table itself. Default: none. */
  readonly triggered?: TriggeredChanges
  /** Whether such a function can change the schema. */
  readonly hasDefiningTriggers?: boolean
  /**
   * Effects of a read other than reading, through a function that a view or a policy calls. Default: none.
   */
  readonly whenRead?: FunctionLevel
  /**
   * Declared by a schema file instead of read from the database: its columns can have different, narrower
   * types.
   */
  readonly declared?: boolean
}

export interface ForeignKeyInfo {
  /** The table that contains the key. */
  readonly table: TableId
  readonly columns: readonly string[]
  readonly references: TableId
  readonly referencedColumns: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

/** A catalog as plain data: the output of generators and of the catalog readers. */
export interface CatalogData {
  readonly dialect: Dialect
  /**
   * The schema of names without one: `main` (SQLite), `public` (PostgreSQL), the database (MySQL); `-` if
   * unknown.
   */
  readonly defaultSchema: string
  readonly tables: readonly TableInfo[]
  readonly foreignKeys: readonly ForeignKeyInfo[]
  /**
   * MySQL: the databases of the server that it describes. Tables of the others are unknown. Omitted if their
   * names are unknown.
   */
  readonly databases?: readonly string[]
  /**
   * The functions, operators and types of the database. Omitted if they are unknown, or if a statement shows
   * all functions that it calls.
   */
  readonly functions?: DatabaseFunctions
  /**
   * PostgreSQL: whether transactions have the isolation level READ COMMITTED if they do not set it. Default:
   * unknown.
   */
  readonly readsCommitted?: boolean
  /** PostgreSQL: the OIDs of types that extensions and users created, if a column has the type. */
  readonly ownTypes?: readonly number[]
  /**
   * Identifies the database: the same in all processes that use it, and different for every other database.
   * Omitted if unknown.
   */
  readonly databaseId?: string
  /** Changes with the schema. Omitted if the database does not provide it. */
  readonly fingerprint?: string
}

/** Represents an unknown default schema: a table in it can belong to any schema. */
export const UNKNOWN_SCHEMA = '-'

/**
 * The id of a table.
 *
 * @param schema - The schema as written, or `undefined` for the default one.
 * @param defaultSchema - The connection's default schema, as in `CatalogData`.
 */
export function tableId(
  dialect: Dialect,
  schema: string | undefined,
  name: string,
  defaultSchema: string,
): TableId {
  if (dialect === 'postgresql') return `${schema ?? defaultSchema}.${name}`
  return `${(schema ?? defaultSchema).toLowerCase()}.${name.toLowerCase()}`
}

/** The id of a table in an unknown schema. */
export function idInUnknownSchema(name: string, dialect: Dialect = 'postgresql'): TableId {
  return tableId(dialect, undefined, name, UNKNOWN_SCHEMA)
}

export function isOfUnknownSchema(id: TableId): boolean {
  return id.startsWith(`${UNKNOWN_SCHEMA}.`)
}
