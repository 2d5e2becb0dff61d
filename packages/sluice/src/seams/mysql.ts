import type { Sluice } from '@sluice/core'
import {
  bareMysql2Connection,
  isSending,
  mysql2ConnectionOf,
  mysql2StatementOf,
  sending,
  sluiceMysql2Pool,
  sluiceMysqlConnections,
} from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import type { Orm } from './callers.ts'
import { type DriverAttachment, DriverClient } from './driver-clients.ts'
import { drizzleClient } from './drizzle.ts'
import { driverDescription } from './orms/driver-description.ts'

export type Method = (...args: unknown[]) => unknown
export type MysqlDriver = 'mysql2' | 'mysql'

/** The methods of a pool, or of a cluster of pools, that use a connection. `mysql` has no `execute`. */
export interface MysqlPool {
  readonly query: Method
  readonly execute?: Method | undefined
  readonly getConnection: Method
}

export type MysqlConnection = Readonly<Record<string, unknown>>

/** What a pool, or the connections of a database, are attached by. */
interface StandIns {
  readonly pool?: MysqlPool
  /** The stand-in that optimizes reads of the pool. */
  readonly optimized?: object
  connectionOf(connection: MysqlConnection): MysqlConnection
  /** The pool with promises, if it is used by an ORM whose queries run when they are awaited. */
  readonly awaited?: Promised
}

/** A pool or a connection of `mysql2` with promises. */
export interface Promised {
  readonly pool?: MysqlPool
  readonly connection?: MysqlConnection
  readonly Promise?: unknown
  readonly query: Method
  readonly execute: Method
}

type Attach = (view: MysqlPool, sluice: Sluice, orm: Orm | undefined) => DriverAttachment<StandIns>

const pools = new WeakMap<object, PoolSeam>()

/**
 * Returns what receives the call of a pool that is made now.
 *
 * @param original - The methods of a pool without Sluice.
 */
export function poolNow(driver: MysqlDriver, pool: MysqlPool, original: MysqlPool): MysqlPool {
  const attach = driver === 'mysql2' ? attachMysql2 : observing(driver)
  return seamOf(`${driver}.Pool`, pool, original, attach).now()
}

/** The same for pools of a cluster of `mysql2`, which can be of several databases. */
export function clusterNow(namespace: MysqlPool, original: MysqlPool): MysqlPool {
  return seamOf('mysql2.PoolCluster', namespace, original, observing('mysql2')).now()
}

/** The stand-in for a pool with promises; `undefined`: the pool with callbacks receives its calls. */
export function promisedPoolNow({ pool, Promise: used }: Promised): Promised | undefined {
  const isUsed = pool !== undefined && used === Promise && !isSending()
  return isUsed ? pools.get(pool)?.client.attachment?.standIn.awaited : undefined
}

/** The same for a connection with promises. */
export function promisedConnectionNow({ connection, Promise: used }: Promised): Promised | undefined {
  if (connection === undefined || used !== Promise || isSending()) return undefined
  const standIns = clients.get(connection)?.attachment?.standIn
  if (standIns?.awaited === undefined) return undefined
  return (standIns.connectionOf(connection).promise as () => Promised)()
}

/** The stand-in for a pool of `mysql2` that an ORM uses. */
export function poolStandIn(pool: object, orm: Orm): object | undefined {
  return pools.get(pool)?.client.standInFor(orm)?.optimized
}

/** The app ends a pool. */
export function releasePool(pool: object): void {
  pools.get(pool)?.client.attachment?.release()
}

function seamOf(name: string, pool: MysqlPool, original: MysqlPool, attach: Attach): PoolSeam {
  const known = pools.get(pool)
  if (known !== undefined) return known
  const seam = new PoolSeam(name, pool, original, attach)
  pools.set(pool, seam)
  return seam
}

class PoolSeam {
  readonly client: DriverClient<StandIns>
  /** The pool without Sluice. */
  readonly #unseen: MysqlPool

  constructor(name: string, pool: MysqlPool, { query, execute, getConnection }: MysqlPool, attach: Attach) {
    const methods = { query: unseen(query), ...(execute && { execute: unseen(execute) }) }
    const connect = getConnection.bind(pool)
    this.#unseen = {
      query: methods.query.bind(pool),
      ...(methods.execute && { execute: methods.execute.bind(pool) }),
      getConnection: connect,
    }
    this.client = new DriverClient(name, (sluice, orm) => {
      // The stand-in replaces `getConnection`, which the app must not notice. It is released before the pool
      // itself ends.
      const own = { ...methods, getConnection: connect, end: () => {} }
      return attach(Object.assign(Object.create(pool), own), sluice, orm)
    })
  }

  /** What receives the call that is made now. */
  now(): MysqlPool {
    return (isSending() ? undefined : this.client.standInNow()?.pool) ?? this.#unseen
  }
}

const attachMysql2: Attach = (view, sluice, orm) => {
  const standIn =
    orm === 'Drizzle'
      ? drizzleClient(view, sluice)
      : sluiceMysql2Pool(view, sluice, driverDescription('mysql2', orm))
  const getConnection: Method = (callback) =>
    standIn.getConnection((error: unknown, taken: object | undefined) =>
      (callback as Method)(error, taken && bareMysql2Connection(taken)),
    )
  const { query, execute } = standIn
  const { promise } = standIn as unknown as { promise(): Promised }
  return {
    standIn: {
      ...(orm === 'Drizzle' && { awaited: promise() }),
      pool: { query, ...(execute && { execute }), getConnection },
      optimized: standIn,
      connectionOf: (connection) => mysql2ConnectionOf(standIn, connection) as MysqlConnection,
    },
    release: () => void (standIn as unknown as { end(): unknown }).end(),
  }
}

const observing =
  (driver: MysqlDriver): Attach =>
  (view, sluice, orm) => {
    const { poolOf, connectionOf, detach } = sluiceMysqlConnections(sluice, driverDescription(driver, orm))
    return {
      standIn: {
        pool: { ...poolOf(view), getConnection: view.getConnection },
        connectionOf: (connection) => connectionOf(connection) as MysqlConnection,
      },
      release: detach,
    }
  }

/** A method of a pool, whose connections do not see its statements again. */
function unseen(method: Method): Method {
  return function (this: object, ...args) {
    const pool = this as MysqlPool
    const getConnection: Method = (callback) => {
      const take = callback as Method
      // An error goes to the app.
      const taken: Method = (...results) =>
        results[0] ? take(...results) : sending({ send: () => take(...results) })
      return sending({ send: () => pool.getConnection(taken) })
    }
    return method.apply(Object.create(pool, { getConnection: { value: getConnection } }), args)
  }
}

/** By database: the connections that no pool has created. */
const databases = new Map<string, DriverClient<StandIns>>()

const clients = new WeakMap<MysqlConnection, DriverClient<StandIns>>()

/**
 * Returns the stand-in for a connection and the call that is made now; `undefined`: an adapter or a pool sees
 * the statement.
 */
export function connectionNow(driver: MysqlDriver, connection: MysqlConnection): MysqlConnection | undefined {
  if (isSending()) return undefined
  let client = clients.get(connection)
  if (client === undefined) {
    client = clientOf(driver, connection)
    clients.set(connection, client)
  }
  return client.standInNow()?.connectionOf(connection)
}

/** The stand-in for a connection whose pool or database is attached. */
export function knownConnection(connection: MysqlConnection): MysqlConnection | undefined {
  const client = clients.get(connection) ?? pools.get(connection._pool as object)?.client
  return client?.attachment?.standIn.connectionOf(connection)
}

function clientOf(
  driver: MysqlDriver,
  { _pool: pool, config = {} }: MysqlConnection,
): DriverClient<StandIns> {
  const known = pools.get(pool as object)?.client
  if (known !== undefined) return known
  const { host, port, socketPath, database, user } = config as MysqlConnection
  const key = [driver, host, port, socketPath, database, user].join('\n')
  let client = databases.get(key)
  if (client === undefined) {
    client = new DriverClient(`${driver}.Connection`, (sluice, orm) => {
      const { connectionOf, detach } = sluiceMysqlConnections(sluice, driverDescription(driver, orm))
      return {
        standIn: { connectionOf: (one) => connectionOf(one) as MysqlConnection },
        release: detach,
      }
    })
    databases.set(key, client)
  }
  return client
}

interface Statement {
  readonly _connection: MysqlConnection
  execute: Method
}

/** Replaces the method that runs prepared statements, of all connections. */
export function patchStatements(driver: MysqlDriver, prototype: Statement): void {
  const { execute } = prototype
  prototype.execute = function (this: Statement, ...args) {
    const connection = guarded(driver, () => connectionNow(driver, this._connection))
    return connection === undefined
      ? execute.apply(this, args)
      : (mysql2StatementOf(connection, this) as Statement).execute(...args)
  }
}
