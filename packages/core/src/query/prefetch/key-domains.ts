import type { LookupTarget } from '../../pipeline/lookup.ts'
import type { SchemaCatalog } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'

/** Columns in an order: one for each column of a key. */
type Columns = readonly string[]

/** Columns of one table that contain a key, or refer to one. */
class Place {
  #parent: Place | undefined

  constructor(
    readonly table: TableId,
    readonly columns: Columns,
  ) {}

  root(): Place {
    let root: Place = this
    while (root.#parent !== undefined) root = root.#parent
    if (root !== this) this.#parent = root
    return root
  }

  unite(other: Place): void {
    const root = this.root()
    if (root !== other.root()) root.#parent = other.root()
  }
}

const NONE: readonly Columns[] = []
const known = new WeakMap<SchemaCatalog, KeyDomains>()

/**
 * The key domains of a catalog. Columns that foreign keys connect contain the same keys, and a lookup by one
 * of them can take its next keys from any other. Composite keys are tuples; each of their columns also has a
 * separate domain.
 */
export class KeyDomains {
  readonly #places = new Map<TableId, Map<string, Place>>()
  readonly #sources = new WeakMap<LookupTarget, Map<TableId, readonly Columns[]>>()
  readonly #unrelated = new WeakMap<LookupTarget, boolean>()

  constructor(private readonly catalog: SchemaCatalog) {
    for (const { table, columns, references, referencedColumns } of catalog.foreignKeys) {
      if (columns.length !== referencedColumns.length || columns.length === 0) continue
      for (const [at, column] of columns.entries()) {
        this.#place(table, [column]).unite(this.#place(references, [referencedColumns[at] ?? '']))
      }
      if (columns.length === 1) continue
      // Two foreign keys can list the columns of one key in different orders.
      const order = [...referencedColumns.keys()].sort((left, right) =>
        (referencedColumns[left] ?? '') < (referencedColumns[right] ?? '') ? -1 : 1,
      )
      const inOrder = (names: Columns) => order.map((at) => names[at] ?? '')
      this.#place(table, inOrder(columns)).unite(this.#place(references, inOrder(referencedColumns)))
    }
  }

  /** The domains of a catalog, determined once. */
  static of(catalog: SchemaCatalog): KeyDomains {
    let domains = known.get(catalog)
    if (domains === undefined) {
      domains = new KeyDomains(catalog)
      known.set(catalog, domains)
    }
    return domains
  }

  /** Whether the catalog contains no relations between tables. */
  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /**
   * Whether only values can connect a lookup with rows: there are no foreign keys, or none contains or
   * references the unique key by which it finds its row.
   */
  areUnrelated(target: LookupTarget): boolean {
    if (this.isEmpty) return true
    let areUnrelated = this.#unrelated.get(target)
    if (areUnrelated === undefined) {
      const { table, columns } = target
      areUnrelated = this.#placesOf(target).length === 0 && this.catalog.isUniqueKey(table, columns)
      this.#unrelated.set(target, areUnrelated)
    }
    return areUnrelated
  }

  /**
   * Returns the columns of a table that can contain one of the values of an unrelated lookup's key;
   * `undefined`: all of them. A column that has a separate domain only shares values with its domain, and a
   * primary key of one column that no foreign key references only with itself: equal IDs of two tables are a
   * coincidence.
   */
  columnsLike(target: LookupTarget, at: number, table: TableId): readonly string[] | undefined {
    const column = target.columns[at] ?? ''
    const place = this.#places.get(target.table)?.get(JSON.stringify([column]))
    if (place !== undefined) {
      return [...(this.#places.get(table)?.values() ?? [])]
        .filter((other) => other.columns.length === 1 && other.root() === place.root())
        .flatMap(({ columns }) => columns)
    }
    if (this.isEmpty || target.columns.length > 1 || !this.#isPrimaryKey(target)) return undefined
    return table === target.table ? [column] : []
  }

  #isPrimaryKey({ table, columns }: LookupTarget): boolean {
    const { primaryKey = [] } = this.catalog.tables.get(table) ?? {}
    return haveSame(primaryKey, columns)
  }

  /** Returns the columns of a table that contain keys. */
  columnsOf(table: TableId): readonly string[] {
    return [...(this.#places.get(table)?.values() ?? [])].flatMap(({ columns }) => columns)
  }

  /**
   * Returns the columns of a table that can contain a lookup's keys, each list in the order of the key's
   * values. Empty if foreign keys do not connect the table and the lookup.
   */
  sourcesOf(target: LookupTarget, table: TableId): readonly Columns[] {
    let byTable = this.#sources.get(target)
    if (byTable === undefined) {
      byTable = new Map()
      this.#sources.set(target, byTable)
    }
    let sources = byTable.get(table)
    if (sources === undefined) {
      sources = this.#find(target, table)
      byTable.set(table, sources)
    }
    return sources
  }

  #find(target: LookupTarget, table: TableId): readonly Columns[] {
    const candidates = [...(this.#places.get(table)?.values() ?? [])]
    const found = this.#placesOf(target).flatMap((place) =>
      candidates
        .filter((candidate) => candidate.root() === place.root())
        .map((candidate) =>
          target.columns.map((column) => candidate.columns[place.columns.indexOf(column)] ?? ''),
        ),
    )
    return found.length === 0 ? NONE : found
  }

  #placesOf({ table, columns }: LookupTarget): readonly Place[] {
    return [...(this.#places.get(table)?.values() ?? [])].filter((place) => haveSame(place.columns, columns))
  }

  #place(table: TableId, columns: Columns): Place {
    let places = this.#places.get(table)
    if (places === undefined) {
      places = new Map()
      this.#places.set(table, places)
    }
    const key = JSON.stringify(columns)
    let place = places.get(key)
    if (place === undefined) {
      place = new Place(table, columns)
      places.set(key, place)
    }
    return place
  }
}

function haveSame(left: Columns, right: Columns): boolean {
  return left.length === right.length && left.every((column) => right.includes(column))
}
