import { createSluice, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice as withSluicePrisma } from '@sluice/prisma'
import BetterSqlite3 from 'better-sqlite3'
import knex from 'knex'
import { CompiledQuery, Kysely } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, type DatabaseKind, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { prismaClient } from '../support/prisma-clients.ts'
import { warningsOf } from '../support/warnings.ts'

const SELECT = 'select 1 as one'

interface Opened {
  query(): Promise<unknown>
  close(): Promise<unknown>
}
/** Opens a client that is instrumented for each of the Sluices, in this order. */
type Open = (database: Database, sluices: readonly Sluice[]) => Opened | Promise<Opened>

const CLIENTS: Readonly<Record<string, { readonly on: DatabaseKind['dialect']; readonly open: Open }>> = {
  'pool of pg': {
    on: 'postgresql',
    open({ url }, sluices) {
      const pool = sluices.reduce(
        (of, sluice) => sluicePool(of, sluice),
        new pg.Pool({ connectionString: url }),
      )
      return { query: () => pool.query(SELECT), close: () => pool.end() }
    },
  },
  'pool of mysql2': {
    on: 'mysql',
    open({ url }, sluices) {
      const pool = sluices.reduce(
        (of, sluice) => sluiceMysql2Pool(of, sluice),
        mysql.createPool({ uri: url }),
      )
      return { query: () => pool.query(SELECT), close: () => pool.end() }
    },
  },
  'client of Drizzle': {
    on: 'sqlite',
    open({ filename }, sluices) {
      const database = sluices.reduce(
        (of, sluice) => withSluiceDrizzle(of, sluice),
        new BetterSqlite3(filename),
      )
      return { query: async () => database.prepare(SELECT).all(), close: async () => database.close() }
    },
  },
  'dialect of Kysely': {
    on: 'sqlite',
    open(database, sluices) {
      const dialect = sluices.reduce((of, sluice) => withSluiceKysely(of, sluice), kyselyDialect(database))
      const db = new Kysely({ dialect })
      return { query: () => db.executeQuery(CompiledQuery.raw(SELECT)), close: () => db.destroy() }
    },
  },
  'instance of Knex': {
    on: 'sqlite',
    open(database, sluices) {
      const db = sluices.reduce((of, sluice) => withSluiceKnex(of, sluice), knex(database.knexConfig()))
      return { query: () => db.raw(SELECT), close: () => db.destroy() }
    },
  },
  'client of Prisma': {
    on: 'sqlite',
    async open(database, sluices) {
      const { PrismaClient, createAdapter } = await prismaClient(database.dialect, database)
      const adapter = sluices.reduce<ReturnType<typeof sluiceAdapter>>(
        (of, sluice) => sluiceAdapter(of, sluice),
        createAdapter(),
      )
      const client = new PrismaClient({ adapter })
      const prisma = sluices.reduce(
        (of, sluice) => of.$extends(withSluicePrisma(sluice)) as unknown as typeof client,
        client,
      )
      return { query: () => prisma.$queryRawUnsafe(SELECT), close: () => client.$disconnect() }
    },
  },
}

for (const [name, { on, open }] of Object.entries(CLIENTS)) {
  const kind = databases().find(({ dialect }) => dialect === on)
  describe.skipIf(kind?.skipped !== undefined)(`a ${name} that is instrumented twice`, () => {
    let database: Database
    let opened: Opened | undefined
    const sluices: Sluice[] = []
    const observe = () => {
      const sluice = createSluice()
      sluices.push(sluice)
      return sluice
    }
    const executed = (sluice: Sluice) => sluice.queries.getStats().executed
    beforeEach(async () => {
      database = (await kind?.connect()) as Database
    })
    afterEach(async () => {
      await opened?.close()
      opened = undefined
      for (const sluice of sluices.splice(0)) await sluice.close()
      await database.drop()
    })

    it('sends and counts each query once', async () => {
      const sluice = observe()
      opened = await open(database, [sluice, sluice])
      await opened.query()
      expect(executed(sluice)).toBe(1)
    })

    it('keeps its Sluice, with a warning, if the second one is another', async () => {
      const [first, second] = [observe(), observe()]
      const warnings = await warningsOf(async () => {
        opened = await open(database, [first, second])
        await opened.query()
      })
      expect([executed(first), executed(second)]).toEqual([1, 0])
      expect(warnings[0]).toContain('already uses another Sluice')
    })
  })
}
