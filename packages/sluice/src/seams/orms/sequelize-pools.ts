import { types } from 'node:util'
import type { Sluice } from '@sluice/core'
import { sending, sluiceMysql2Pool, sluicePool, standInFor } from '@sluice/core/adapter'
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

/** The methods without Sluice. */
export type OriginalManager = Pick<ConnectionManager, 'getConnection' | 'releaseConnection'>

interface PgClient {
  query: Method
  /** Sequelize's pool drops such a client. */
  _invalid?: boolean
}

/** A stand-in for the pool of Sequelize on PostgreSQL, as one of `pg`. */
export function pgPoolOf(
  manager: ConnectionManager,
  { getConnection, releaseConnection }: OriginalManager,
  sluice: Sluice,
): object {
  const take = async () => (await getConnection.call(manager, {})) as PgClient
  const queryOf =
    (client: PgClient): Method =>
    (...args) => {
      // This pool sees the statements.
      const sent = sending({ send: () => client.query(...args) })
      // The server did not answer, such as after a timeout. Sequelize would mark the lazy client.
      if (types.isPromise(sent))
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
  return sluicePool(pool, sluice, driverDescription('pg', 'Sequelize'))
}

interface MysqlConnection {
  readonly query: Method
  readonly execute: Method
  readonly release: Method
  readonly config?: object
}

/** A pool of `mysql2` with callbacks. */
interface MysqlCore {
  readonly config: object
  readonly query: Method
  readonly execute: Method
  getConnection(callback: Method): void
  promise(): never
  end(): void
}

/** The same on `mysql2`. */
export function mysqlPoolOf(
  manager: ConnectionManager,
  { getConnection, releaseConnection }: OriginalManager,
  sluice: Sluice,
): object {
  // Each connection has its own function for types, which does the same.
  let connectionConfig: object | undefined
  const take = async () => {
    const connection = (await getConnection.call(manager, {})) as MysqlConnection
    connectionConfig ??= connection.config
    return connection
  }
  const view = (connection: MysqlConnection) =>
    standInFor(connection, { release: () => releaseConnection.call(manager, connection) })
  // As those of `mysql2`, they take a connection by `this.getConnection`.
  const run = (name: 'query' | 'execute') =>
    function (this: MysqlCore, ...args: unknown[]): void {
      const callback = args.pop() as Method
      this.getConnection((error, taken) => {
        if (error) return void callback(error)
        const connection = taken as MysqlConnection
        const answer: Method = (...results) => {
          connection.release()
          callback(...results)
        }
        // This pool sees the statements. The command has a method `then`, which throws.
        return void sending({ send: () => connection[name](...args, answer) })
      })
    }
  const core: MysqlCore = {
    config: {
      get connectionConfig() {
        return connectionConfig ?? {}
      },
    },
    query: run('query'),
    execute: run('execute'),
    getConnection: (callback) => void take().then((connection) => callback(null, view(connection)), callback),
    promise() {
      throw new Error('Sequelize uses callbacks.')
    },
    end() {},
  }
  return sluiceMysql2Pool(core, sluice, driverDescription('mysql2', 'Sequelize'))
}
