import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { type Connection, InvalidArgumentError } from '@sluice/core'
import { adapterConnection, BARE } from './adapter-connection.ts'
import { dialectOf } from './dialect.ts'

/** A connection, or a pool of them, that is one's own until it is closed. */
export interface PrismaConnection extends Connection {
  close(): Promise<void>
}

/**
 * Connects a driver adapter, past Sluice: nothing that is sent on it is observed, cached or counted.
 *
 * @param factory - As given to `PrismaClient`, or to `sluiceAdapter`. Not one that ends a pool of the app's (`disposeExternalPool`): to close this is to dispose of it.
 * @throws InvalidArgumentError for a database other than PostgreSQL, MySQL, MariaDB and SQLite.
 * @example
 * ```ts
 * const connection = await prismaConnection(new PrismaPg({ connectionString }))
 * ```
 */
export async function prismaConnection(factory: SqlDriverAdapterFactory): Promise<PrismaConnection> {
  const dialect = dialectOf(factory.provider)
  if (dialect === undefined)
    throw new InvalidArgumentError('factory', 'a driver adapter of PostgreSQL, MySQL, MariaDB or SQLite', factory.provider)
  const bare = (factory as { readonly [BARE]?: SqlDriverAdapterFactory })[BARE] ?? factory
  const adapter = await bare.connect()
  return { ...adapterConnection(adapter, dialect), close: () => adapter.dispose() }
}
