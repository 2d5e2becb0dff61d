import { lowerAscii } from '../../sql/characters.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../../sql/tree/read-sql.ts'
import type { ColumnSnapshot, DatabaseSnapshot, TableSnapshot } from './database-snapshot.ts'

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
