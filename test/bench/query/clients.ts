import { type CacheOptions, createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import type { Knex } from 'knex'
import { catalogsRead } from '../../support/catalog-read.ts'
import { watchStatements } from '../../support/watch-statements.ts'
import type { BenchDatabase, BenchPrisma } from './databases.ts'

/**
 * As Prisma sets it if NODE_ENV is `production`: with any other value it creates an Error for each call,
 * which costs more than Sluice.
 */
const errorFormat = 'minimal'

/** Both ORMs on separate connections, without Sluice or with one Sluice. */
export interface Clients {
  readonly prisma: BenchPrisma
  readonly db: Knex
  readonly sluice: Sluice | undefined
  /** Statements sent so far. Counted below Sluice, at the driver adapter and at Knex's client. */
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
  return {
    prisma,
    db,
    sluice: undefined,
    statements: () => counter.statements,
    close: async () => void (await Promise.all([prisma.$disconnect(), db.destroy()])),
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
  await db('countries').first()
  await catalogsRead(sluice)
  return {
    prisma: client.$extends(withSluice(sluice, { schema: database.schema })) as unknown as BenchPrisma,
    db,
    sluice,
    statements: () => counter.statements,
    async close() {
      await sluice.close()
      await Promise.all([client.$disconnect(), db.destroy()])
    },
  }
}

class StatementCounter {
  statements = 0

  onPrisma<T extends object>(adapter: T): T {
    return watchStatements(adapter, () => {
      this.statements += 1
    })
  }

  onKnex(db: Knex): Knex {
    db.on('query', () => {
      this.statements += 1
    })
    return db
  }
}
