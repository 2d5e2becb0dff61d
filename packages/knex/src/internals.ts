import type { Dialect } from '@sluice/core'
import type { Knex } from 'knex'

/**
 * Everything that Knex does not document is touched here, and only here. Readers fail closed: a builder with anything in it
 * that they do not know is described as `undefined`, and left alone.
 */

/** A client as an instrumented prototype sees it. */
export interface ClientInternals {
  readonly dialect?: string
  readonly config: {
    readonly wrapIdentifier?: WrapIdentifier
    readonly postProcessResponse?: unknown
    readonly migrations?: { readonly tableName?: string }
  }
  readonly transacting?: boolean
  _query(connection: object, query: QueryObject): Promise<QueryObject>
  _stream(connection: object, query: QueryObject, stream: object, options: unknown): Promise<unknown>
  runner(builder: BuilderInternals): RunnerInternals
  postProcessResponse(response: unknown, queryContext: unknown): unknown
  acquireConnection(): Promise<object>
  releaseConnection(connection: object): Promise<void>
  positionBindings(sql: string): string
}

type WrapIdentifier = (value: string, original: (value: string) => string, queryContext: unknown) => string

/** What goes to the driver, and what comes back in it. */
export interface QueryObject {
  readonly sql: string
  readonly bindings?: readonly unknown[]
  readonly method?: string
  readonly response?: unknown
}

export interface RunnerInternals {
  run(): Promise<unknown>
}

export interface BuilderInternals {
  readonly _method?: string
  readonly _single?: Readonly<Record<string, unknown>>
  readonly _statements?: readonly Readonly<Record<string, unknown>>[]
  readonly _events?: object
  readonly _comments?: readonly unknown[]
  readonly _options?: unknown
  readonly _timeout?: unknown
  readonly _connection?: unknown
  queryContext(): unknown
  toSQL(): unknown
  clone(): BuilderInternals & Knex.QueryBuilder
}

const DIALECTS: Readonly<Record<string, Dialect>> = { sqlite3: 'sqlite', postgresql: 'postgresql', mysql: 'mysql' }

export function clientOf(knex: Knex): ClientInternals | undefined {
  const client = (knex as { readonly client?: unknown }).client as ClientInternals | undefined
  const isKnown = typeof client?._query === 'function' && typeof client._stream === 'function' && typeof client.runner === 'function'
  return isKnown ? client : undefined
}

export function dialectOf(client: ClientInternals): Dialect | undefined {
  return client.dialect === undefined ? undefined : DIALECTS[client.dialect]
}

/** Rows in a driver's response: SQLite gives rows or `{ changes }`, PostgreSQL `{ rows }`, MySQL `[rows, fields]`. */
export function rowsIn(response: unknown): number {
  if (Array.isArray(response)) return Array.isArray(response[0]) ? response[0].length : response.length
  const rows = (response as { readonly rows?: unknown } | null | undefined)?.rows
  return Array.isArray(rows) ? rows.length : 0
}

/** PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which something failed. */
export function wasRolledBack(response: unknown): boolean {
  return (response as { readonly command?: unknown } | null | undefined)?.command === 'ROLLBACK'
}

/** A response's rows as objects, for our own catalogue queries. */
export function rowsOf(response: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(response)) return (Array.isArray(response[0]) ? response[0] : response) as Record<string, unknown>[]
  const rows = (response as { readonly rows?: unknown } | null | undefined)?.rows
  return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
}

/** Whether a builder has nothing about it that an answer without a query would lose: listeners, a connection or driver options of its own. */
export function isPlain(builder: BuilderInternals): boolean {
  const { _events, _options, _timeout, _connection } = builder
  const quiet = _events === undefined || Object.keys(_events).length === 0
  return quiet && _options === undefined && (_timeout === undefined || _timeout === false) && _connection === undefined
}

/** A select of one table by one key, in its parts. */
export interface KeyedSelect {
  readonly method: 'select' | 'first'
  readonly table: string
  readonly schema: string | undefined
  readonly keyColumn: string
  readonly keyValue: unknown
  /** Selected columns as written; empty for all. */
  readonly columns: readonly string[]
  readonly orders: readonly Readonly<Record<string, unknown>>[]
  /** When it counts instead of listing: the argument of `count` as written. */
  readonly count?: string
}

const SINGLES = new Set(['table', 'only', 'schema', 'limit', 'skipBinding'])

/** Describes a builder that is a select by one key and nothing else; the reason why it is not one, otherwise. */
export function keyedSelect(builder: BuilderInternals): KeyedSelect | string {
  const { _method: method, _single: single, _statements: statements } = builder
  if ((method !== 'select' && method !== 'first') || single === undefined || statements === undefined) return 'not by key'
  if (!isPlain(builder) || (builder._comments?.length ?? 0) > 0) return 'builder with options'
  const { table, schema, limit, only } = single
  if (typeof table !== 'string' || only === true || (schema !== undefined && typeof schema !== 'string')) return 'no plain table'
  for (const name in single) if (!SINGLES.has(name)) return `clause ${name}`
  if (limit !== undefined && (method !== 'first' || limit !== 1)) return 'limit'
  let key: { readonly column: string; readonly value: unknown } | undefined
  let count: string | undefined
  const columns: string[] = []
  const orders: Readonly<Record<string, unknown>>[] = []
  for (const statement of statements) {
    const { grouping, type } = statement
    if (grouping === 'where') {
      const { column, operator, value, not, bool, asColumn } = statement
      const isKey =
        type === 'whereBasic' && operator === '=' && not === false && asColumn === false && bool === 'and' && typeof column === 'string'
      if (!isKey || key !== undefined) return key === undefined ? 'not by key' : 'several filters'
      key = { column, value }
    } else if (grouping === 'columns' && type === undefined) {
      const { value, distinct } = statement
      if (distinct !== undefined || !Array.isArray(value) || !value.every((column) => typeof column === 'string')) return 'columns'
      columns.push(...(value as string[]))
    } else if (grouping === 'columns' && type === 'aggregate') {
      const { method: aggregate, value, aggregateDistinct } = statement
      if (aggregate !== 'count' || aggregateDistinct !== false || !isSingle(value) || count !== undefined) return 'aggregate'
      count = JSON.stringify(value)
    } else if (grouping === 'order' && type === 'orderByBasic' && typeof statement.value === 'string') orders.push(statement)
    else return `clause ${String(grouping)}`
  }
  if (key === undefined) return 'not by key'
  if (count !== undefined && (columns.length > 0 || orders.length > 0)) return 'aggregate'
  const parts = { method, table, schema, keyColumn: key.column, keyValue: key.value, columns, orders } as const
  return count === undefined ? parts : { ...parts, count }
}

/** Whether `count` was given one column, with or without a name: `'*'`, `'* as n'`, `{ n: '*' }`. */
function isSingle(value: unknown): boolean {
  if (typeof value === 'string') return true
  if (typeof value !== 'object' || value === null) return false
  const columns = Object.values(value)
  return columns.length === 1 && typeof columns[0] === 'string'
}

/** A copy of a `first` that lists. The builder it was made from is untouched. */
export function asListing(builder: BuilderInternals): Knex.QueryBuilder {
  const listing = builder.clone()
  Object.assign(listing, { _method: 'select' })
  const single = listing._single as Record<string, unknown>
  delete single.limit
  delete single.skipBinding
  return listing
}

/** The text and bindings of a read, in the form in which the driver gets them; `undefined` for several statements. */
export function compiled(
  client: ClientInternals,
  builder: BuilderInternals,
): { readonly sql: string; readonly bindings: readonly unknown[] } | undefined {
  const query = builder.toSQL()
  if (Array.isArray(query) || typeof query !== 'object' || query === null) return undefined
  const { sql, bindings, output } = query as { sql?: unknown; bindings?: unknown; output?: unknown }
  if (typeof sql !== 'string' || output !== undefined) return undefined
  return { sql: client.positionBindings(sql), bindings: Array.isArray(bindings) ? bindings : [] }
}

/** The name that the database gives to a column, when identifiers are rewritten. */
export function databaseName(client: ClientInternals, identifier: string, queryContext: unknown): string {
  const { wrapIdentifier } = client.config
  return wrapIdentifier === undefined ? identifier : wrapIdentifier(identifier, (value) => value, queryContext)
}
