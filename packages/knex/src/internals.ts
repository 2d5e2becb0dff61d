import type { Dialect, PoolState } from '@sluice/core'
import type { Knex } from 'knex'
import { flatStatements } from './condition-groups.ts'
import type { BuilderInternals, ClientInternals, Statement } from './internal-types.ts'
import {
  type Aggregate,
  type AggregateOutput,
  EQUALS,
  type Filter,
  type Order,
  type SelectParts,
} from './lookups/select-parts.ts'
import type { KnexReason } from './reasons.ts'

/**
 * All access to undocumented parts of Knex is in this file and in `condition-groups.ts`. Readers fail closed:
 * a builder that contains anything unknown to them is described as `undefined`, and passed through unchanged.
 */

const DIALECTS: Readonly<Record<string, Dialect>> = {
  sqlite3: 'sqlite',
  postgresql: 'postgresql',
  mysql: 'mysql',
}

export function clientOf(knex: Knex): ClientInternals | undefined {
  const client = (knex as { readonly client?: unknown }).client as ClientInternals | undefined
  const isKnown =
    typeof client?._query === 'function' &&
    typeof client._stream === 'function' &&
    typeof client.runner === 'function'
  return isKnown ? client : undefined
}

/** Whether an instance has no connections and cannot create any. */
export function isDestroyed(knex: Knex): boolean {
  return (knex as { readonly client?: { readonly pool?: unknown } }).client?.pool === undefined
}

/** Usage of a client's pool; `undefined` if it has no pool, or not Knex's default pool. */
export function poolStateOf(client: ClientInternals): PoolState | undefined {
  const { pool } = client as { readonly pool?: Readonly<Record<string, unknown>> }
  if (pool === undefined || pool === null) return undefined
  const { min, max } = pool
  const count = (name: string) =>
    typeof pool[name] === 'function' ? Number((pool[name] as () => unknown).call(pool)) : Number.NaN
  const [used, idle, waiting] = [count('numUsed'), count('numFree'), count('numPendingAcquires')]
  if (typeof min !== 'number' || typeof max !== 'number' || Number.isNaN(used + idle + waiting))
    return undefined
  return { min, max, used, idle, waiting }
}

/** How an instance creates connections: its URL, its settings, or the function that provides them. */
export function settingsOf({ config, connectionSettings }: ClientInternals): readonly unknown[] {
  return [connectionSettings ?? config.connection, config.pool?.afterCreate]
}

/** PostgreSQL types with array values, in addition to those that its driver lists. */
const ARRAYS = [199, 1000, 1005, 1007, 1016, 1021, 1022, 1028, 1115, 1182, 1185, 1231, 3807]

/**
 * The source of the functions with which `pg` parses values in the whole process: apps can replace them.
 * Other drivers only have settings.
 */
export function typeParsersOf({ driver }: ClientInternals, ownTypes: readonly number[]): readonly string[] {
  const { types } = (driver ?? {}) as {
    readonly types?: {
      readonly builtins?: Readonly<Record<string, number>>
      getTypeParser?(type: number): unknown
    }
  }
  if (typeof types?.getTypeParser !== 'function') return []
  return [...Object.values(types.builtins ?? {}), ...ARRAYS, ...ownTypes].map((type) =>
    String(types.getTypeParser?.(type)),
  )
}

export function dialectOf(client: ClientInternals): Dialect | undefined {
  return client.dialect === undefined ? undefined : DIALECTS[client.dialect]
}

/**
 * Number of rows in a driver's response: SQLite returns rows or `{ changes }`, PostgreSQL `{ rows }`, MySQL
 * `[rows, fields]`.
 */
export function rowsIn(response: unknown): number {
  if (Array.isArray(response)) return Array.isArray(response[0]) ? response[0].length : response.length
  const rows = (response as { readonly rows?: unknown } | null | undefined)?.rows
  return Array.isArray(rows) ? rows.length : 0
}

/** PostgreSQL responds with ROLLBACK to the COMMIT of a failed transaction. */
export function wasRolledBack(response: unknown): boolean {
  return (response as { readonly command?: unknown } | null | undefined)?.command === 'ROLLBACK'
}

/** A response's rows as objects, for Sluice's catalog queries. */
export function rowsOf(response: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(response))
    return (Array.isArray(response[0]) ? response[0] : response) as Record<string, unknown>[]
  const rows = (response as { readonly rows?: unknown } | null | undefined)?.rows
  return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
}

/** MySQL's response to a statement without a result set does not contain a list of rows. */
export function rowsAsked(response: unknown, dialect: Dialect): readonly Readonly<Record<string, unknown>>[] {
  return dialect === 'mysql' && Array.isArray(response) && !Array.isArray(response[0]) ? [] : rowsOf(response)
}

/** Whether a connection of `pg`, `mysql2` or `better-sqlite3` is closed, or the pool is about to close it. */
export function isClosed(connection: object): boolean {
  const { _ending, _closing, open, __knex__disposed } = connection as Readonly<Record<string, unknown>>
  return _ending === true || _closing === true || open === false || __knex__disposed !== undefined
}

/**
 * Marks a connection of the pool as unusable: the pool closes it instead of handing it to the next caller.
 */
export function discard(connection: object): void {
  Object.assign(connection, { __knex__disposed: 'Sluice used this connection for a session.' })
}

/** Runs the app's hook for new connections of its pool. */
export async function afterCreate({ config }: ClientInternals, connection: object): Promise<void> {
  const hook = config.pool?.afterCreate
  if (typeof hook !== 'function') return
  await new Promise<void>((resolve, reject) => {
    hook(connection, (error: unknown) => (error === undefined || error === null ? resolve() : reject(error)))
  })
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { postgresql: 5432, mysql: 3306 }

/** Host and port of a client's connections, if its settings contain them. */
export function addressOf(client: ClientInternals | undefined): {
  readonly host?: string
  readonly port?: number
} {
  const { host, port } = (client?.connectionSettings ?? {}) as {
    readonly host?: unknown
    readonly port?: unknown
  }
  const number = port === undefined ? DEFAULT_PORTS[client?.dialect ?? ''] : Number(port)
  return typeof host === 'string' && number !== undefined && Number.isInteger(number)
    ? { host, port: number }
    : {}
}

interface DriverConnection {
  readonly stream?: { destroy?(): void }
}

/**
 * Closes a connection that may hang, without sending anything: pending calls fail, and the pool creates a
 * replacement.
 */
export function abandon(connection: object): void {
  discard(connection)
  // `pg` has a connection within its client; a `mysql2` client is the connection itself.
  const { connection: inner, stream = inner?.stream } = connection as DriverConnection & {
    readonly connection?: DriverConnection
  }
  if (typeof stream?.destroy === 'function') stream.destroy()
}

/**
 * Whether a builder only reads, as far as the builder itself shows: no locks, no common table expressions,
 * and no settings that are not in its SQL.
 */
export function isReplicaRead(builder: BuilderInternals): boolean {
  const { _method: method, _single: single, _statements: statements } = builder
  if (method !== 'select' && method !== 'first' && method !== 'pluck') return false
  if (
    single === undefined ||
    statements === undefined ||
    single.lock !== undefined ||
    single.waitMode !== undefined
  )
    return false
  return isPlain(builder) && !statements.some(({ grouping }) => grouping === 'with')
}

/**
 * Whether a result served without a query would lose nothing of a builder: it has no listeners, and no
 * separate connection or driver options.
 */
export function isPlain(builder: BuilderInternals): boolean {
  const { _events, _options, _timeout, _connection } = builder
  const quiet = _events === undefined || Object.keys(_events).length === 0
  return (
    quiet &&
    _options === undefined &&
    (_timeout === undefined || _timeout === false) &&
    _connection === undefined
  )
}

const COMPARISONS = new Set(['=', '<', '>', '<=', '>=', '<>', '!=', 'like', 'not like', 'ilike', 'not ilike'])
const AGGREGATES = new Set(['count', 'sum', 'min', 'max', 'avg'])
const SINGLES = new Set(['table', 'only', 'schema', 'limit', 'offset', 'skipBinding', 'pluck'])
const NO_AGGREGATES: readonly Aggregate[] = []
const NO_NAMES: readonly string[] = []
const NO_ORDERS: readonly Order[] = []

/**
 * Describes a builder that selects from one table with conditions combined by AND; otherwise returns the
 * reason why the builder is different.
 */
export function selectParts(builder: BuilderInternals): SelectParts | KnexReason {
  const { _method: method, _single: single } = builder
  if (single === undefined || builder._statements === undefined) return 'NOT_BY_KEY'
  if (method !== 'select' && method !== 'first' && method !== 'pluck') return 'NOT_BY_KEY'
  if (!isPlain(builder) || (builder._comments?.length ?? 0) > 0) return 'BUILDER_WITH_OPTIONS'
  const { table, schema, only, pluck } = single
  if (typeof table !== 'string' || only === true || (schema !== undefined && typeof schema !== 'string'))
    return 'NO_PLAIN_TABLE'
  for (const name in single)
    if (!SINGLES.has(name) && single[name] !== undefined) return `UNSUPPORTED_CLAUSE:${name}`
  const { limit, offset = 0 } = single
  if (limit !== undefined && !(typeof limit === 'number' && limit > 0)) return 'UNSUPPORTED_LIMIT'
  if (offset !== null && (typeof offset !== 'number' || (offset > 0 && limit === undefined)))
    return 'UNSUPPORTED_LIMIT'
  const statements = flatStatements(builder)
  if (statements === undefined) return 'UNSUPPORTED_FILTER'
  const filters: Filter[] = []
  let columns: string[] | undefined
  let aggregates: Aggregate[] | undefined
  let groups: string[] | undefined
  let orders: Order[] | undefined
  for (let at = 0; at < statements.length; at++) {
    const statement = statements[at] as Statement
    const { grouping, type, value } = statement
    if (grouping === 'where') {
      const filter = filterOf(statement, at)
      if (filter === undefined) return 'UNSUPPORTED_FILTER'
      filters.push(filter)
    } else if (grouping === 'columns' && type === undefined) {
      if (statement.distinct !== undefined || statement.distinctOn !== undefined || !isTexts(value))
        return 'UNSUPPORTED_COLUMNS'
      columns = columns === undefined ? value : [...columns, ...value]
    } else if (grouping === 'columns' && type === 'pluck') {
      // Knex reads a value from a row by a path, in which brackets have a special meaning.
      if (
        typeof value !== 'string' ||
        value !== pluck ||
        columns !== undefined ||
        !/^(?:\w+\.)*\w+$/.test(value)
      )
        return 'UNSUPPORTED_COLUMNS'
      columns = [value]
    } else if (grouping === 'columns' && type === 'aggregate') {
      const aggregate = aggregateOf(statement)
      if (aggregate === undefined) return 'UNSUPPORTED_AGGREGATE'
      aggregates = [...(aggregates ?? []), aggregate]
    } else if (grouping === 'group' && type === 'groupByBasic' && isTexts(value))
      groups = [...(groups ?? []), ...value]
    else if (grouping === 'order' && type === 'orderByBasic') {
      const { direction, nulls } = statement
      if (typeof value !== 'string' || !isOptionalText(direction) || !isOptionalText(nulls))
        return 'UNSUPPORTED_ORDER'
      orders = [...(orders ?? []), { column: value, direction, nulls: nulls === '' ? undefined : nulls }]
    } else return `UNSUPPORTED_CLAUSE:${String(grouping)}`
  }
  return {
    method,
    table,
    schema,
    statements,
    filters,
    columns: columns ?? NO_NAMES,
    aggregates: aggregates ?? NO_AGGREGATES,
    groups: groups ?? NO_NAMES,
    orders: orders ?? NO_ORDERS,
    limit: method === 'first' ? undefined : limit,
    offset: offset ?? 0,
  }
}

/** A listing of the rows of one table, regardless of conditions and order. */
export interface ListingParts {
  readonly method: string
  readonly table: string
  readonly schema: string | undefined
  /** Selected columns as written; empty for all. */
  readonly columns: readonly string[]
  /** Conditions and order of the rows, without values; `undefined` if only the SQL shows them. */
  readonly conditions: readonly unknown[] | undefined
}

/** Describes a builder that lists rows of one table; `undefined` for any other builder. */
export function listingParts(builder: BuilderInternals): ListingParts | undefined {
  const { _method: method, _single: single, _statements: statements } = builder
  if ((method !== 'select' && method !== 'first') || single === undefined || statements === undefined)
    return undefined
  const { table, schema, only, limit, offset } = single
  if (typeof table !== 'string' || only === true || (schema !== undefined && typeof schema !== 'string'))
    return undefined
  for (const name in single) if (!SINGLES.has(name) && single[name] !== undefined) return undefined
  let columns: readonly string[] = NO_NAMES
  const conditions: unknown[] = [limit !== undefined, offset !== undefined]
  let isPlainest = true
  for (let at = 0; at < statements.length; at++) {
    const statement = statements[at] as Statement
    const { grouping, type, value } = statement
    if (grouping === 'columns') {
      if (
        type !== undefined ||
        statement.distinct !== undefined ||
        statement.distinctOn !== undefined ||
        !isTexts(value)
      )
        return undefined
      columns = columns.length === 0 ? value : [...columns, ...value]
    } else if (grouping === 'where') {
      const filter = filterOf(statement, at)
      if (filter === undefined) isPlainest = false
      else conditions.push(filter.column, filter.form)
    } else if (grouping === 'order') {
      const { direction, nulls } = statement
      if (typeof value !== 'string' || !isOptionalText(direction) || !isOptionalText(nulls))
        isPlainest = false
      else conditions.push(grouping, value, direction, nulls)
    } else return undefined
  }
  return { method, table, schema, columns, conditions: isPlainest ? conditions : undefined }
}

/**
 * `undefined` for a clause that does not compare a plain column with values, or that is an alternative to a
 * different condition.
 */
function filterOf(
  { type, column, operator, value, not, bool, asColumn }: Statement,
  at: number,
): Filter | undefined {
  if (bool !== 'and' || typeof column !== 'string' || (asColumn !== undefined && asColumn !== false))
    return undefined
  const negation = not === true ? 'not ' : ''
  switch (type) {
    case 'whereBasic':
      if (typeof operator !== 'string' || !COMPARISONS.has(operator.toLowerCase())) return undefined
      if (operator === '=' && not === false && isKeyValue(value)) return { column, form: EQUALS, value, at }
      return { column, form: `${negation}${operator} value`, value, at }
    case 'whereIn':
    case 'whereBetween':
      return Array.isArray(value) ? { column, form: `${negation}${type}`, value, at } : undefined
    case 'whereLike':
    case 'whereILike':
      return { column, form: `${negation}${type}`, value, at }
    case 'whereNull':
      return { column, form: `${negation}${type}`, value: null, at }
    default:
      return undefined
  }
}

function isKeyValue(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint'
}

function aggregateOf({ method, value, aggregateDistinct, alias }: Statement): Aggregate | undefined {
  if (typeof method !== 'string' || !AGGREGATES.has(method) || !isOptionalText(alias)) return undefined
  const outputs = outputsOf(value, alias)
  return outputs === undefined ? undefined : { method, isDistinct: aggregateDistinct === true, outputs }
}

/** `'views'`, `'views as v'`, `['a', 'b']`, `{ v: 'views', ab: ['a', 'b'] }`. */
function outputsOf(value: unknown, alias: string | undefined): AggregateOutput[] | undefined {
  if (typeof value === 'string') {
    const at = value.toLowerCase().indexOf(' as ')
    return [
      at === -1 ? { columns: [value], alias } : { columns: [value.slice(0, at)], alias: value.slice(at + 4) },
    ]
  }
  if (isTexts(value)) return [{ columns: value, alias: undefined }]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const outputs: AggregateOutput[] = []
  for (const [name, columns] of Object.entries(value)) {
    if (typeof columns === 'string') outputs.push({ columns: [columns], alias: name })
    else if (isTexts(columns)) outputs.push({ columns, alias: name })
    else return undefined
  }
  return outputs
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

/**
 * A copy that lists rows, without its limit, and without some of its statements. The original builder is not
 * modified.
 *
 * @param statements - Its statements, with groups flattened.
 * @param keeps - Whether to keep a statement, by its index.
 */
export function asListing(
  builder: BuilderInternals,
  statements: readonly Statement[],
  keeps: (at: number) => boolean,
): Knex.QueryBuilder {
  const listing = builder.clone()
  const kept = statements.filter((_, at) => keeps(at)).map(asColumns)
  Object.assign(listing, { _method: 'select', _statements: kept })
  const single = listing._single as Record<string, unknown>
  delete single.limit
  delete single.offset
  delete single.skipBinding
  delete single.pluck
  return listing
}

/**
 * A copy with different values that selects whole rows. The original builder is not modified.
 *
 * @param statements - Its statements, with groups flattened.
 * @param values - By the index of the condition.
 */
export function asRows(
  builder: BuilderInternals,
  statements: readonly Statement[],
  values: ReadonlyMap<number, unknown>,
): Knex.QueryBuilder {
  const rows = builder.clone()
  const changed = statements.map((statement, at) =>
    values.has(at) ? { ...statement, value: values.get(at) } : statement,
  )
  Object.assign(rows, {
    _method: 'select',
    _statements: changed.filter(({ grouping }) => grouping !== 'columns'),
  })
  delete (rows._single as Record<string, unknown>).pluck
  return rows
}

/** Converts a `pluck` of a column into its select. */
function asColumns(statement: Statement): Statement {
  return statement.type === 'pluck' ? { grouping: 'columns', value: [statement.value] } : statement
}

/** A new builder of the same client and query context. */
export function emptyLike(builder: BuilderInternals): Knex.QueryBuilder {
  const empty = builder.clone()
  Object.assign(empty, { _method: 'select', _statements: [], _single: {} })
  return empty
}

/**
 * The SQL and bindings of a read, as the driver receives them; `undefined` for several statements. If Knex
 * rejects a builder (for example, for an undefined value), the caller gets that error from Knex itself.
 */
export function compiled(
  client: ClientInternals,
  builder: BuilderInternals,
): { readonly sql: string; readonly bindings: readonly unknown[] } | { readonly error: unknown } | undefined {
  let query: unknown
  try {
    query = builder.toSQL()
  } catch (error) {
    return { error }
  }
  if (Array.isArray(query) || typeof query !== 'object' || query === null) return undefined
  const { sql, bindings, output } = query as { sql?: unknown; bindings?: unknown; output?: unknown }
  if (typeof sql !== 'string' || output !== undefined) return undefined
  return { sql: client.positionBindings(sql), bindings: Array.isArray(bindings) ? bindings : [] }
}

/** Whether the names of tables and columns can depend on a builder's query context. */
export function rewritesNames(client: ClientInternals): boolean {
  return typeof client.config.wrapIdentifier === 'function'
}

/** The name of a column in the database, if identifiers are rewritten. */
export function databaseName(client: ClientInternals, identifier: string, queryContext: unknown): string {
  const { wrapIdentifier } = client.config
  return typeof wrapIdentifier !== 'function'
    ? identifier
    : wrapIdentifier(identifier, (value) => value, queryContext)
}
