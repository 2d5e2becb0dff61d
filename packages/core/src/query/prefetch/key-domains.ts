import type { LookupTarget } from '../../pipeline/lookup.ts'
import type { SchemaCatalog } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'

/** Columns, in an order: one of a key's columns each. */
type Columns = readonly string[]

/** Columns of one table that hold a key, or refer to one. */
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

/**
 * The key domains of a catalogue: columns that foreign keys join hold the same keys, and a lookup by one of them may take
 * its next keys from any other. Composite keys are tuples; their columns are in a domain each by themselves, too.
 */
export class KeyDomains {
  readonly #places = new Map<TableId, Map<string, Place>>()
  readonly #sources = new WeakMap<LookupTarget, Map<TableId, readonly Columns[]>>()

  constructor(catalog: SchemaCatalog) {
    for (const { table, columns, references, referencedColumns } of catalog.foreignKeys) {
      if (columns.length !== referencedColumns.length || columns.length === 0) continue
      for (const [at, column] of columns.entries()) {
        this.#place(table, [column]).unite(this.#place(references, [referencedColumns[at] ?? '']))
      }
      if (columns.length === 1) continue
      // Two foreign keys may name one key's columns in different orders.
      const order = [...referencedColumns.keys()].sort((left, right) =>
        (referencedColumns[left] ?? '') < (referencedColumns[right] ?? '') ? -1 : 1,
      )
      const inOrder = (names: Columns) => order.map((at) => names[at] ?? '')
      this.#place(table, inOrder(columns)).unite(this.#place(references, inOrder(referencedColumns)))
    }
  }

  /** Whether the catalogue says nothing about how tables belong together. */
  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /** The columns of a table that hold keys. */
  columnsOf(table: TableId): readonly string[] {
    return [...(this.#places.get(table)?.values() ?? [])].flatMap(({ columns }) => columns)
  }

  /**
   * The columns of a table that may hold a lookup's keys, each list in the order of the key's values.
   * Empty when the two have nothing to do with each other.
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
    const asked = [...(this.#places.get(target.table)?.values() ?? [])].filter((place) => haveSame(place.columns, target.columns))
    const found = asked.flatMap((place) =>
      candidates
        .filter((candidate) => candidate.root() === place.root())
        .map((candidate) => target.columns.map((column) => candidate.columns[place.columns.indexOf(column)] ?? '')),
    )
    return found.length === 0 ? NONE : found
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
