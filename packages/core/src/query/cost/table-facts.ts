import type { CatalogTable, SchemaCatalog } from '../../schema/catalog.ts'
import type { ForeignKeyInfo } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'

/** The number of rows of a table about which nothing is known. */
const DEFAULT_ROWS = 10_000

/** An index whose leading columns are known. */
export interface KnownIndex {
  readonly columns: readonly string[]
  /** Its name in plans: `PRIMARY KEY city(id)`. */
  readonly label: string
  readonly unique: boolean
}

/** The known facts about tables: their rows and indexes, set explicitly or read from a database. */
export class TableFacts {
  readonly #rows = new Map<string, number>()
  readonly #indexes = new Map<string, readonly (readonly string[])[]>()

  /** @param inspectedRows - Number of rows of a table, if the database was inspected. */
  constructor(
    private readonly catalogOf: (dialect: Dialect) => SchemaCatalog | undefined,
    private readonly inspectedRows: (table: string) => number | undefined = () => undefined,
  ) {}

  setRows(table: string, rows: number): void {
    this.#rows.set(table.toLowerCase(), rows)
  }

  setIndexes(table: string, indexes: readonly (readonly string[])[]): void {
    this.#indexes.set(table.toLowerCase(), indexes)
  }

  rows(name: readonly string[]): number {
    return find(this.#rows, name) ?? this.inspectedRows(name.join('.')) ?? DEFAULT_ROWS
  }

  table(name: readonly string[], dialect: Dialect): CatalogTable | undefined {
    const catalog = this.catalogOf(dialect)
    return catalog?.tables.get(catalog.idOf(name))
  }

  /**
   * Returns the known indexes of a table: its primary and unique keys, the indexes that were set explicitly,
   * and on MySQL its foreign keys, for which InnoDB creates an index automatically.
   */
  indexes(name: readonly string[], dialect: Dialect): KnownIndex[] {
    const shown = name.join('.')
    const known: KnownIndex[] = []
    const add = (kind: string, columns: readonly string[], unique: boolean) => {
      if (columns.length > 0)
        known.push({ columns, label: `${kind} ${shown}(${columns.join(', ')})`, unique })
    }
    const table = this.table(name, dialect)
    if (table !== undefined) {
      add('PRIMARY KEY', table.primaryKey, true)
      for (const columns of table.uniqueKeys) add('UNIQUE', columns, true)
      if (dialect === 'mysql')
        for (const key of this.foreignKeys(dialect))
          if (key.table === table.id) add('FOREIGN KEY', key.columns, false)
    }
    for (const columns of find(this.#indexes, name) ?? []) add('INDEX', columns, false)
    return known
  }

  foreignKeys(dialect: Dialect): readonly ForeignKeyInfo[] {
    return this.catalogOf(dialect)?.foreignKeys ?? []
  }

  /** Whether a column alone is a key of its table. */
  isUnique(name: readonly string[], column: string, dialect: Dialect): boolean {
    const target = column.toLowerCase()
    return this.indexes(name, dialect).some(
      ({ unique, columns }) => unique && columns.length === 1 && columns[0]?.toLowerCase() === target,
    )
  }

  /** Returns the first known index that begins with one of the columns. */
  usableIndex(name: readonly string[], columns: readonly string[], dialect: Dialect): KnownIndex | undefined {
    const targets = new Set(columns.map((column) => column.toLowerCase()))
    return this.indexes(name, dialect).find(({ columns: [first = ''] }) => targets.has(first.toLowerCase()))
  }
}

function find<T>(map: ReadonlyMap<string, T>, name: readonly string[]): T | undefined {
  return map.get(name.join('.').toLowerCase()) ?? map.get((name.at(-1) ?? '').toLowerCase())
}
