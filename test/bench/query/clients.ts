import { type CacheOptions, createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Knex } from 'knex'
import { Kysely } from 'kysely'
import type pg from 'pg'
import { catalogsRead } from '../../support/catalog-read.ts'
import { watchStatements } from '../../support/watch-statements.ts'
import type { BenchDatabase, BenchPrisma } from './databases.ts'

/**
 * As Prisma sets it if NODE_ENV is `production`: with any other value it creates an Error for each call,
 * which costs more than Sluice.
 */
const errorFormat = 'minimal'

/** The tables of the loops. */
interface BenchTables {
  readonly countries: { readonly id: number; readonly name: string }
  readonly regions: { readonly id: number; readonly name: string; readonly country_id: number }
  readonly districts: { readonly id: number; readonly name: string; readonly region_id: number }
  readonly cities: { readonly id: number; readonly name: string; readonly district_id: number }
}

/** All ORMs on separate connections, without Sluice or with one Sluice. */
export interface Clients {
  readonly prisma: BenchPrisma
  readonly db: Knex
  readonly kysely: Kysely<BenchTables>
  /** @throws Error on SQLite, on which Sluice changes no query of Drizzle. */
  readonly drizzle: () => NodePgDatabase
  readonly sluice: Sluice | undefined
  /**
   * Statements sent so far. Counted below Sluice, at the driver adapter and at Knex's client,
   * and at the driver. */
  statements(): number
  close(): Promise<void>
}

export function openBare(database: BenchDatabase): Clients {
  const counter = new StatementCounter()
  const prisma = new database.PrismaClient({
    errorFormat,
    adapter: counter.onPrisma(database.createAdapter()),
  })
  const db = counter.onKnex(database.createKnex())
  const kysely = new Kysely<BenchTables>({ dialect: database.createKysely(counter.count) })
  const pool = database.createDrizzle(counter.count)
  return {
    prisma,
    db,
    kysely,
    drizzle: drizzleOn(pool),
    sluice: undefined,
    statements: () => counter.statements,
    close: async () =>
      void (await Promise.all([prisma.$disconnect(), db.destroy(), kysely.destroy(), pool?.end()])),
  }
}

/** @throws Error if Sluice does not read the database's catalog. */
export async function openWithSluice(
  database: BenchDatabase,
  cache: CacheOptions | false = false,
): Promise<Clients> {
  const counter = new StatementCounter()
  const sluice = createSluice({ mode: 'optimize', cache })
  const client = new database.PrismaClient({
    errorFormat,
    adapter: sluiceAdapter(counter.onPrisma(database.createAdapter()), sluice),
  })
  const db = withSluiceKnex(counter.onKnex(database.createKnex()), sluice)
  await client.$connect()
  const kysely = new Kysely<BenchTables>({
    dialect: withSluiceKysely(database.createKysely(counter.count), sluice),
  })
  const bare = database.createDrizzle(counter.count)
  const pool = bare && withSluiceDrizzle(bare, sluice)
  await db('countries').first()
  await kysely.selectFrom('countries').selectAll().executeTakeFirst()
  if (pool !== undefined) await drizzleOn(pool)().execute(sql`SELECT 1`)
  await catalogsRead(sluice)
  return {
    prisma: client.$extends(withSluice(sluice, { schema: database.schema })) as unknown as BenchPrisma,
    db,
    kysely,
    drizzle: drizzleOn(pool),
    sluice,
    statements: () => counter.statements,
    async close() {
      await sluice.close()
      await Promise.all([client.$disconnect(), db.destroy(), kysely.destroy(), pool?.end()])
    },
  }
}

function drizzleOn(pool: pg.Pool | undefined): () => NodePgDatabase {
  const db = pool === undefined ? undefined : drizzle({ client: pool })
  return () => {
    if (db === undefined) throw new Error('Expected PostgreSQL for Drizzle.')
    return db
  }
}

class StatementCounter {
  statements = 0

  readonly count = (): void => {
    this.statements += 1
  }

  onPrisma<T extends object>(adapter: T): T {
    return watchStatements(adapter, this.count)
  }

  onKnex(db: Knex): Knex {
    return db.on('query', this.count)
  }
}
