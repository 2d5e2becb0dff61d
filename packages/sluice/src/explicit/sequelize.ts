import { InvalidArgumentError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { hostOf, isSending, sluiceMysqlConnections } from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import { type Prototype, replace } from '../patches/mysql.ts'
import type { MysqlConnection } from '../seams/mysql.ts'
import { driverDescription } from '../seams/orms/driver-description.ts'
import { rememberSequelize } from '../seams/orms/sequelize.ts'
import {
  lazySequelizeConnection,
  releaseLazy,
  releaseSequelizePool,
} from '../seams/orms/sequelize-connections.ts'
import type { ConnectionManager, OriginalManager } from '../seams/orms/sequelize-pools.ts'
import { clientStandIns, type PgClient } from '../seams/pg.ts'
import { attachOnce } from './attach-once.ts'
import { replaceMethods } from './replace-methods.ts'

/** The members of an instance of Sequelize that Sluice uses. */
export interface SequelizeInstance {
  readonly models: object
  getDialect(): string
}

/** How the connections of a dialect are observed. */
interface Connections {
  /** Replaces the methods of a connection that send statements. */
  observe(connection: Prototype): void
  release(): void
}

const CONNECTIONS: Readonly<Record<string, (sluice: Sluice) => Connections>> = {
  postgres: pgConnections,
  mysql: mysqlConnections,
}

/**
 * Attaches an instance of Sequelize to a Sluice, and returns it. Sluice is released when the instance is
 * closed. One that is already attached stays unchanged.
 *
 * Its dialect must be `postgres` or `mysql`. An instance with any other stays unchanged, with a warning.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @throws InvalidArgumentError if the first argument is not an instance of Sequelize; InvalidOptionError for
 * unknown options.
 * @example
 * ```ts
 * const sequelize = withSluice(new Sequelize(url), sluice)
 * ```
 */
export function withSluice<TSequelize extends SequelizeInstance>(
  sequelize: TSequelize,
  sluice?: Sluice | SluiceOptions,
): TSequelize {
  const manager = managerOf(sequelize)
  if (manager === undefined)
    throw new InvalidArgumentError('sequelize', 'an instance of Sequelize', sequelize)
  const used = sluiceFrom(sluice)
  const connections = CONNECTIONS[sequelize.getDialect()]
  if (connections === undefined)
    hostOf(used).warn(
      `sluice/sequelize works with the dialects postgres and mysql; this instance uses ${sequelize.getDialect()}. Its queries pass through. With sluice/register, Sluice observes more drivers.`,
    )
  else
    guarded('Sequelize', () =>
      attachOnce(manager, used, () => {
        rememberSequelize(sequelize)
        return attach(manager, used, connections(used))
      }),
    )
  return sequelize
}

type Closable = ConnectionManager & { close(...args: unknown[]): unknown }

function managerOf(sequelize: Partial<SequelizeInstance> | null | undefined): Closable | undefined {
  const { connectionManager: manager } = (sequelize ?? {}) as { readonly connectionManager?: Closable }
  return typeof sequelize?.getDialect === 'function' && typeof manager?.getConnection === 'function'
    ? manager
    : undefined
}

function attach(manager: Closable, sluice: Sluice, connections: Connections): () => void {
  const { getConnection, releaseConnection } = manager
  const original: OriginalManager = { getConnection, releaseConnection }
  const observed = new WeakSet<object>()
  const observe = (connection: object) => {
    if (observed.has(connection)) return
    observed.add(connection)
    guarded('Sequelize', () => connections.observe(connection as Prototype))
  }
  const restore = replaceMethods(manager, {
    getConnection: (take) => (options) => {
      const lazy = guarded('Sequelize', () => lazySequelizeConnection(manager, original, options, sluice))
      if (lazy !== undefined) return Promise.resolve(lazy)
      return (take(options) as Promise<object>).then((connection) => {
        observe(connection)
        return connection
      })
    },
    releaseConnection: (put) => (connection) =>
      releaseLazy(connection as object) ? undefined : put(connection),
    close:
      (close) =>
      (...args) => {
        release()
        return close(...args)
      },
  })
  const release = () => {
    restore()
    releaseSequelizePool(manager)
    connections.release()
  }
  return release
}

function pgConnections(sluice: Sluice): Connections {
  const { standIn, release } = clientStandIns(sluice, 'Sequelize')
  return {
    observe: (connection) => observeBy(connection, ['query'], (one) => standIn(one as unknown as PgClient)),
    release,
  }
}

function mysqlConnections(sluice: Sluice): Connections {
  const { connectionOf, detach } = sluiceMysqlConnections(sluice, driverDescription('mysql2', 'Sequelize'))
  return {
    observe: (connection) => observeBy(connection, ['query', 'execute'], connectionOf),
    release: detach,
  }
}

function observeBy(
  connection: Prototype,
  names: readonly string[],
  standInOf: (connection: object) => object,
): void {
  const standInNow = (one: MysqlConnection) => (isSending() ? undefined : (standInOf(one) as MysqlConnection))
  for (const name of names) replace('Sequelize', connection, name, standInNow)
}
