import { type CacheOptions, createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import type { Knex } from 'knex'
import { catalogsRead } from '../../support/catalog-read.ts'
import { watchStatements } from '../../support/watch-statements.ts'
import type { BenchDatabase, BenchPrisma } from './databases.ts'

/** As Prisma sets it where NODE_ENV is `production`: with any other it makes an Error of each call, which costs more than Sluice. */
const errorFormat = 'minimal'

/** Both ORMs on connections of their own, bare or with one Sluice. */
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
  const prisma = new database.PrismaClient({ errorFormat, adapter: counter.onPrisma(database.createAdapter()) })
  const db = counter.onKnex(database.createKnex())
  return {
    prisma,
    db,
    sluice: undefined,
    statements: () => counter.statements,
    close: async () => void (await Promise.all([prisma.$disconnect(), db.destroy()])),
  }
}

/** @throws Error when Sluice does not get to know the database's catalogue. */
export async function openWithSluice(database: BenchDatabase, cache: CacheOptions | false = false): Promise<Clients> {
  const counter = new StatementCounter()
  const sluice = createSluice({ mode: 'optimize', cache })
  const client = new database.PrismaClient({ errorFormat, adapter: sluiceAdapter(counter.onPrisma(database.createAdapter()), sluice) })
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
