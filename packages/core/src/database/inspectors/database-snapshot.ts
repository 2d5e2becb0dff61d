import type { ColumnType, ForeignKeyInfo, TableId } from '../../schema/catalog-data.ts'
import { lowerAscii } from '../../sql/characters.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../../sql/tree/read-sql.ts'
import type { IndexDefinition } from '../index-definition.ts'

/** The result of one inspection of a database. Plain data: it can be written to a file and read again. */
export interface DatabaseSnapshot {
  readonly dialect: Dialect
  readonly product: 'postgresql' | 'mysql' | 'mariadb' | 'sqlite'
  /** As people write it: `17.2`, `11.8.6`, `3.50.1`. */
  readonly version: string
  /** Major version, minor version, patch: for comparisons. */
  readonly versionParts: readonly [number, number, number]
  readonly defaultSchema: string
  /** Milliseconds since 1970. */
  readonly takenAt: number
  readonly tables: readonly TableSnapshot[]
  readonly foreignKeys: readonly ForeignKeyInfo[]
  /** Settings that the advice depends on, as the server writes them. */
  readonly settings: Readonly<Record<string, string>>
  /** Extensions (PostgreSQL): the installed ones, and those that could be. */
  readonly extensions: { readonly installed: readonly string[]; readonly available: readonly string[] }
  readonly connections?: ServerConnections
  /**
   * Statements that the server counted: `pg_stat_statements`, `performance_schema`. Most expensive first, at
   * most 1,000.
   */
  readonly statements: readonly ServerStatement[]
  /** Information that could not be read, with the reason. */
  readonly gaps: readonly InspectionGap[]
}

export interface InspectionGap {
  /** Missing information: `statements`, `index use`, `statistics of public.city`, … */
  readonly what: string
  /** Why, and what would help, in a sentence. */
  readonly why: string
}

export interface TableSnapshot {
  readonly id: TableId
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'partitioned' | 'partition' | 'view' | 'materialized-view' | 'virtual' | 'foreign'
  /** Parent table of a partition. */
  readonly parent?: TableId
  /** `PARTITION BY` of a table with partitions, without the keywords: `RANGE (created_at)` (PostgreSQL). */
  readonly partitionKey?: string
  /** `FOR VALUES …` or `DEFAULT` of a partition (PostgreSQL). */
  readonly partitionBound?: string
  /** An estimate, unless the database counts. -1: not known. */
  readonly rows: number
  /** Bytes of the table itself, and of its indexes. -1: not known. */
  readonly bytes: number
  readonly indexBytes: number
  readonly columns: readonly ColumnSnapshot[]
  /** Columns. SQLite: one INTEGER column is the rowid, and has no separate index. */
  readonly primaryKey: readonly string[]
  readonly indexes: readonly IndexSnapshot[]
  /** SELECT of a view. */
  readonly definition?: string
  /** SQLite: no rowid. */
  readonly isClustered?: boolean
  /** Pages of the table, and of those all visible (PostgreSQL). */
  readonly pages?: number
  readonly visiblePages?: number
  /** Since the server's counters began: rows written. */
  readonly inserted?: number
  readonly updated?: number
  readonly deleted?: number
  /** Scans of the whole table, and rows that they read. */
  readonly fullScans?: number
  readonly fullScanRows?: number
  /** Dead rows (PostgreSQL). */
  readonly deadRows?: number
  /**
   * Bytes that are allocated and unused: `data_free` (MySQL), unused bytes of its pages (SQLite's `dbstat`).
   */
  readonly freeBytes?: number
  /**
   * When the planner's statistics were last made, in milliseconds since 1970; `undefined` where it never was,
   * or is not known.
   */
  readonly analyzedAt?: number
  /** Rows changed since. SQLite: omitted if it was never analyzed. */
  readonly changedSinceAnalyze?: number
}

export interface ColumnSnapshot {
  readonly name: string
  readonly type: ColumnType
  /** As the database writes it: `character varying(20)`, `int(11)`, `INTEGER`. */
  readonly databaseType: string
  readonly nullable: boolean
  /** Default: the database's collation. */
  readonly collation?: string
  /** Computed from others; no index needs to be asked whether it can be written. */
  readonly isGenerated?: boolean
  readonly statistics?: ColumnStatistics
}

/** How a column's values are spread: from the database's own statistics, or from a sample. */
export interface ColumnStatistics {
  /** Distinct values that are not null, at least 1. */
  readonly distinct: number
  /** 0 to 1. */
  readonly nullShare: number
  /** Bytes. */
  readonly averageWidth?: number
  /**
   * The most common values, most common first, as bindings for the column; `share` is that of all rows, 0 to
   * 1.
   */
  readonly common: readonly { readonly value: StatisticsValue; readonly share: number }[]
  /** The others, in order: equally many rows lie between neighbours. At most 101. */
  readonly bounds: readonly StatisticsValue[]
  /** Between physical and logical order, -1 to 1. */
  readonly correlation?: number
  /** As the database keeps them (PostgreSQL), for a planner that they are copied to. */
  readonly raw?: Readonly<Record<string, string | number | readonly number[] | null>>
}

/** PostgreSQL returns every value as a string. */
export type StatisticsValue = string | number

export interface IndexSnapshot extends IndexDefinition {
  readonly name: string
  readonly isPrimary: boolean
  /** Whether a primary key, a unique or an exclusion constraint needs it. */
  readonly isConstraint: boolean
  /** An index whose build failed does not serve reads. */
  readonly isValid: boolean
  /** MySQL: not `INVISIBLE`/`IGNORED`. */
  readonly isVisible: boolean
  readonly bytes?: number
  /**
   * How often it was used since the server's counters began; on MySQL, rows that were read by it.
   * `undefined`: not known.
   */
  readonly scans?: number
  /** `CREATE INDEX`, as the database writes it. */
  readonly definition?: string
}

export interface ServerConnections {
  readonly max: number
  readonly used: number
  readonly active: number
  readonly idle: number
  readonly idleInTransaction: number
  /** Waiting for a lock. */
  readonly blocked: number
}

export interface ServerStatement {
  /** With `$1` (PostgreSQL) or `?` (MySQL) instead of values. */
  readonly sql: string
  readonly calls: number
  readonly totalMs: number
  readonly maxMs?: number
  readonly rows: number
  /** Examined rows (MySQL). */
  readonly rowsExamined?: number
  /** Calls that used no index (MySQL). */
  readonly withoutIndex?: number
  /** One text as it was run, with its values (MySQL 8). */
  readonly sample?: string
}

const indexes = new WeakMap<DatabaseSnapshot, SnapshotIndex>()

/** Finds the tables and columns of a snapshot by the names that statements give them. */
export class SnapshotIndex {
  readonly #tables = new Map<string, TableSnapshot>()
  readonly #columns = new Map<TableSnapshot, ReadonlyMap<string, ColumnSnapshot>>()
  readonly #views = new Map<TableSnapshot, QueryTree | undefined>()

  private constructor(readonly snapshot: DatabaseSnapshot) {
    for (const table of snapshot.tables) this.#tables.set(this.#key(table.schema, table.name), table)
  }

  /** The index of a snapshot, made once. */
  static of(snapshot: DatabaseSnapshot): SnapshotIndex {
    let index = indexes.get(snapshot)
    if (index === undefined) {
      index = new SnapshotIndex(snapshot)
      indexes.set(snapshot, index)
    }
    return index
  }

  /** Names as the database compares them; those of PostgreSQL are folded when they are read. */
  fold(name: string): string {
    return this.snapshot.dialect === 'postgresql' ? name : lowerAscii(name)
  }

  /** The table that a name of one to three parts means: without a schema, the one of the default schema. */
  table(name: readonly string[]): TableSnapshot | undefined {
    return this.#tables.get(this.#key(name.at(-2) ?? this.snapshot.defaultSchema, name.at(-1) ?? ''))
  }

  column(table: TableSnapshot, name: string): ColumnSnapshot | undefined {
    let columns = this.#columns.get(table)
    if (columns === undefined) {
      columns = new Map(table.columns.map((column) => [this.#foldColumn(column.name), column]))
      this.#columns.set(table, columns)
    }
    return columns.get(this.#foldColumn(name))
  }

  /** A view's query; `undefined` where it is not known, or cannot be read for certain. */
  view(table: TableSnapshot): QueryTree | undefined {
    if (!this.#views.has(table)) this.#views.set(table, this.#read(table.definition))
    return this.#views.get(table)
  }

  #read(definition: string | undefined): QueryTree | undefined {
    return definition === undefined ? undefined : tryReadQueryTree(definition, this.snapshot.dialect)
  }

  #key(schema: string, name: string): string {
    return `${this.fold(schema)}\0${this.fold(name)}`
  }

  /** MySQL compares the names of columns without regard to case of any letter. */
  #foldColumn(name: string): string {
    return this.snapshot.dialect === 'mysql' ? name.toLowerCase() : this.fold(name)
  }
}
