import { lazyMysql2Connection, lazyPgClient, OriginStacks } from '@sluice/core/adapter'
import { type MysqlPool, poolStandIn as mysqlPoolStandIn } from '../mysql.ts'
import { type PgPool, poolStandIn } from '../pg.ts'

/** A connection of TypeORM on PostgreSQL, and the function that releases it. */
export type PgConnection = readonly [client: object, release: (error?: unknown) => void]

interface Lazy {
  bind(): Promise<unknown>
}

const connections = new WeakSet<object>()

/**
 * Returns a connection for a query runner that takes one of the pool when it needs a session. `undefined`:
 * reads do not go through Sluice, or the pool has not connected yet. If it cannot, TypeORM must receive the
 * error.
 *
 * @param standIn - Default: the one that `sluice/register` has created.
 */
export function lazyPgConnection(
  pool: PgPool,
  standIn: object | undefined = poolStandIn(pool, 'TypeORM'),
): PgConnection | undefined {
  if (standIn === undefined || !((pool.totalCount ?? 0) > 0)) return undefined
  const client = lazyPgClient(standIn)
  if (client === undefined) return undefined
  connections.add(client)
  return [client, (error) => client.release(error)]
}

/**
 * The same on `mysql2`.
 *
 * @param obtain - Takes a connection of the pool, as TypeORM.
 */
export function lazyMysqlConnection(
  pool: MysqlPool,
  obtain: () => Promise<unknown>,
  standIn: object | undefined = mysqlPoolStandIn(pool, 'TypeORM'),
): object | undefined {
  const { _allConnections: all } = pool as { readonly _allConnections?: { readonly length: number } }
  if (standIn === undefined || !((all?.length ?? 0) > 0)) return undefined
  const release = (connection: object) => (connection as { release(): void }).release()
  const connection = lazyMysql2Connection(standIn, () => obtain() as Promise<object>, release)
  if (connection !== undefined) connections.add(connection)
  return connection
}

/** The connection itself, for an app that has asked for one. */
export function boundConnection(connection: unknown): unknown {
  return connections.has(connection as object) ? (connection as Lazy).bind() : connection
}

const origins = new OriginStacks()

/** Sends a statement of a query runner, after keeping the stack of the call that leads to it. */
export function sendFromOrigin<T>(sql: string, send: () => T): T {
  return origins.run(sql, send)
}
