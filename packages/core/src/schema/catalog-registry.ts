import type { Dialect } from '../sql/dialect.ts'
import {
  type CatalogTable,
  type Change,
  EVERYTHING,
  type SchemaCatalog,
  type WriteEffect,
} from './catalog.ts'
import { idInUnknownSchema, isOfUnknownSchema, type TableId } from './catalog-data.ts'
import { FirstCatalogs } from './first-catalogs.ts'
import { isSameKey, keyedRows, type RowKey, rowKeyOf } from './row-key.ts'
import { SchemaGenerations } from './schema-generations.ts'
import { SourceState, type StaleReader } from './source-state.ts'

/** Represents a table whose triggers are unknown: it matches any table. */
const ANY_TABLE = '*'

/**
 * A Sluice's knowledge of its databases: the union of the catalogs of all adapters, by dialect. While a
 * source is being read again (for example, after DDL), nothing is trusted: writes modify every table, and no
 * table counts as a base table.
 */
export class CatalogRegistry {
  readonly #sources = new Map<string, SourceState>()
  readonly #unions = new Map<Dialect, SchemaCatalog | undefined>()
  /** The unions by their default schemas. */
  readonly #views = new Map<string, SchemaCatalog>()
  /** Names of tables, in lower case. */
  readonly #shadowed = new Set<string>()
  readonly #calling = new Set<string>()
  readonly #triggered = new Set<string>()
  /** Changes whenever the meaning of names may have changed. */
  version = 0
  /** @internal */
  readonly generations: SchemaGenerations = new SchemaGenerations(() => this.#changed())
  /** @internal */
  readonly first: FirstCatalogs = new FirstCatalogs()
  /** @internal Increases when the catalogs are used. */
  uses = 0
  readonly #owners = new FinalizationRegistry<string>((sourceId) => {
    this.delete(sourceId)
    this.#sources.delete(sourceId)
  })

  /**
   * Sets the catalog of one source. `undefined` means that it is being read.
   *
   * @param readIn - The generation in which the database was queried: the catalog is valid only in that
   * generation. Default: declared by a file.
   */
  set(sourceId: string, catalog: SchemaCatalog | undefined, readIn?: number): void {
    const state = this.#stateOf(sourceId)
    // The union prefers catalogs that were set earlier.
    if (!state.isSet) this.#sources.delete(sourceId)
    this.#sources.set(sourceId, state)
    state.isSet = true
    state.catalog = catalog
    state.readIn = readIn
    this.#changed()
  }

  /** Sets a catalog derived from that of another source, which is used instead if this one is outdated. */
  derive(sourceId: string, catalog: SchemaCatalog, readIn: number): void {
    this.#stateOf(sourceId).isDerived = true
    this.set(sourceId, catalog, readIn)
  }

  /**
   * Sets whether names and results can differ on a connection of a source: if so, none of it is optimized.
   */
  setStrange(sourceId: string, isStrange: boolean): void {
    if ((this.#sources.get(sourceId)?.isStrange ?? false) === isStrange) return
    this.#stateOf(sourceId).isStrange = isStrange
    this.#changed()
  }

  /** @internal Sets whether the schema of a source was compared too long ago for its catalog to be used. */
  setUnchecked(sourceId: string, isUnchecked: boolean): void {
    if ((this.#sources.get(sourceId)?.isUnchecked ?? false) === isUnchecked) return
    this.#stateOf(sourceId).isUnchecked = isUnchecked
    this.#changed()
  }

  /** @internal The version, for conclusions derived in it: using them counts as using the catalogs. */
  used(): number {
    this.uses += 1
    return this.version
  }

  /** Removes a source when its owner has been garbage-collected. */
  bind(sourceId: string, owner: object): void {
    this.#owners.register(owner, sourceId)
  }

  /** @internal Adds the reader of a source's catalog. It is not kept alive. */
  addReader(sourceId: string, reader: StaleReader): void {
    this.#stateOf(sourceId).reader = new WeakRef(reader)
  }

  /** Makes every source with an outdated catalog read it again: an idle source would block the others. */
  #readStale(): void {
    for (const { reader } of [...this.#sources.values()]) reader?.deref()?.readIfStale()
  }

  /**
   * Sets additional names of a source's tables, such as model names, for `resolve`. Can precede its catalog.
   */
  name(sourceId: string, aliases: Iterable<readonly [string, TableId]>): void {
    const tables = new Map<string, Set<TableId>>()
    for (const [alias, table] of aliases) tables.set(alias, (tables.get(alias) ?? new Set()).add(table))
    this.#stateOf(sourceId).aliases = tables
    this.version += 1
  }

  /** The catalog of one source; `undefined` while it is being read, or if it was never set. */
  of(sourceId: string): SchemaCatalog | undefined {
    this.uses += 1
    const state = this.#sources.get(sourceId)
    return state !== undefined && !state.isStrange && this.#isCurrent(state) ? state.catalog : undefined
  }

  #isCurrent({ readIn, isUnchecked }: SourceState): boolean {
    const { isChanging, current } = this.generations
    return !isUnchecked && !isChanging && (readIn === undefined || readIn === current)
  }

  delete(sourceId: string): void {
    this.first.end(sourceId)
    const { isSet, reader } = this.#sources.get(sourceId) ?? {}
    this.#sources.set(sourceId, new SourceState(reader))
    if (isSet === true) this.#changed()
  }

  #stateOf(sourceId: string): SourceState {
    let state = this.#sources.get(sourceId)
    if (state === undefined) {
      state = new SourceState()
      this.#sources.set(sourceId, state)
    }
    return state
  }

  /** The sources whose catalogs were set, in the order in which they were. */
  *#set(): Iterable<SourceState> {
    for (const state of this.#sources.values()) if (state.isSet) yield state
  }

  /** @internal The sources, each with its reader. */
  *readers(): Iterable<readonly [string, StaleReader | undefined]> {
    for (const [id, { reader }] of this.#sources) yield [id, reader?.deref()]
  }

  /** Resolves when Sluice holds no connection for reading catalogs. They are read again if needed. */
  async forgetAll(): Promise<void> {
    await Promise.all([...this.#sources.values()].map(({ reader }) => reader?.deref()?.forget()))
  }

  clear(): void {
    this.generations.clear()
    this.first.clear()
    for (const [sourceId, { reader }] of this.#sources) this.#sources.set(sourceId, new SourceState(reader))
    this.#changed()
  }

  /** The union of all catalogs of a dialect; `undefined` while there is none, or a source is being read. */
  catalog(dialect: Dialect): SchemaCatalog | undefined {
    if (this.#unions.has(dialect)) return this.#unions.get(dialect)
    let union: SchemaCatalog | undefined
    for (const state of this.#set()) {
      const { catalog } = state
      const isCurrent = this.#isCurrent(state)
      if (!isCurrent && state.isDerived) continue
      if (catalog === undefined || !isCurrent) {
        union = undefined
        queueMicrotask(() => this.#readStale())
        break
      }
      if (catalog.dialect === dialect) union = union === undefined ? catalog : catalog.union(union)
    }
    this.#unions.set(dialect, union)
    return union
  }

  /**
   * The union with one source's default schema, which resolves the names in its statements. `undefined` while
   * the source's catalog is unknown, or any source is being read.
   */
  seenBy(sourceId: string): SchemaCatalog | undefined {
    const own = this.of(sourceId)
    const union = own && this.catalog(own.dialect)
    if (own === undefined || union === undefined || union.defaultSchema === own.defaultSchema) return union
    const key = `${own.dialect} ${own.defaultSchema}`
    const view = this.#views.get(key) ?? union.withDefault(own.defaultSchema)
    this.#views.set(key, view)
    return view
  }

  /**
   * One source's catalog of its tables, as long as no source is being read: a different source can have a
   * different table of the same name.
   */
  trusted(sourceId: string): SchemaCatalog | undefined {
    const own = this.of(sourceId)
    return own !== undefined && this.catalog(own.dialect) !== undefined ? own : undefined
  }

  /** Whether any catalog is set. */
  isKnown(): boolean {
    return [...this.#set()].some(({ catalog }) => catalog !== undefined)
  }

  /** Whether a source is being read. */
  isReading(): boolean {
    return [...this.#set()].some(
      (state) => state.catalog === undefined || !(state.isDerived || this.#isCurrent(state)),
    )
  }

  /** Every table that the changes modify, including cascades. */
  effectOf(dialect: Dialect, changes: readonly Change[]): WriteEffect {
    const catalog = this.catalog(dialect)
    if (catalog === undefined) return EVERYTHING
    const effect = catalog.effectOf(changes)
    if (this.#triggered.size === 0 || effect.everything || effect.tables.size === 0) return effect
    const isTriggered =
      this.#triggered.has(ANY_TABLE) ||
      [...effect.tables].some((table) => has(this.#triggered, catalog.tables.get(table)))
    return isTriggered ? EVERYTHING : effect
  }

  /** The table of an id, if results that depend on it can be cached. */
  cacheableTable(dialect: Dialect, id: TableId): CatalogTable | undefined {
    const table = this.catalog(dialect)?.baseTable(id)
    return this.#shadowed.size > 0 && has(this.#shadowed, table) ? undefined : table
  }

  /**
   * The tables on which results depend that read these ones; `undefined` if the results must not be cached.
   */
  cacheableTables(dialect: Dialect, ids: readonly TableId[]): readonly TableId[] | undefined {
    const tables = this.catalog(dialect)?.withForeignParents(ids)
    return tables?.every((id) => this.cacheableTable(dialect, id) !== undefined) === true ? tables : undefined
  }

  /**
   * The key by which readers and writers identify the rows of a table. It is `undefined` if rows are not
   * distinguished, or while any source is being read. Rows are not distinguished if the table has no such
   * key, or if the source's catalog and the union disagree about it (for example, because of a table of the
   * same name in a different database).
   */
  rowKey(sourceId: string, id: TableId): RowKey | undefined {
    const keys = this.#sources.get(sourceId)?.rowKeys
    let key = keys?.get(id)
    if (key === undefined) {
      key = this.#rowKeyOf(sourceId, id) ?? null
      keys?.set(id, key)
    }
    return key ?? undefined
  }

  #rowKeyOf(sourceId: string, id: TableId): RowKey | undefined {
    const own = this.of(sourceId)
    const table = own?.baseTable(id)
    const standing = own && this.catalog(own.dialect)?.baseTable(id)
    if (own === undefined || table === undefined || standing === undefined) return undefined
    const ownKey = rowKeyOf(table, own.dialect)
    const key = rowKeyOf(standing, own.dialect)
    return ownKey !== undefined && key !== undefined && isSameKey(ownKey, key) ? key : undefined
  }

  /**
   * A temporary table or view hides the tables of that name on some connection: from now on, nothing of that
   * name is cached.
   *
   * @param calls - Whether it is a view with functions that can write.
   */
  shadow(name: string, calls = false): void {
    this.#add(this.#shadowed, name)
    if (calls) this.#add(this.#calling, name)
  }

  #add(names: Set<string>, name: string): void {
    const folded = name.toLowerCase()
    if (names.has(folded)) return
    names.add(folded)
    this.version += 1
  }

  /** Whether one of these names can refer to a temporary view with functions that can write. */
  callWhenRead(names: readonly (readonly string[])[]): boolean {
    return (
      this.#calling.size > 0 && names.some((name) => this.#calling.has((name.at(-1) ?? '').toLowerCase()))
    )
  }

  /**
   * A temporary trigger exists on one connection only, and no reader sees it: from now on, a write to a table
   * of that name counts as modifying every table.
   */
  trigger(name: string = ANY_TABLE): void {
    this.#add(this.#triggered, name)
  }

  /**
   * The tables to which a user-provided name can refer: a model, a table, or `schema.table`. Empty if no
   * table has this name.
   */
  resolve(name: string): ReadonlySet<TableId> {
    const found = new Set<TableId>()
    for (const { aliases } of this.#sources.values())
      for (const table of aliases?.get(name) ?? []) found.add(table)
    const folded = name.toLowerCase()
    for (const { catalog } of this.#set()) {
      for (const [id, table] of catalog?.tables ?? []) {
        if (
          id === name ||
          table.name === name ||
          (catalog?.dialect !== 'postgresql' && table.name.toLowerCase() === folded)
        )
          found.add(id)
      }
    }
    const unknown = new Set([...found].filter(isOfUnknownSchema))
    for (const { catalog } of this.#set()) {
      for (const [id, table] of catalog?.tables ?? []) {
        const duplicate = idInUnknownSchema(table.name, catalog?.dialect)
        if (unknown.has(duplicate)) found.add(id)
        else if (found.has(id) && !isOfUnknownSchema(id)) found.add(duplicate)
      }
    }
    return found
  }

  /**
   * Whether a name may be that of a table that exists, although no catalog contains it: those of MySQL
   * contain only the databases that their client uses.
   */
  mayBeOutside(name: string): boolean {
    const database = name.slice(0, name.indexOf('.') + 1).toLowerCase()
    if (database === '') return false
    return [...this.#set()].some(
      ({ catalog }) =>
        catalog?.dialect === 'mysql' &&
        ![...catalog.tables.keys()].some((id) => id.toLowerCase().startsWith(database)),
    )
  }

  /**
   * Effect of writing rows of tables, identified by their primary keys.
   *
   * @param ids - One value per row, or for keys with several columns an array of values in the key's order.
   */
  effectOnRows(tables: ReadonlySet<TableId>, ids: readonly unknown[]): WriteEffect {
    const rows = new Map<TableId, ReadonlySet<number>>()
    for (const table of tables) {
      const buckets = this.#bucketsOf(table, ids)
      if (buckets !== undefined) rows.set(table, buckets)
    }
    return { tables, rows, everything: false }
  }

  /** `undefined`: not every catalog that contains the table can distinguish these rows. */
  #bucketsOf(id: TableId, ids: readonly unknown[]): ReadonlySet<number> | undefined {
    const buckets = new Set<number>()
    let isKnown = false
    for (const { catalog } of this.#set()) {
      const table = catalog?.tables.get(id)
      if (catalog === undefined || table === undefined) continue
      isKnown = true
      const key = rowKeyOf(table, catalog.dialect)
      if (key === undefined) return undefined
      for (const one of ids) {
        const values = (Array.isArray(one) ? one : [one]) as readonly unknown[]
        const keyed =
          values.length === key.columns.length
            ? keyedRows(
                key,
                values.map((value) => [value]),
                1,
              )
            : undefined
        if (keyed === undefined) return undefined
        for (const bucket of keyed.buckets) buckets.add(bucket)
      }
    }
    return isKnown ? buckets : undefined
  }

  #changed(): void {
    this.version += 1
    this.#unions.clear()
    this.#views.clear()
    for (const { rowKeys } of this.#sources.values()) rowKeys.clear()
  }
}

function has(names: ReadonlySet<string>, table: CatalogTable | undefined): boolean {
  return table !== undefined && names.has(table.name.toLowerCase())
}
