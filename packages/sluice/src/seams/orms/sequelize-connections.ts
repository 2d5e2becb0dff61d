import { type LazyPgClient, lazyPgClient, sending, sluicePool, standInFor } from '@sluice/core/adapter'
import { attached } from '../../attached-clients.ts'
import { attachesTo, registeredSluice } from '../../registered-sluice.ts'
import { driverDescription } from './driver-description.ts'

type Method = (...args: unknown[]) => unknown

/** The members of Sequelize's `ConnectionManager` that Sluice calls. */
export interface ConnectionManager {
  getConnection: Method
  releaseConnection: Method
  readonly dialectName?: string
  readonly config?: { readonly replication?: unknown }
  readonly pool?: { readonly size?: number; readonly maxSize?: number }
  readonly sequelize?: { hasHook?(name: string): unknown }
}

type Original = Pick<ConnectionManager, 'getConnection' | 'releaseConnection'>

interface PgClient {
  query: Method
  /** Sequelize's pool drops such a client. */
  _invalid?: boolean
}

const pools = new WeakMap<ConnectionManager, object>()
const lazy = new WeakSet<object>()

/**
 * Returns a connection for a select that takes one of the pool when it needs a session. `undefined`: reads do
 * not go through Sluice, a hook of the app receives the connection, or the app asks for it itself.
 *
 * @param options - The options of the query; not those of a transaction.
 */
export function lazySequelizeConnection(
  manager: ConnectionManager,
  original: Original,
  options: unknown,
): LazyPgClient | undefined {
  if (!isForSelect(options) || !canBeLazy(manager) || registeredSluice().mode === 'observe') return undefined
  if (!attachesTo('pg', 'Sequelize')) return undefined
  const client = lazyPgClient(poolOf(manager, original))
  if (client !== undefined) lazy.add(client)
  return client
}

/** Releases a connection that {@link lazySequelizeConnection} has returned; otherwise, returns `false`. */
export function releaseLazy(connection: object): boolean {
  if (!lazy.has(connection)) return false
  ;(connection as LazyPgClient).release()
  return true
}

/** Options of `sequelize.query`, which the app does not pass itself. */
function isForSelect(options: unknown): boolean {
  const { type, uuid } = (options ?? {}) as { readonly type?: unknown; readonly uuid?: unknown }
  return type === 'SELECT' && uuid === undefined && Object.hasOwn(options as object, 'logging')
}

function canBeLazy({ dialectName, config, pool, sequelize }: ConnectionManager): boolean {
  return (
    dialectName === 'postgres' &&
    !config?.replication &&
    (pool?.size ?? 0) > 0 &&
    (pool?.maxSize ?? 0) > 1 &&
    typeof sequelize?.hasHook === 'function' &&
    !sequelize.hasHook('beforePoolAcquire') &&
    !sequelize.hasHook('afterPoolAcquire')
  )
}

/** Sequelize's own pool, as one of `pg`. */
function poolOf(manager: ConnectionManager, { getConnection, releaseConnection }: Original): object {
  const known = pools.get(manager)
  if (known !== undefined) return known
  const take = async () => (await getConnection.call(manager, {})) as PgClient
  const queryOf =
    (client: PgClient): Method =>
    (...args) => {
      // This pool sees the statements.
      const sent = sending({ send: () => client.query(...args) })
      // The server did not answer, such as after a timeout. Sequelize would mark the lazy client.
      if (sent instanceof Promise)
        sent.catch((error: { readonly severity?: unknown } | undefined) => {
          if (error?.severity === undefined) client._invalid = true
        })
      return sent
    }
  const pool = {
    async query(...args: unknown[]) {
      const client = await take()
      try {
        return await queryOf(client)(...args)
      } finally {
        releaseConnection.call(manager, client)
      }
    },
    async connect() {
      const client = await take()
      const release = () => releaseConnection.call(manager, client)
      return standInFor(client, { query: queryOf(client), release })
    },
    on() {},
    removeListener() {},
    end() {},
  }
  const sluice = registeredSluice()
  const description = { ...driverDescription('pg', 'Sequelize'), writesLiterals: true }
  const standIn = sluicePool(pool, sluice, description)
  pools.set(manager, standIn)
  attached('pg.Client (Sequelize)', sluice)
  return standIn
}
