import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Dialect } from '@sluice/core'
import type { PrismaSchemaData } from '@sluice/prisma'
import type { DatabaseAddress } from './database.ts'

/** SQLite's client represents all: the calls of the tests are the same in each. */
type PrismaClientClass = typeof import('../generated/sqlite/client/client.ts').PrismaClient
export type TestPrismaClient = InstanceType<PrismaClientClass>
type TestAdapter = PrismaBetterSqlite3 | PrismaPg | PrismaMariaDb

/** Everything that a test needs to use the models of `prisma/models.prisma` on one database. */
export interface PrismaClients {
  readonly PrismaClient: PrismaClientClass
  /** A driver adapter for the database, with separate connections. */
  createAdapter(): TestAdapter
  /** The output of `sluice-prisma-generator`. */
  readonly schema: PrismaSchemaData
  /** Creates the tables. */
  readonly ddl: string
}

/**
 * The generated client for a database; `generate.mjs` must have run. The tables are not created:
 * `database.exec(ddl)` does.
 */
export async function prismaClient(dialect: Dialect, database: DatabaseAddress): Promise<PrismaClients> {
  const { PrismaClient, schema } = await generated(dialect)
  const ddl = readFileSync(join(import.meta.dirname, '../generated', dialect, 'schema.sql'), 'utf8')
  return { PrismaClient, schema, ddl, createAdapter: () => createAdapter(dialect, database) }
}

async function generated(dialect: Dialect): Promise<Pick<PrismaClients, 'PrismaClient' | 'schema'>> {
  const [client, sluice] = await load(dialect)
  return { PrismaClient: client.PrismaClient as PrismaClientClass, schema: sluice.schema }
}

/** Literal paths, so that the bundler of the tests finds the modules. */
function load(
  dialect: Dialect,
): Promise<[{ readonly PrismaClient: unknown }, { readonly schema: PrismaSchemaData }]> {
  switch (dialect) {
    case 'sqlite':
      return Promise.all([
        import('../generated/sqlite/client/client.ts'),
        import('../generated/sqlite/sluice/index.ts'),
      ])
    case 'postgresql':
      return Promise.all([
        import('../generated/postgresql/client/client.ts'),
        import('../generated/postgresql/sluice/index.ts'),
      ])
    case 'mysql':
      return Promise.all([
        import('../generated/mysql/client/client.ts'),
        import('../generated/mysql/sluice/index.ts'),
      ])
  }
}

/** A driver adapter for a database, with separate connections. */
export function createAdapter(dialect: Dialect, { filename, url }: DatabaseAddress): TestAdapter {
  if (dialect === 'sqlite' && filename !== undefined)
    return new PrismaBetterSqlite3({ url: `file:${filename}` })
  if (url === undefined) throw new Error(`Expected a database with a url for ${dialect}.`)
  return dialect === 'postgresql'
    ? new PrismaPg({ connectionString: url, max: 2 })
    : new PrismaMariaDb(url.replace(/^mysql:/, 'mariadb:'))
}
