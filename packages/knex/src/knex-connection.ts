import { type Connection, type Dialect, InvalidArgumentError, SluiceError } from '@sluice/core'
import { sending, takeUntil } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { afterCreate, CLIENTS, clientOf, dialectOf } from './internals/client.ts'
import { discard } from './internals/connection.ts'
import { rowsOfQuery } from './internals/response.ts'
import type { ClientInternals } from './internals/types.ts'

interface Instrumentation {
  /** The client's class before instrumentation. */
  readonly base: object
  /** Sluice's state for the client. */
  readonly state: { detach(): void }
}

/** Instrumentation of each client, as created by `withSluice`. */
export const instrumentations: WeakMap<object, Instrumentation> = new WeakMap()

/**
 * Access to the database of a Knex instance that bypasses Sluice, whether the instance is instrumented or
 * not: statements on this connection are not observed, cached or counted.
 *
 * On PostgreSQL and MySQL, a session is a separate connection outside the pool, created like the pool's
 * connections and closed with the session: it takes no connection from the app, and leaves no state behind.
 * On SQLite, and within a transaction, it is a connection of the pool, reserved for the session.
 *
 * @throws InvalidArgumentError if the argument is not a Knex instance with a supported client.
 * @example
 * ```ts
 * const rows = await knexConnection(db).query('SELECT version() AS version')
 * ```
 */
export function knexConnection(knex: Knex): Connection {
  const client = typeof knex === 'function' ? clientOf(knex) : undefined
  const dialect = client === undefined ? undefined : dialectOf(client)
  if (client === undefined || dialect === undefined)
    throw new InvalidArgumentError('knex', `a Knex instance with one of the clients ${CLIENTS}`, knex)
  // It may be instrumented later.
  return connectionTo(
    () => client,
    () => baseOf(client),
    dialect,
  )
}

/** The same for an instrumented client. The connection does not keep the client alive. */
export function attachedConnection(
  client: ClientInternals,
  base: ClientInternals,
  dialect: Dialect,
  closing?: AbortSignal,
): Connection {
  const reference = new WeakRef(client)
  const find = (): ClientInternals => {
    const found = reference.deref()
    if (found === undefined)
      throw new SluiceError(
        'SLUICE_NO_CLIENT',
        'The attached Knex instance was garbage-collected. Keep a reference to it while Sluice uses it.',
      )
    return found
  }
  return connectionTo(find, () => base, dialect, closing)
}

/**
 * The methods of a client without Sluice. Clients of transactions derive from the class of their instance.
 */
function baseOf(client: ClientInternals): ClientInternals {
  const known = instrumentations.get(client)
  if (known !== undefined) return known.base as ClientInternals
  for (let type: object | null = client; type !== null; type = Object.getPrototypeOf(type)) {
    const inherited = bases.get(type)
    if (inherited !== undefined) return inherited as ClientInternals
  }
  return client
}

/** By prototypes of instrumented clients. */
const bases = new WeakMap<object, object>()

/** Clients derived from an instrumented prototype (transactions) use the methods of `base`. */
export function rememberBase(instrumented: object, base: object): void {
  bases.set(instrumented, base)
}

function connectionTo(
  clientNow: () => ClientInternals,
  base: () => ClientInternals,
  dialect: Dialect,
  closing?: AbortSignal,
): Connection {
  const on = (client: ClientInternals, connection: object): Connection => {
    const session: Connection = {
      dialect,
      query: async (sql, bindings = []) =>
        rowsOfQuery(
          (
            await sending({
              send: () => base()._query.call(client, connection, { sql, bindings, method: 'raw' }),
            })
          ).response,
          dialect,
        ),
      session: (work) => work(session),
    }
    return session
  }
  const pooled = async <T>(client: ClientInternals, use: (connection: object) => Promise<T>): Promise<T> => {
    const { connection, release } = await acquire(client, closing)
    try {
      return await use(connection)
    } finally {
      await release()
    }
  }
  return {
    dialect,
    get isBesidePool() {
      const client = clientNow()
      return dialect !== 'sqlite' && client.transacting !== true && hasSettings(client)
    },
    query(sql, params) {
      const client = clientNow()
      return pooled(client, (connection) => on(client, connection).query(sql, params))
    },
    session(work) {
      const client = clientNow()
      if (dialect === 'sqlite' || client.transacting === true)
        return pooled(client, (connection) => work(on(client, connection)))
      if (!hasSettings(client)) {
        return pooled(client, (connection) => work(on(client, connection)).finally(() => discard(connection)))
      }
      return apart(client, (connection) => work(on(client, connection)))
    },
  }
}

/**
 * Whether connections can be created in addition to the pool. The settings of a provider may be out of date,
 * and the client of a pool that the app created has none.
 */
function hasSettings({ config, connectionConfigProvider }: ClientInternals): boolean {
  return config.connectionPool === undefined && typeof connectionConfigProvider !== 'function'
}

interface Acquired {
  readonly connection: object
  release(): unknown
}

/**
 * From the pool itself if there is one: Knex logs a warning if the connection is closed meanwhile, which does
 * not concern the app. A destroyed client no longer has the pool, but the connection must return to it.
 */
async function acquire(client: ClientInternals, closing: AbortSignal | undefined): Promise<Acquired> {
  const { pool } = client as { readonly pool?: Partial<AcquiringPool> | null }
  const { acquire, release } = pool ?? {}
  if (client.transacting === true || typeof acquire !== 'function' || typeof release !== 'function') {
    const connection = await client.acquireConnection()
    return { connection, release: () => client.releaseConnection(connection) }
  }
  const releaseTo = (connection: object) => release.call(pool, connection)
  const connection = await takeUntil(closing, acquire.call(pool).promise, releaseTo)
  return { connection, release: () => releaseTo(connection) }
}

interface AcquiringPool {
  acquire(): { readonly promise: Promise<object> }
  release(connection: object): unknown
}

async function apart<T>(client: ClientInternals, use: (connection: object) => Promise<T>): Promise<T> {
  const connection = await client.acquireRawConnection()
  try {
    await afterCreate(client, connection)
    return await use(connection)
  } finally {
    await client.destroyRawConnection(connection)
  }
}
