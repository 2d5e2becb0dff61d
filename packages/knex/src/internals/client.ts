import type { Dialect } from '@sluice/core'
import type { PoolState } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import type { ClientInternals } from './types.ts'

/**
 * The drivers whose responses, errors and connections Sluice knows, by their names in Knex. Other drivers can
 * share a dialect with them, for a different database.
 */
const DRIVERS: Readonly<Record<string, Dialect>> = {
  'better-sqlite3': 'sqlite',
  sqlite3: 'sqlite',
  pg: 'postgresql',
  pgnative: 'postgresql',
  mysql2: 'mysql',
  mysql: 'mysql',
}

/** Names of the supported clients, for messages. */
export const CLIENTS: string = Object.keys(DRIVERS).join(', ')

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

interface KnexPool {
  numFree(): number
  numPendingAcquires(): number
}

/** Whether the next caller gets a connection immediately. Cheaper than reading the whole state. */
export function hasFreeConnection(client: ClientInternals): boolean {
  const { pool } = client as { readonly pool?: Partial<KnexPool> | null }
  return isKnexPool(pool) && pool.numFree() > 0 && pool.numPendingAcquires() === 0
}

function isKnexPool(pool: Partial<KnexPool> | null | undefined): pool is KnexPool {
  return typeof pool?.numFree === 'function' && typeof pool.numPendingAcquires === 'function'
}

/** Whether a client's pool, or the pool of the app that it uses, has at most one connection. */
export function hasOneConnection(client: ClientInternals | undefined): boolean {
  if (client === undefined) return false
  const { pool } = client as { readonly pool?: { readonly max?: unknown } | null }
  if (typeof pool?.max === 'number') return pool.max === 1
  const { connectionPool: own } = client.config as {
    readonly connectionPool?: {
      readonly options?: { readonly max?: unknown }
      readonly config?: { readonly connectionLimit?: unknown }
    }
  }
  return (own?.options?.max ?? own?.config?.connectionLimit) === 1
}

/**
 * Changes the maximum of Knex's default pool, which reads it for each request and closes excess connections
 * once they are idle.
 */
export function resizePool(client: ClientInternals, max: number): void {
  if (poolStateOf(client) !== undefined) (client as unknown as { pool: { max: number } }).pool.max = max
}

/** How an instance creates connections: its URL, its settings, or the function that provides them. */
export function settingsOf({ config, connectionSettings }: ClientInternals): readonly unknown[] {
  return [connectionSettings ?? config.connection, config.pool?.afterCreate]
}

/** `undefined` for a driver that Sluice does not support. */
export function dialectOf({ driverName = '' }: ClientInternals): Dialect | undefined {
  return Object.hasOwn(DRIVERS, driverName) ? DRIVERS[driverName] : undefined
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
