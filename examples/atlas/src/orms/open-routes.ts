import type { Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import SqliteDatabase from 'better-sqlite3'
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import { type ClientPlugin, openClients } from '../clients.ts'
import type { DatabaseTarget } from '../database-target.ts'
import type { StatementCounter } from '../statement-counter.ts'
import { type DrizzleTables, drizzleRoute } from './drizzle-route.ts'
import { postgresqlTables } from './drizzle-schema-postgresql.ts'
import { sqliteTables } from './drizzle-schema-sqlite.ts'
import { knexRoute } from './knex-route.ts'
import { type AtlasTables, kyselyRoute } from './kysely-route.ts'
import { prismaRoute } from './prisma-route.ts'
import type { RegionRoute } from './region-page.ts'

export const ORMS = ['prisma', 'knex', 'kysely', 'drizzle', 'prisma8'] as const
export type Orm = (typeof ORMS)[number]

const OLDEST_NODE = [22, 18] as const

/**
 * Why the route does not run in Prisma 8.
 *
 * @returns `undefined` if it does.
 */
export function prisma8Missing(
  { kind }: Pick<DatabaseTarget, 'kind'>,
  node = process.versions.node,
): string | undefined {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  if (isNew && kind === 'postgresql') return undefined
  return `prisma8 needs PostgreSQL and Node ${OLDEST_NODE.join('.')} or later. This is ${kind} and Node ${node}.`
}

/** The same route in each ORM, on one database. */
export interface OrmRoutes {
  /** Without Prisma 8 if `prisma8Missing` returns a reason. */
  readonly routes: ReadonlyMap<Orm, RegionRoute>
  close(): Promise<void>
}

/** A Sluice, and the functions that connect Prisma and Knex to it. */
interface Sluiced {
  readonly sluice: Sluice
  readonly plugin: ClientPlugin
}

/**
 * Opens all ORMs on a database.
 *
 * @param counter - Counts the statements that reach the driver, below Sluice.
 * @param sluiced - Default: without Sluice.
 * @throws Error for MySQL: the example has no Drizzle schema for it.
 */
export async function openRoutes(
  target: DatabaseTarget,
  counter: StatementCounter,
  sluiced?: Sluiced,
): Promise<OrmRoutes> {
  if (target.kind === 'mysql')
    throw new Error('The comparison of ORMs expects PostgreSQL or SQLite, got a MySQL URL.')
  const { prisma, db, close } = openClients(target, counter, sluiced?.plugin)
  const builders = target.kind === 'sqlite' ? onSqlite : onPostgresql
  const opened = builders(target as never, counter, sluiced?.sluice)
  const prisma8 =
    target.kind === 'postgresql' && prisma8Missing(target) === undefined
      ? await onPrisma8(target, counter, sluiced?.sluice)
      : undefined
  return {
    routes: new Map<Orm, RegionRoute>([
      ['prisma', prismaRoute(prisma)],
      ['knex', knexRoute(db)],
      ['kysely', kyselyRoute(opened.kysely)],
      ['drizzle', drizzleRoute(opened.drizzle, opened.tables)],
      ...(prisma8 === undefined ? [] : ([['prisma8', prisma8.route]] as const)),
    ]),
    async close() {
      await close()
      await opened.close()
      await prisma8?.close()
    },
  }
}

/** Older versions of Node cannot load its package. */
async function onPrisma8(
  { url }: { readonly url: string },
  counter: StatementCounter,
  sluice: Sluice | undefined,
): Promise<{ readonly route: RegionRoute; close(): Promise<void> }> {
  const { openPrisma8 } = await import('./open-prisma8.ts')
  const { prisma8Route } = await import('./prisma8-route.ts')
  const { db, close } = openPrisma8(counter.pool(new pg.Pool({ connectionString: url })), sluice)
  return { route: prisma8Route(db), close }
}

interface Builders {
  readonly kysely: Kysely<AtlasTables>
  readonly drizzle: NodePgDatabase
  readonly tables: DrizzleTables
  close(): Promise<void>
}

function onPostgresql(
  { url }: { readonly url: string },
  counter: StatementCounter,
  sluice: Sluice | undefined,
): Builders {
  const open = () => counter.pool(new pg.Pool({ connectionString: url }))
  const dialect = new PostgresDialect({ pool: open() })
  const kysely = new Kysely<AtlasTables>({
    dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
  })
  const pool = open()
  const client = sluice === undefined ? pool : withSluiceDrizzle(pool, sluice)
  return {
    kysely,
    drizzle: drizzle({ client }),
    tables: postgresqlTables,
    async close() {
      await kysely.destroy()
      await client.end()
    },
  }
}

function onSqlite(
  { file }: { readonly file: string },
  counter: StatementCounter,
  sluice: Sluice | undefined,
): Builders {
  const open = () => new SqliteDatabase(file, { verbose: (sql) => counter.add(String(sql)) })
  const dialect = new SqliteDialect({ database: open() })
  const kysely = new Kysely<AtlasTables>({
    dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
  })
  const database = open()
  const client = sluice === undefined ? database : withSluiceDrizzle(database, sluice)
  return {
    kysely,
    // Drizzle's databases have a class for each driver, with the same methods for the route.
    drizzle: drizzleSqlite({ client }) as unknown as NodePgDatabase,
    tables: sqliteTables as unknown as DrizzleTables,
    async close() {
      await kysely.destroy()
      database.close()
    },
  }
}
