import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import knex, { type Knex } from 'knex'
import type { DatabaseTarget } from './database-target.ts'
import { PrismaClient as MysqlClient } from './generated/mysql/client.js'
import { PrismaClient as PostgresqlClient } from './generated/postgresql/client.js'
import { PrismaClient } from './generated/prisma/client.js'
import type { StatementCounter } from './statement-counter.ts'

/** The members of a Prisma client that the routes use. An extended client has them, too. */
export type AtlasPrisma = Pick<PrismaClient, 'country' | 'region' | 'district' | 'city' | 'user' | 'review'>

/** Both ORMs on one database. */
export interface Clients {
  readonly prisma: AtlasPrisma
  readonly db: Knex
  close(): Promise<void>
}

/** Wraps the ORMs when they are opened. See `sluice.ts`. */
export interface ClientPlugin {
  adapter(adapter: SqlDriverAdapterFactory): SqlDriverAdapterFactory
  prisma(client: PrismaClient): AtlasPrisma
  knex(db: Knex): Knex
}

/**
 * Opens Prisma and Knex on the same database.
 *
 * @param counter - Counts the statements that reach the driver, below the plugin.
 */
export function openClients(
  target: DatabaseTarget,
  counter: StatementCounter,
  plugin?: ClientPlugin,
): Clients {
  const counted = counter.adapter(driverAdapter(target))
  const client = prismaClient(target, plugin?.adapter(counted) ?? counted)
  const bare = counter.knex(knexInstance(target))
  return {
    prisma: plugin?.prisma(client) ?? client,
    db: plugin?.knex(bare) ?? bare,
    async close() {
      await client.$disconnect()
      await bare.destroy()
    },
  }
}

function driverAdapter(target: DatabaseTarget): SqlDriverAdapterFactory {
  if (target.kind === 'sqlite') return new PrismaBetterSqlite3({ url: `file:${target.file}` })
  return target.kind === 'postgresql'
    ? new PrismaPg({ connectionString: target.url })
    : new PrismaMariaDb(target.url)
}

function prismaClient(target: DatabaseTarget, adapter: SqlDriverAdapterFactory): PrismaClient {
  if (target.kind === 'sqlite') return new PrismaClient({ adapter })
  // Made from the same models: all that the routes call is in each of the clients.
  const client =
    target.kind === 'postgresql' ? new PostgresqlClient({ adapter }) : new MysqlClient({ adapter })
  return client as unknown as PrismaClient
}

function knexInstance(target: DatabaseTarget): Knex {
  if (target.kind === 'sqlite')
    return knex({ client: 'better-sqlite3', connection: { filename: target.file }, useNullAsDefault: true })
  return knex({ client: target.kind === 'postgresql' ? 'pg' : 'mysql2', connection: target.url })
}
