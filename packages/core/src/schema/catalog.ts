import { createHash } from '../shared/late-modules.ts'
import type { Dialect } from '../sql/dialect.ts'
import { type CatalogData, type ForeignKeyInfo, type TableId, tableId } from './catalog-data.ts'
import { isOfServer } from './catalog-scope.ts'
import { type CatalogTable, tablesById } from './catalog-tables.ts'
import {
  type DatabaseFunctions,
  type FunctionLevel,
  higherLevel,
  unionOfFunctions,
} from './database-functions.ts'
import { DuplicateTables } from './duplicate-tables.ts'
import { foreignParents } from './foreign-parents.ts'
import { mergeEffect } from './merge-effect.ts'
import { MAX_WRITTEN_ROWS } from './row-key.ts'
import { allTriggered } from './triggered-changes.ts'

export type { CatalogTable } from './catalog-tables.ts'

/** One write, before its consequences. */
export interface Change {
  readonly table: TableId
  readonly kind: 'insert' | 'update' | 'delete'
  /** For `update`: the columns that may change. Default: all. */
  readonly columns?: readonly string[]
  /** For `update` and `delete`: the rows, selected by primary key, each by its `rowBucket`. Default: any. */
  readonly rows?: readonly number[]
}

/** Everything that a write modifies, including all its consequences in the database. */
export interface WriteEffect {
  readonly tables: ReadonlySet<TableId>
  /**
   * For tables in which certainly no other existing rows are changed or deleted: those rows, each by its
   * `rowBucket`. Empty if rows were only inserted. Tables that are not listed: any row.
   */
  readonly rows?: ReadonlyMap<TableId, ReadonlySet<number>>
  /**
   * The tables cannot be determined (because of a trigger, or SQL that cannot be read): any table may have
   * been modified.
   */
  readonly everything: boolean
}

/** A change whose consequences are being determined. */
interface Step {
  readonly change: Change
  /** Whether it is the original change, under any id of its table: foreign keys lead to other changes. */
  readonly isOwn: boolean
}

/** The consequences of a change, regardless of its rows. */
interface Closure {
  readonly effect: WriteEffect
  /** Whether rows of the change's table are only modified if the change itself specifies them. */
  readonly isConfined: boolean
}

/** Number of effects that a catalog caches. */
const MAX_EFFECTS = 5_000

const ROWID = ['rowid', 'oid', '_rowid_']
const NO_ROWS: ReadonlySet<number> = new Set()
const NOTHING: WriteEffect = { tables: new Set(), everything: false }

/** Modifies any table: the effect of a write that cannot be read. */
export const EVERYTHING: WriteEffect = { tables: new Set(), everything: true }

/**
 * The tables, keys and cascades of one database. Immutable; effects of deletes are computed once and cached.
 */
export class SchemaCatalog {
  readonly dialect: Dialect
  readonly defaultSchema: string
  readonly tables: ReadonlyMap<TableId, CatalogTable>
  readonly foreignKeys: readonly ForeignKeyInfo[]
  /** MySQL: the databases that it describes, if they are known. */
  readonly databases: readonly string[] | undefined
  readonly functions: DatabaseFunctions | undefined
  /** See `CatalogData`. */
  readonly readsCommitted: boolean
  /** The OIDs of types that extensions and users created, if a column has the type. */
  readonly ownTypes: readonly number[]
  /** Changes with the schema; `undefined` if unknown. */
  readonly fingerprint: string | undefined
  readonly #databaseId: string | undefined
  #hasDefiningTriggers: boolean | undefined
  #readsMayDo: FunctionLevel | undefined
  #identity: string | undefined
  readonly #incoming = new Map<TableId, ForeignKeyInfo[]>()
  readonly #closures = new Map<string, Closure>()
  /** The databases that it describes, as in ids of tables. */
  readonly #described: ReadonlySet<string> | undefined
  /** Tables of an unknown schema, and the others by name. Built on first use. */
  #duplicates: DuplicateTables | undefined
  #foreignParents: ReadonlyMap<TableId, readonly TableId[]> | undefined

  constructor(data: CatalogData, tables: ReadonlyMap<TableId, CatalogTable> = tablesById(data)) {
    this.dialect = data.dialect
    this.defaultSchema = data.defaultSchema
    this.tables = tables
    this.foreignKeys = data.foreignKeys
    this.databases = data.databases
    this.#described = data.databases && new Set(data.databases.map((name) => name.toLowerCase()))
    this.functions = data.functions
    this.readsCommitted = data.readsCommitted === true
    this.ownTypes = data.ownTypes ?? []
    this.fingerprint = data.fingerprint
    this.#databaseId = data.databaseId
    for (const key of data.foreignKeys) {
      const keys = this.#incoming.get(key.references)
      if (keys === undefined) this.#incoming.set(key.references, [key])
      else keys.push(key)
    }
  }

  /**
   * The same in every process that found the same database with the same tables; different for any other.
   * `undefined` if the database is not identified.
   */
  get identity(): string | undefined {
    if (this.#databaseId === undefined) return undefined
    this.#identity ??= createHash('sha256')
      .update(
        JSON.stringify([
          this.#databaseId,
          this.dialect,
          this.defaultSchema,
          [...this.tables.values()],
          this.foreignKeys,
        ]),
      )
      .digest('base64url')
    return this.#identity
  }

  /** Whether a write to some table can change the schema. */
  get hasDefiningTriggers(): boolean {
    this.#hasDefiningTriggers ??= [...this.tables.values()].some(
      (table) => table.hasDefiningTriggers === true,
    )
    return this.#hasDefiningTriggers
  }

  /** Whether a read of any table or view only reads. */
  get areReadsSafe(): boolean {
    return this.readsMayDo === 'reads' && this.#described === undefined
  }

  /** The maximum effect of a read of any table or view that the catalog describes. */
  get readsMayDo(): FunctionLevel {
    this.#readsMayDo ??= [...this.tables.values()].reduce<FunctionLevel>(
      (most, { whenRead }) => higherLevel(most, whenRead),
      'reads',
    )
    return this.#readsMayDo
  }

  /** Whether the catalog contains every table of a database. On PostgreSQL and SQLite, it always does. */
  describes(database: string): boolean {
    return this.databases?.includes(database) !== false || isOfServer(database)
  }

  #describesTable(id: TableId): boolean {
    const database = id.slice(0, id.indexOf('.'))
    return this.#described?.has(database) !== false || isOfServer(database)
  }

  /**
   * The maximum effect of a read of these tables. An unknown id can refer to any view, also to one of a
   * database that the catalog does not describe.
   */
  whenRead(ids: Iterable<TableId>): FunctionLevel {
    if (this.areReadsSafe) return 'reads'
    let most: FunctionLevel = 'reads'
    for (const id of ids) {
      const table = this.tables.get(id)
      if (table === undefined && !this.#describesTable(id)) return 'writes'
      if (table === undefined) return this.readsMayDo
      most = higherLevel(most, table.whenRead)
      for (const duplicate of this.duplicatesOf(id))
        most = higherLevel(most, this.tables.get(duplicate)?.whenRead)
    }
    return most
  }

  /**
   * The id of a name as written in SQL: `['table']` or `['schema', 'table']`; with more parts, the name
   * refers to a different database.
   */
  idOf(name: readonly string[]): TableId {
    const table = name.at(-1) ?? ''
    return tableId(this.dialect, name.length > 1 ? name.at(-2) : undefined, table, this.defaultSchema)
  }

  /** The base table of a name, or `undefined` for a view, a temporary table, or an unknown name. */
  baseTable(id: TableId): CatalogTable | undefined {
    const table = this.tables.get(id)
    if (table?.kind !== 'table') return undefined
    return this.duplicatesOf(id).every((duplicate) => this.tables.get(duplicate)?.kind === 'table')
      ? table
      : undefined
  }

  /**
   * The tables that can be identical to a table: if its schema is unknown, all tables of its name; otherwise,
   * the tables of its name whose schema is unknown.
   */
  duplicatesOf(id: TableId): readonly TableId[] {
    this.#duplicates ??= new DuplicateTables(this.dialect, this.tables)
    return this.#duplicates.of(id)
  }

  /**
   * These tables, and those of other databases of MySQL from which foreign keys modify them: a process that
   * writes to such a table does not have to know its children.
   */
  withForeignParents(ids: readonly TableId[]): readonly TableId[] {
    if (this.dialect !== 'mysql') return ids
    this.#foreignParents ??= foreignParents(this.foreignKeys)
    const parents = this.#foreignParents
    return parents.size === 0 ? ids : [...ids, ...new Set(ids.flatMap((id) => parents.get(id) ?? []))]
  }

  /** This catalog, for connections with a different default schema. */
  withDefault(defaultSchema: string): SchemaCatalog {
    const { dialect, foreignKeys, tables, functions, databases } = this
    return joined({ dialect, defaultSchema, foreignKeys, functions, databases }, tables)
  }

  /** Whether the columns are exactly a primary or unique key of the table, in any order. */
  isUniqueKey(id: TableId, columns: readonly string[]): boolean {
    const table = this.tables.get(id)
    if (table === undefined) return false
    const same = (key: readonly string[]) =>
      key.length === columns.length && key.length > 0 && key.every((column) => columns.includes(column))
    return same(table.primaryKey) || table.uniqueKeys.some(same)
  }

  /**
   * Every table that the changes modify: the changed tables, and the tables reached through foreign keys with
   * `Cascade`, `SetNull` and `SetDefault`. An update follows a key only if a referenced column may change.
   * Rows are known only for tables that no key reaches.
   */
  effectOf(changes: readonly Change[]): WriteEffect {
    if (changes.length === 0) return NOTHING
    if (changes.length === 1 && changes[0] !== undefined) return this.#effectOfOne(changes[0])
    const tables = new Set<TableId>()
    const rows = new Map<TableId, Set<number>>()
    let everything = false
    for (const change of changes) {
      const effect = this.#effectOfOne(change)
      everything ||= effect.everything
      mergeEffect(tables, rows, effect)
    }
    return everything ? { tables, everything } : { tables, rows, everything }
  }

  #effectOfOne(change: Change): WriteEffect {
    const { effect, isConfined } = this.#closureOf(change)
    const { table, rows } = change
    if (rows === undefined || !isConfined || rows.length > MAX_WRITTEN_ROWS || change.kind === 'insert')
      return effect
    return { tables: effect.tables, rows: new Map([[table, new Set(rows)]]), everything: false }
  }

  #closureOf(change: Change): Closure {
    const memo = `${change.kind} ${change.table} ${change.columns === undefined ? '*' : [...change.columns].sort().join()}`
    const known = this.#closures.get(memo)
    if (known !== undefined) return known
    const closure = this.#close(change)
    // Each list of columns is a separate change.
    if (this.#closures.size >= MAX_EFFECTS) this.#closures.clear()
    this.#closures.set(memo, closure)
    return closure
  }

  #close(start: Change): Closure {
    const tables = new Set<TableId>()
    const seen = new Set<string>()
    let everything = false
    let isConfined = true
    const work: Step[] = [{ change: start, isOwn: true }]
    for (let step = work.pop(); step !== undefined; step = work.pop()) {
      const { isOwn } = step
      const change = this.#withoutRowid(step.change)
      const text = `${isOwn} ${change.kind} ${change.table} ${change.columns?.join() ?? '*'}`
      if (seen.has(text)) continue
      seen.add(text)
      tables.add(change.table)
      const { hasTriggers, triggered } = this.tables.get(change.table) ?? {}
      everything ||= hasTriggers === true
      // If a key leads to the table, any of its rows can be modified. An inserted row is new with any key.
      if (isOwn ? start.kind !== 'insert' && this.#mayRekey(change) : change.table === start.table)
        isConfined = false
      const own = triggered?.[change.kind]
      if (own !== undefined) {
        const { columns, isOfRow } = own
        const update = { table: change.table, kind: 'update', ...(columns && { columns }) } as const
        work.push({ change: update, isOwn: isOwn && isOfRow })
      }
      for (const duplicate of this.duplicatesOf(change.table))
        work.push({ change: { ...change, table: duplicate }, isOwn })
      if (change.kind === 'insert') continue
      for (const key of this.#incoming.get(change.table) ?? []) {
        const { columns } = change
        const reached =
          change.kind === 'delete' || columns === undefined || haveCommon(columns, key.referencedColumns)
        const action = change.kind === 'delete' ? key.onDelete : key.onUpdate
        if (!reached || action === 'Restrict' || action === 'NoAction') continue
        const isDeleted = action === 'Cascade' && change.kind === 'delete'
        const reachedBy: Change = isDeleted
          ? { table: key.table, kind: 'delete' }
          : { table: key.table, kind: 'update', columns: key.columns }
        work.push({ change: reachedBy, isOwn: false })
      }
    }
    if (everything) return { effect: { tables, everything }, isConfined: false }
    const isInsert = start.kind === 'insert'
    return {
      effect:
        isInsert && isConfined
          ? { tables, rows: new Map([[start.table, NO_ROWS]]), everything }
          : { tables, everything },
      isConfined,
    }
  }

  /** On SQLite, `rowid` is another name of an integer key. */
  #withoutRowid(change: Change): Change {
    const { table, columns } = change
    if (this.dialect !== 'sqlite' || columns === undefined || !haveCommon(columns, ROWID)) return change
    const names = this.tables.get(table)?.columns.map(({ name }) => name) ?? []
    return haveCommon(names, ROWID) ? change : { table, kind: change.kind }
  }

  /** Whether a row may have a different key afterwards. */
  #mayRekey({ table, kind, columns }: Change): boolean {
    if (kind !== 'update') return false
    return columns === undefined || haveCommon(columns, this.tables.get(table)?.primaryKey ?? [])
  }

  /**
   * The union with a different source's catalog of the same database: the tables and foreign keys of both,
   * and the triggers of either. If both describe a table, the database's description takes precedence over a
   * schema file's, and otherwise this catalog's over the other's; a view in either is a view.
   */
  union(other: SchemaCatalog): SchemaCatalog {
    const tables = new Map<TableId, CatalogTable>(other.tables)
    for (const [id, mine] of this.tables) {
      const theirs = other.tables.get(id)
      if (theirs === undefined) tables.set(id, mine)
      else {
        const kind = mine.kind === 'view' || theirs.kind === 'view' ? 'view' : 'table'
        const standing = mine.declared === true && theirs.declared !== true ? theirs : mine
        const either = (key: 'hasTriggers' | 'hasDefiningTriggers') =>
          mine[key] === true || theirs[key] === true
        const read = higherLevel(mine.whenRead ?? 'reads', theirs.whenRead)
        const triggered = allTriggered(mine.triggered, theirs.triggered)
        tables.set(id, {
          ...standing,
          kind,
          hasTriggers: either('hasTriggers'),
          ...(triggered && { triggered }),
          hasDefiningTriggers: either('hasDefiningTriggers'),
          ...(read === 'reads' ? {} : { whenRead: read }),
        })
      }
    }
    const foreignKeys = [...this.foreignKeys, ...other.foreignKeys]
    // The two sides are joined by ids, not by names, because each side can have a different default schema.
    const functions = unionOfFunctions(this.functions, other.functions)
    const { dialect, defaultSchema } = this
    const described = [this.databases, other.databases].filter((names) => names !== undefined)
    const databases = described.length === 0 ? undefined : described.flat()
    return joined({ dialect, defaultSchema, foreignKeys, functions, databases }, tables)
  }
}

/** The parts of a catalog whose tables have their ids. */
interface CatalogParts extends Omit<CatalogData, 'tables' | 'functions' | 'databases'> {
  readonly functions: DatabaseFunctions | undefined
  readonly databases: readonly string[] | undefined
}

function joined(
  { functions, databases, ...parts }: CatalogParts,
  tables: ReadonlyMap<TableId, CatalogTable>,
): SchemaCatalog {
  return new SchemaCatalog(
    { ...parts, tables: [], ...(functions && { functions }), ...(databases && { databases }) },
    tables,
  )
}

/** Whether the lists share a column, in any letter case of its name. */
function haveCommon(left: readonly string[], right: readonly string[]): boolean {
  const names = new Set(left.map((column) => column.toLowerCase()))
  return right.some((column) => names.has(column.toLowerCase()))
}
