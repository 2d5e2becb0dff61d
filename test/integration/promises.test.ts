import { createHook } from 'node:async_hooks'
import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely } from 'kysely'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { prismaClient } from '../support/prisma-clients.ts'

const WARM_UP = 200
/** More than the executions of a loop whose stacks are captured. */
const BEFORE = 12
const READS = 50

interface Reader {
  find(id: number): PromiseLike<unknown>
  close(): Promise<unknown>
}

type Open = (database: Database, sluice: Sluice | undefined) => Reader | Promise<Reader>

function openKnex(database: Database, sluice: Sluice | undefined): Reader {
  const db = knex(database.knexConfig())
  if (sluice !== undefined) withSluiceKnex(db, sluice)
  return { find: (id) => db('counted').where({ id }).first(), close: () => db.destroy() }
}

function openKysely(database: Database, sluice: Sluice | undefined): Reader {
  const dialect = kyselyDialect(database)
  const db = new Kysely<{ counted: { id: number } }>({
    dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
  })
  return {
    find: (id) => db.selectFrom('counted').selectAll().where('id', '=', id).executeTakeFirst(),
    close: () => db.destroy(),
  }
}

const counted = pgTable('counted', { id: integer().primaryKey() })

function openDrizzle({ url }: Database, sluice: Sluice | undefined): Reader {
  const pool = new pg.Pool({ connectionString: url })
  // `end()` resolves before the sockets are closed, and the database is dropped afterwards.
  pool.on('error', () => {})
  const db = drizzle({ client: sluice === undefined ? pool : withSluiceDrizzle(pool, sluice) })
  return { find: (id) => db.select().from(counted).where(eq(counted.id, id)), close: () => pool.end() }
}

async function openPrisma(database: Database, sluice: Sluice | undefined): Promise<Reader> {
  const { PrismaClient, createAdapter, schema, ddl } = await prismaClient(database.dialect, database)
  if (sluice === undefined) await database.exec(ddl)
  const adapter = createAdapter()
  const client = new PrismaClient({
    adapter: sluice === undefined ? adapter : sluiceAdapter(adapter, sluice),
  })
  const nothing = {
    query: {
      $allOperations: ({ args, query }: { args: unknown; query: (args: unknown) => Promise<unknown> }) =>
        query(args),
    },
  }
  const extended = (
    sluice === undefined ? client.$extends(nothing) : client.$extends(withSluice(sluice, { schema }))
  ) as typeof client
  return {
    find: (id) => extended.author.findUnique({ where: { id } }),
    close: () => client.$disconnect(),
  }
}

/** Promises that are created per read in a scope, or outside any without a Sluice. */
async function promisesOf(open: Open, database: Database, sluice?: Sluice): Promise<number> {
  const { find, close } = await open(database, sluice)
  const run = <T>(fn: () => Promise<T>) => (sluice === undefined ? fn() : sluice.run(fn))
  let promises = 0
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') promises += 1
    },
  })
  const reads = async (count: number) => {
    for (let id = 1; id <= count; id += 1) await find(id)
  }
  try {
    for (let time = 0; time < WARM_UP; time += 1) await run(async () => void (await find(1)))
    return await run(async () => {
      await reads(BEFORE)
      promises = 0
      hook.enable()
      await reads(READS)
      return promises / READS
    })
  } finally {
    hook.disable()
    await close()
    await sluice?.close()
  }
}

const CASES: readonly { readonly orm: string; readonly open: Open; readonly most: number }[] = [
  { orm: 'Knex', open: openKnex, most: 0 },
  { orm: 'Kysely', open: openKysely, most: 2 },
  { orm: 'Drizzle', open: openDrizzle, most: 2 },
  { orm: 'Prisma', open: openPrisma, most: 2 },
]

for (const { name, dialect, skipped, connect } of databases()) {
  if (dialect === 'mysql') continue
  describe.skipIf(skipped !== undefined)(`reads on ${name} in observe`, () => {
    for (const { orm, open, most } of CASES) {
      // On SQLite, Drizzle is synchronous.
      if (orm === 'Drizzle' && dialect === 'sqlite') continue
      it(`cost ${orm} at most ${most} more promises`, async () => {
        const database = await connect()
        try {
          await database.exec('CREATE TABLE counted (id integer PRIMARY KEY)')
          const bare = await promisesOf(open, database)
          const observed = await promisesOf(open, database, createSluice({ mode: 'observe' }))
          // Timers, and the catalog of a test's database, add some.
          expect(observed - bare).toBeLessThan(most + 0.5)
        } finally {
          await database.drop()
        }
      })
    }
  })
}
