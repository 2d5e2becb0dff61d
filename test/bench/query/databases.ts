import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaPg } from '@prisma/adapter-pg'
import type { PrismaSchemaData } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { createSqliteDatabase } from '../../support/sqlite-database.ts'
import { startDelayProxy } from './delay-proxy.ts'
import { rowsOfTables } from './rows.ts'

const POOL = 10
const DELAY_MS = 1

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
    import('../../generated/bench-sqlite/sluice/index.js'),
  ])
  return {
    name: 'SQLite',
    about: 'a file, without any delay',
    dialect: 'sqlite',
    schema,
    PrismaClient,
    createAdapter: () => new PrismaBetterSqlite3({ url: database.url ?? '' }),
    createKnex,
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
    import('../../generated/bench-postgresql/sluice/index.js'),
  ])
  const [near, far] = [await roundTripMs(direct.href), await roundTripMs(delayed.href)]
  return {
    name: 'PostgreSQL',
    about: `SELECT 1: ${near.toFixed(2)} ms, through the delaying proxy ${far.toFixed(2)} ms; pool of ${POOL}`,
    dialect: 'postgresql',
    schema,
    PrismaClient: PrismaClient as unknown as PrismaClientClass,
    createAdapter: () => new PrismaPg({ connectionString: delayed.href, max: POOL, idleTimeoutMillis: 0 }),
    createKnex: () => knex({ client: 'pg', connection: delayed.href, pool: { min: POOL, max: POOL } }),
    async close() {
      await proxy.close()
      await service.stop()
    },
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
