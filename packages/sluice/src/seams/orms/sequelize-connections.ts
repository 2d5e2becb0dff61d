import type { Sluice } from '@sluice/core'
import { lazyMysql2Connection, lazyPgClient, sluiceOf } from '@sluice/core/adapter'
import { attached } from '../../attached-clients.ts'
import { attachesTo, registeredSluice } from '../../registered-sluice.ts'
import { type ConnectionManager, mysqlPoolOf, type OriginalManager, pgPoolOf } from './sequelize-pools.ts'

/** How selects of Sequelize on a dialect are sent. */
interface LazyDialect {
  /** The driver that `SLUICE_CLIENTS` names. */
  readonly driver: 'pg' | 'mysql2'
  /** Hooks of the app that receive or change connections. */
  readonly hooks: readonly string[]
  poolOf(manager: ConnectionManager, original: OriginalManager, sluice: Sluice): object
  lazyOf(pool: object, manager: ConnectionManager, original: OriginalManager): Lazy | undefined
}

interface Lazy {
  release(): void
}

const POOL_HOOKS = ['beforePoolAcquire', 'afterPoolAcquire']

const DIALECTS: Readonly<Record<string, LazyDialect>> = {
  postgres: { driver: 'pg', hooks: POOL_HOOKS, poolOf: pgPoolOf, lazyOf: (pool) => lazyPgClient(pool) },
  mysql: {
    driver: 'mysql2',
    hooks: [...POOL_HOOKS, 'beforeConnect', 'afterConnect'],
    poolOf: mysqlPoolOf,
    lazyOf: (pool, manager, { getConnection, releaseConnection }) =>
      lazyMysql2Connection(
        pool,
        async () => (await getConnection.call(manager, {})) as object,
        (connection) => void releaseConnection.call(manager, connection),
      ),
  },
}

const pools = new WeakMap<ConnectionManager, object>()
const lazy = new WeakSet<object>()

/**
 * Returns a connection for a select that takes one of the pool when it needs a session. `undefined`: reads do
 * not go through Sluice, a hook of the app receives the connection, or the app asks for it itself.
 *
 * @param options - The options of the query; not those of a transaction.
 * @param explicit - The Sluice to which the app has attached its instance.
 */
export function lazySequelizeConnection(
  manager: ConnectionManager,
  original: OriginalManager,
  options: unknown,
  explicit?: Sluice,
): object | undefined {
  const dialect = DIALECTS[manager.dialectName ?? '']
  if (dialect === undefined || !isForSelect(options) || !canBeLazy(manager, dialect)) return undefined
  if (explicit === undefined) {
    // The app has attached the instance itself.
    const isOwned = sluiceOf(manager) !== undefined
    if (isOwned || !attachesTo(dialect.driver, 'Sequelize')) return undefined
  }
  const sluice = explicit ?? registeredSluice()
  if (sluice.mode === 'observe') return undefined
  const connection = dialect.lazyOf(poolOf(manager, original, dialect, sluice), manager, original)
  if (connection !== undefined) lazy.add(connection)
  return connection
}

/** Releases a connection that {@link lazySequelizeConnection} has returned; otherwise, returns `false`. */
export function releaseLazy(connection: object): boolean {
  if (!lazy.has(connection)) return false
  ;(connection as Lazy).release()
  return true
}

/** Options of `sequelize.query`, which the app does not pass itself. */
function isForSelect(options: unknown): boolean {
  const { type, uuid } = (options ?? {}) as { readonly type?: unknown; readonly uuid?: unknown }
  return type === 'SELECT' && uuid === undefined && Object.hasOwn(options as object, 'logging')
}

function canBeLazy({ config, pool, sequelize }: ConnectionManager, { hooks }: LazyDialect): boolean {
  return (
    !config?.replication &&
    (pool?.size ?? 0) > 0 &&
    (pool?.maxSize ?? 0) > 1 &&
    typeof sequelize?.hasHook === 'function' &&
    !hooks.some((hook) => sequelize.hasHook?.(hook))
  )
}

/** Releases the pool of an instance that {@link lazySequelizeConnection} has attached. */
export function releaseSequelizePool(manager: ConnectionManager): void {
  ;(pools.get(manager) as { end(): void } | undefined)?.end()
  pools.delete(manager)
}

/** The stand-in for Sequelize's own pool, as one of the driver. */
function poolOf(
  manager: ConnectionManager,
  original: OriginalManager,
  { driver, poolOf }: LazyDialect,
  sluice: Sluice,
): object {
  const known = pools.get(manager)
  if (known !== undefined) return known
  const standIn = poolOf(manager, original, sluice)
  pools.set(manager, standIn)
  if (sluiceOf(manager) !== undefined) return standIn
  const name = driver === 'pg' ? 'pg.Client' : 'mysql2.Connection'
  attached(`${name} (Sequelize)`, sluice)
  return standIn
}
