import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { createSluice, type Mode, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import { PrismaClient as PostgresqlClient } from '../../../examples/atlas/src/generated/postgresql/client.js'
import { PrismaClient } from '../../../examples/atlas/src/generated/prisma/client.js'
import { schema as sqliteSchema } from '../../../examples/atlas/src/generated/sluice/index.js'
import { schema as postgresqlSchema } from '../../../examples/atlas/src/generated/sluice-postgresql/index.js'
import { connectRead } from '../../support/catalog-read.ts'
import { type Database, freshDatabase } from '../../support/databases.ts'
import { watchStatements } from '../../support/watch-statements.ts'

type Models = Pick<PrismaClient, 'country' | 'region' | 'city' | 'review' | 'user'>

/** A small data set in the tables of the example, with both ORMs. */
export interface Places {
  readonly sluice: Sluice
  readonly prisma: Models
  readonly db: Knex
  /** Statements since the last call, by the first table that they read. */
  takeByTable(): Readonly<Record<string, number>>
  close(): Promise<void>
}

const COUNTRIES = 3
const REGIONS = 4
const CITIES = 5
const REVIEWS = 2
const USERS = 7

/** 3 countries with 4 regions each, 5 cities per region, and 2 reviews per city by 7 people. */
export async function createPlaces(dialect: 'sqlite' | 'postgresql'): Promise<Database> {
  const database = await freshDatabase(dialect)
  await database.exec(
    readFileSync(join(import.meta.dirname, `../../../examples/atlas/prisma/${dialect}.sql`), 'utf8'),
  )
  const rows = (count: number, row: (at: number) => readonly (string | number)[]) =>
    Array.from({ length: count }, (_, at) => `(${row(at).map(literal).join(', ')})`).join(', ')
  const [regions, cities] = [COUNTRIES * REGIONS, COUNTRIES * REGIONS * CITIES]
  const country = (region: number) => `C${Math.floor(region / REGIONS)}`
  await database.exec(`
    INSERT INTO countries (code, name) VALUES ${rows(COUNTRIES, (at) => [`C${at}`, `Country ${at}`])};
    INSERT INTO regions (id, code, name, country_code) VALUES ${rows(regions, (at) => [at + 1, `R${at}`, `Region ${at}`, country(at)])};
    INSERT INTO cities (id, name, latitude, longitude, country_code, region_id) VALUES
      ${rows(cities, (at) => [at + 1, `City ${at}`, 1.5, 2.5, country(Math.floor(at / CITIES)), Math.floor(at / CITIES) + 1])};
    INSERT INTO users (id, name, email) VALUES ${rows(USERS, (at) => [at + 1, `User ${at}`, `u${at}@example.org`])};
    INSERT INTO reviews (id, city_id, user_id, rating, body, created_at) VALUES
      ${rows(cities * REVIEWS, (at) => [at + 1, Math.floor(at / REVIEWS) + 1, (at % USERS) + 1, (at % 5) + 1, 'Fine.', '2024-01-01T00:00:00.000+00:00'])};
  `)
  return database
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value}'`
}

export async function openPlaces(database: Database, mode: Mode): Promise<Places> {
  // Batching only, because the cache would serve the second request.
  const sluice = createSluice({ mode, cache: false })
  const log: string[] = []
  const watched = watchStatements(adapterFor(database), (sql) => log.push(sql))
  const adapter = sluiceAdapter(watched, sluice)
  const isSqlite = database.dialect === 'sqlite'
  const client = isSqlite
    ? new PrismaClient({ adapter })
    : (new PostgresqlClient({ adapter }) as unknown as PrismaClient)
  const prisma = client.$extends(
    withSluice(sluice, { schema: isSqlite ? sqliteSchema : postgresqlSchema }),
  ) as unknown as Models
  const db = withSluiceKnex(knex(database.knexConfig()), sluice)
  db.on('query', ({ sql }: { sql: string }) => log.push(sql))
  // Knex reads the catalog along with the first statement, and batches only with it.
  await sluice.run(() => db('countries').select('code'))
  await connectRead(client, sluice)
  log.splice(0)
  return {
    sluice,
    prisma,
    db,
    takeByTable() {
      const counts: Record<string, number> = {}
      for (const sql of log.splice(0)) {
        const table = /\bfrom\s+(?:[`"]?\w+[`"]?\.)?[`"]?(\w+)/i.exec(sql)?.[1] ?? sql
        counts[table] = (counts[table] ?? 0) + 1
      }
      return counts
    },
    async close() {
      await sluice.close()
      await client.$disconnect()
      await db.destroy()
    },
  }
}

function adapterFor({ dialect, filename, url }: Database): SqlDriverAdapterFactory {
  return dialect === 'sqlite'
    ? new PrismaBetterSqlite3({ url: `file:${filename}` })
    : new PrismaPg({ connectionString: url })
}
