import {
  type AdapterHost,
  analyzeSql,
  type CacheRequest,
  canonicalKey,
  copyValue,
  isCopyable,
  keyKinds,
  type Lookup,
  type LookupKey,
  lookupKey,
  type Operation,
  type OperationKind,
  type Refusal,
  readsOfStatement,
  refuse,
  type Source,
  splitRows,
  type TableId,
} from '@sluice/core'
import {
  asListing,
  type BuilderInternals,
  type ClientInternals,
  compiled,
  databaseName,
  isPlain,
  type KeyedSelect,
  keyedSelect,
} from './internals.ts'

/** What an operation needs to know of the instance that it belongs to. */
export interface InstanceContext {
  readonly source: Source
  readonly host: AdapterHost
  /** Runs a builder without `postProcessResponse`. */
  runRaw(client: ClientInternals, builder: BuilderInternals): Promise<unknown>
  /** One id for each transaction, savepoints apart. */
  transactionId(client: object): string
  isMigrationTable(table: TableId): boolean
}

type Row = Record<string, unknown>

const READS = new Set(['select', 'first', 'pluck'])

/** One Knex builder on its way to the database, in the core's neutral form. Its results are as before `postProcessResponse`. */
export class KnexOperation implements Operation<unknown> {
  readonly source: Source
  readonly kind: OperationKind
  readonly inTransaction: boolean
  readonly unordered: boolean

  constructor(
    private readonly state: InstanceContext,
    private readonly client: ClientInternals,
    private readonly builder: BuilderInternals,
    readonly run: () => Promise<unknown>,
  ) {
    this.source = state.source
    this.kind = READS.has(builder._method ?? '') ? 'read' : 'other'
    this.inTransaction = client.transacting === true
    this.unordered = builder._statements?.some((statement) => statement.grouping === 'order') !== true
  }

  rows(result: unknown): number {
    return Array.isArray(result) ? result.length : 1
  }

  lookup(): Lookup<unknown> | Refusal {
    const { state, client, builder } = this
    const { dialect } = state.source
    // On PostgreSQL a failed query ends the transaction, so a failed batch could not be asked again singly.
    if (this.inTransaction && dialect === 'postgresql') return refuse('transaction')
    const select = keyedSelect(builder)
    if (typeof select === 'string') return refuse(select)
    const key = lookupKey([select.keyValue])
    if (key === undefined) return refuse(select.keyValue === null ? 'null key' : 'key of another type')
    const context = builder.queryContext()
    const contextKey = context === undefined ? '' : canonicalKey(context)
    if (contextKey === undefined) return refuse('query context not understood')
    const column = databaseName(client, lastPart(select.keyColumn), context)
    const target = targetOf(select)
    if (target === undefined) return refuse('no plain table')
    if (select.count === undefined && !mayAddColumn(select, column)) return refuse('columns')
    if (select.method === 'first' && select.count === undefined && !this.#isTotal(select, target, column))
      return refuse('first of an unspecified order')
    const lane = `${state.source.id} ${this.inTransaction ? state.transactionId(client) : ''}`
    const { method, table, schema, keyColumn, columns, orders, count } = select
    const group = `${lane} ${keyKinds(key)} ${JSON.stringify([method, table, schema, keyColumn, columns, orders, count, contextKey])}`
    const maxKeys = Math.min(state.host.maxKeys, MAX_BINDS[dialect])
    const runMany = count === undefined ? this.#listMany(select, column) : this.#countMany(select, column)
    return { group, lane, key, maxKeys, runMany, copy: copyRows }
  }

  cacheRequest(): CacheRequest<unknown> | Refusal {
    const { state, client, builder } = this
    if (this.inTransaction) return refuse('in transaction')
    if (!isPlain(builder)) return refuse('builder with options')
    const query = compiled(client, builder)
    if (query === undefined) return refuse('several statements')
    const bindings = canonicalKey([builder._method, query.bindings])
    if (bindings === undefined) return refuse('bindings not understood')
    const { statement } = analyzeSql(query.sql, state.source.dialect)
    const reads = readsOfStatement(statement, state.source.dialect, state.host.catalogs)
    if ('refused' in reads) return reads
    if (reads.tables.some((table) => state.isMigrationTable(table))) return refuse('migration table')
    return {
      key: `${query.sql}\n${bindings}`,
      tables: reads.tables,
      copy: (value) => (isCopyableResult(value) ? { value: copyRows(value) } : undefined),
    }
  }

  /** Whether no two rows of one key can both be the first: the key is unique, or an order by a unique column settles it. */
  #isTotal(select: KeyedSelect, target: readonly string[], column: string): boolean {
    const catalog = this.state.host.catalogs.catalog(this.state.source.dialect)
    if (catalog === undefined) return false
    const context = this.builder.queryContext()
    const table = catalog.idOf(target.map((name) => databaseName(this.client, name, context)))
    if (catalog.baseTable(table) === undefined) return false
    if (catalog.isUniqueKey(table, [column])) return true
    // Nulls are no duplicates to a unique key.
    const required = new Set(catalog.baseTable(table)?.columns.flatMap(({ name, nullable }) => (nullable ? [] : [name])))
    return select.orders.some(({ value }) => {
      const ordered = databaseName(this.client, lastPart(String(value)), context)
      return required.has(ordered) && catalog.isUniqueKey(table, [ordered])
    })
  }

  #listMany(select: KeyedSelect, column: string): Lookup['runMany'] {
    return async (keys: readonly LookupKey[]) => {
      const listing = asListing(this.builder)
      listing.clearWhere().whereIn(select.keyColumn, keys.map((key) => key.values[0]) as string[])
      const isAdded = !selectsColumn(select, column, (name) => databaseName(this.client, name, this.builder.queryContext()))
      if (isAdded) listing.select(select.keyColumn)
      const rows = (await this.state.runRaw(this.client, listing as never)) as Row[]
      const groups = splitRows(rows, keys, (row) => [row[column]])
      if (groups === undefined) return undefined
      if (isAdded) for (const row of rows) delete row[column]
      return select.method === 'select' ? groups : new Map([...groups].map(([text, found]) => [text, found[0]]))
    }
  }

  #countMany(select: KeyedSelect, column: string): Lookup['runMany'] {
    return async (keys: readonly LookupKey[]) => {
      const counting = asListing(this.builder)
      counting
        .clearWhere()
        .whereIn(select.keyColumn, keys.map((key) => key.values[0]) as string[])
        .select(select.keyColumn)
        .groupBy(select.keyColumn)
      const rows = (await this.state.runRaw(this.client, counting as never)) as Row[]
      const groups = splitRows(rows, keys, (row) => [row[column]])
      // Nothing was counted, so nothing shows in which form this driver writes a zero; or the count bears the key's name.
      const [sample] = rows
      if (groups === undefined || sample === undefined || Object.keys(sample).length !== 2) return undefined
      const [name] = Object.keys(sample).filter((other) => other !== column)
      if (name === undefined) return undefined
      const zero = zeroLike(sample[name])
      const counts = new Map<string, unknown>()
      for (const [text, found] of groups) {
        if (found.length > 1) return undefined
        const [row] = found
        if (row !== undefined) delete row[column]
        const counted = row ?? { [name]: zero }
        counts.set(text, select.method === 'first' ? counted : [counted])
      }
      return counts
    }
  }
}

const MAX_BINDS = { sqlite: 900, postgresql: 32_000, mysql: 65_000 } as const

function zeroLike(count: unknown): unknown {
  if (typeof count === 'string') return '0'
  return typeof count === 'bigint' ? 0n : 0
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** The table's name in parts, without its alias; `undefined` where the text is more than a name. */
function targetOf({ table, schema }: KeyedSelect): readonly string[] | undefined {
  const [name = '', as, alias, ...rest] = table.trim().split(/\s+/)
  if (rest.length > 0 || (as !== undefined && (as.toLowerCase() !== 'as' || alias === undefined))) return undefined
  const parts = name.split('.')
  return schema === undefined ? parts : [schema, ...parts.slice(-1)]
}

/** Whether the key column can be asked for besides: no other column is given its name. */
function mayAddColumn(select: KeyedSelect, column: string): boolean {
  return select.columns.every((written) => {
    const [source = '', , alias] = written.trim().split(/\s+/)
    return alias === undefined
      ? !/[()\s]/.test(written.trim())
      : alias !== column && alias !== lastPart(select.keyColumn) && !/[()]/.test(source)
  })
}

function selectsColumn(select: KeyedSelect, column: string, nameOf: (identifier: string) => string): boolean {
  if (select.columns.length === 0) return true
  return select.columns.some((written) => {
    const name = lastPart(written.trim())
    return name === '*' || (!/\s/.test(written.trim()) && nameOf(name) === column)
  })
}

/** Drivers may give rows a class of their own; a copy keeps it. */
function copyRow(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row
  const prototype: unknown = Object.getPrototypeOf(row)
  if (prototype === Object.prototype || prototype === null || Array.isArray(row) || row instanceof Date || row instanceof Uint8Array)
    return copyValue(row)
  return Object.assign(Object.create(prototype as object), copyValue({ ...row }))
}

function copyRows(value: unknown): unknown {
  return Array.isArray(value) ? value.map(copyRow) : copyRow(value)
}

function isCopyableResult(value: unknown): boolean {
  const rows = Array.isArray(value) ? value : [value]
  return rows.every((row) =>
    typeof row === 'object' && row !== null && !(row instanceof Date) && !Array.isArray(row) && !(row instanceof Uint8Array)
      ? isCopyable({ ...row })
      : isCopyable(row),
  )
}
