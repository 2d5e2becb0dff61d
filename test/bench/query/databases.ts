import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaPg } from '@prisma/adapter-pg'
import type { PrismaSchemaData } from '@sluice/prisma'
import SqliteDatabase from 'better-sqlite3'
import knex, { type Knex } from 'knex'
import { type Dialect, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { createSqliteDatabase } from '../../support/sqlite-database.ts'
import { startDelayProxy } from './delay-proxy.ts'
import { rowsOfTables } from './rows.ts'

const POOL = 10
const DELAY_MS = 1
/** How Sluice reads the catalog, in the background. */
const OWN = /pg_catalog|pg_settings|sqlite_schema|pragma_/

/** SQLite's client represents both: the calls of the cases are the same in each. */
type PrismaClientClass = typeof import('../../generated/bench-sqlite/client/client.ts').PrismaClient
export type BenchPrisma = InstanceType<PrismaClientClass>

/** A database with the benchmark's rows in it. */
export interface BenchDatabase {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** The description of the database for readers of the figures. */
  readonly about: string
  readonly dialect: 'sqlite' | 'postgresql'
  readonly schema: PrismaSchemaData
  readonly PrismaClient: PrismaClientClass
  createAdapter(): PrismaBetterSqlite3 | PrismaPg
  createKnex(): Knex
  /** @param onSent - Called for each statement of the app or of Sluice's batches, at the driver. */
  createKysely(onSent: () => void): Dialect
  /** `undefined` on SQLite: Drizzle's driver is synchronous there, and Sluice only observes it. */
  createDrizzle(onSent: () => void): pg.Pool | undefined
  close(): Promise<void>
}

/** A SQLite file. */
export async function openSqlite(): Promise<BenchDatabase> {
  const database = await createSqliteDatabase()
  const createKnex = () => knex(database.knexConfig())
  await database.exec(ddlOf('sqlite'))
  await fill(createKnex())
  const [{ PrismaClient }, { schema }] = await Promise.all([
    import('../../generated/bench-sqlite/client/client.ts'),
    import('../../generated/bench-sqlite/sluice/index.ts'),
  ])
  return {
    name: 'SQLite',
    about: 'a file, without any delay',
    dialect: 'sqlite',
    schema,
    PrismaClient,
    createAdapter: () => new PrismaBetterSqlite3({ url: database.url ?? '' }),
    createKnex,
    createKysely: (onSent) => new SqliteDialect({ database: countedSqlite(database.filename ?? '', onSent) }),
    createDrizzle: () => undefined,
    close: () => database.drop(),
  }
}

/**
 * A separate PostgreSQL, with 1 ms added in each direction.
 *
 * @throws ServiceUnavailableError if this machine has none.
 */
export async function openPostgres(): Promise<BenchDatabase> {
  const service = await startPostgres()
  const direct = new URL(service.url)
  const proxy = await startDelayProxy(direct.hostname, Number(direct.port || 5432), DELAY_MS)
  const delayed = new URL(direct)
  delayed.hostname = '127.0.0.1'
  delayed.port = String(proxy.port)
  await onPostgres(direct.href, ddlOf('postgresql'))
  await fill(knex({ client: 'pg', connection: direct.href }))
  await onPostgres(direct.href, 'ANALYZE')
  const [{ PrismaClient }, { schema }] = await Promise.all([
    import('../../generated/bench-postgresql/client/client.ts'),
    import('../../generated/bench-postgresql/sluice/index.ts'),
  ])
  const openPool = (onSent: () => void) =>
    new pg.Pool({
      connectionString: delayed.href,
      max: POOL,
      idleTimeoutMillis: 0,
      Client: countedClient(onSent),
    })
  const [near, far] = [await roundTripMs(direct.href), await roundTripMs(delayed.href)]
  return {
    name: 'PostgreSQL',
    about: `SELECT 1: ${near.toFixed(2)} ms, through the delaying proxy ${far.toFixed(2)} ms; pool of ${POOL}`,
    dialect: 'postgresql',
    schema,
    PrismaClient: PrismaClient as unknown as PrismaClientClass,
    createAdapter: () => new PrismaPg({ connectionString: delayed.href, max: POOL, idleTimeoutMillis: 0 }),
    createKnex: () => knex({ client: 'pg', connection: delayed.href, pool: { min: POOL, max: POOL } }),
    createKysely: (onSent) => new PostgresDialect({ pool: openPool(onSent) }),
    createDrizzle: openPool,
    async close() {
      await proxy.close()
      await service.stop()
    },
  }
}

function countedSqlite(file: string, onSent: () => void): SqliteDatabase.Database {
  const database = new SqliteDatabase(file)
  const prepare = database.prepare.bind(database)
  database.prepare = ((sql: string) => {
    if (!OWN.test(sql)) onSent()
    return prepare(sql)
  }) as typeof database.prepare
  return database
}

function countedClient(onSent: () => void): typeof pg.Client {
  return class extends pg.Client {
    override query(...args: readonly unknown[]): never {
      const [sent] = args as readonly [string | { readonly text?: string } | undefined]
      if (!OWN.test((typeof sent === 'string' ? sent : sent?.text) ?? '')) onSent()
      return (super.query as (...args: readonly unknown[]) => never)(...args)
    }
  }
}

function ddlOf(provider: 'sqlite' | 'postgresql'): string {
  return readFileSync(join(import.meta.dirname, '../../generated', `bench-${provider}`, 'schema.sql'), 'utf8')
}

async function fill(db: Knex): Promise<void> {
  for (const [table, rows] of Object.entries(rowsOfTables())) await db.batchInsert(table, [...rows], 100)
  await db.destroy()
}

async function roundTripMs(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const times: number[] = []
  for (let i = 0; i < 101; i += 1) {
    const startedAt = performance.now()
    await client.query('SELECT 1')
    times.push(performance.now() - startedAt)
  }
  await client.end()
  return times.sort((a, b) => a - b)[50] ?? Number.NaN
}
