import { createSluice, type Dialect, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, databases, knexDatabases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, seed } from '../support/stack.ts'

/** One connection from the pool, with any SQL that the app sends on it. */
async function onConnection(
  db: Knex,
  act: (send: (sql: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const connection = await db.client.acquireConnection()
  try {
    await act(async (sql) => {
      await db.raw(sql).connection(connection)
    })
  } finally {
    await db.client.releaseConnection(connection)
  }
}

type Read = () => Promise<void>
type Program = (db: Knex, read: Read) => Promise<void>

/** Ways in which apps begin or end transactions by hand. */
const PROGRAMS: Readonly<Record<string, { readonly on: readonly Dialect[]; readonly run: Program }>> = {
  'BEGIN in a transaction': {
    on: ['postgresql'],
    async run(db, read) {
      await db.transaction(async (trx) => {
        await trx('t').where('id', 1).update({ v: 5 })
        await trx.raw('BEGIN')
        await read()
      })
    },
  },
  'a transaction begun in another': {
    on: ['mysql'],
    async run(db, read) {
      const trx = await db.transaction()
      await trx('t').where('id', 1).update({ v: 5 })
      await trx.raw('START TRANSACTION')
      await read()
      await trx('t').where('id', 1).update({ v: 6 })
      await read()
      await trx.rollback()
    },
  },
  'COMMIT AND CHAIN': {
    on: ['postgresql', 'mysql'],
    run: (db, read) =>
      onConnection(db, async (send) => {
        await send('begin')
        await send('update t set v = 7 where id = 1')
        await send('commit and chain')
        await read()
        await send('update t set v = 8 where id = 1')
        await read()
        await send('commit')
      }),
  },
  'ROLLBACK AND CHAIN': {
    on: ['postgresql', 'mysql'],
    async run(db, read) {
      await db.transaction(async (trx) => {
        await trx('t').where('id', 1).update({ v: 5 })
        await trx.raw('ROLLBACK AND CHAIN')
        await trx('t').where('id', 1).update({ v: 6 })
        await read()
      })
    },
  },
  'DDL, which commits': {
    on: ['mysql'],
    async run(db, read) {
      const trx = await db.transaction()
      await trx('t').where('id', 1).update({ v: 5 })
      await read()
      await trx.raw('create table if not exists made (id int)')
      await read()
      await trx('t').where('id', 1).update({ v: 6 })
      await read()
      await trx.rollback()
    },
  },
  'TRUNCATE, which commits': {
    on: ['mysql'],
    async run(db, read) {
      const trx = await db.transaction()
      await trx('t').where('id', 1).update({ v: 5 })
      await trx('u').truncate()
      await read()
      await trx.rollback()
    },
  },
  'LOCK TABLES, which commits': {
    on: ['mysql'],
    async run(db, read) {
      const trx = await db.transaction()
      await trx('t').where('id', 1).update({ v: 5 })
      await trx.raw('LOCK TABLES u WRITE')
      await trx.raw('UNLOCK TABLES')
      await read()
      await trx.rollback()
    },
  },
  'SET autocommit': {
    on: ['mysql'],
    run: (db, read) =>
      onConnection(db, async (send) => {
        await send('set autocommit = 0')
        await send('update t set v = 7 where id = 1')
        await read()
        await send('commit')
        await read()
        await send('update t set v = 8 where id = 1')
        await read()
        await send('begin')
        await read()
        await send('rollback')
        await send('set autocommit = 1')
      }),
  },
  'a transaction of its own on the only connection': {
    on: ['sqlite'],
    async run(db, read) {
      await db.raw('begin')
      await db('t').where('id', 1).update({ v: 5 })
      await read()
      await db.raw('rollback')
      await read()
      await db.raw('savepoint a')
      await db('t').where('id', 1).update({ v: 6 })
      await read()
      await db.raw('rollback to a')
      await db.raw('release a')
    },
  },
}

describe.each(knexDatabases())('transaction control on $name', ({ dialect, skipped, connect }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let database: Database
    let sluice: Sluice
    let db: Knex
    beforeAll(async () => {
      database = await connect()
      await database.exec(
        'create table t (id int primary key, v int); create table u (id int primary key, v int)',
      )
    })
    afterAll(() => database?.drop())
    beforeEach(async () => {
      sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
      db = withSluice(knex(database.knexConfig()), sluice)
    })
    afterEach(async () => {
      expect(sluice.queries.getStats().errors).toBe(0)
      await sluice.close()
      await db.destroy()
    })

    async function valuesSeen(instance: Knex, run: Program): Promise<readonly unknown[]> {
      await database.exec('delete from t; insert into t values (1, 1), (2, 2)')
      const seen: unknown[] = []
      const read = async () => {
        const row = await instance('t').where('id', 1).first()
        seen.push(row?.v)
      }
      await read()
      await run(instance, read)
      await read()
      return seen
    }

    const programs = Object.entries(PROGRAMS).filter(([, { on }]) => on.includes(dialect))
    it.each(programs)('caches no value older than the commit of %s', async (_, { run }) => {
      const bare = knex(database.knexConfig())
      const expected = await valuesSeen(bare, run)
      await bare.destroy()
      await isCaching(db, sluice)
      expect(await sluice.run(() => valuesSeen(db, run))).toEqual(expected)
    })
  })
})

async function isCaching(db: Knex, sluice: Sluice): Promise<void> {
  for (let turns = 0; turns < 1000; turns += 1) {
    const before = sluice.queries.getStats().cacheHits
    await db('u').select('v').limit(1)
    await db('u').select('v').limit(1)
    if (sluice.queries.getStats().cacheHits > before) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('Expected reads to be answered from the cache.')
}

describe('transaction control of Prisma', () => {
  const [, postgresql] = databases()
  describe.skipIf(postgresql?.skipped !== undefined)('on PostgreSQL', () => {
    it.each(['COMMIT AND CHAIN', 'COMMIT', 'BEGIN', 'ROLLBACK AND CHAIN'])(
      'caches no value older than the last commit around %s',
      async (sql) => {
        const stack = await openStack('postgresql')
        await seed(stack.bare)
        await stack.ready()
        const titleOf = async (prisma: TestPrismaClient) =>
          (await prisma.post.findMany({ where: { id: 1 } }))[0]?.title
        const seen = async (prisma: TestPrismaClient) => {
          await stack.bare.post.update({ where: { id: 1 }, data: { title: 'before' } })
          stack.sluice.invalidate('Post')
          const titles = [await titleOf(prisma)]
          await prisma.$transaction(async (tx) => {
            await tx.post.update({ where: { id: 1 }, data: { title: 'first' } })
            await tx.$executeRawUnsafe(sql)
            titles.push(await titleOf(prisma))
            await tx.post.update({ where: { id: 1 }, data: { title: 'second' } })
            titles.push(await titleOf(prisma))
          })
          return [...titles, await titleOf(prisma)]
        }
        const expected = await seen(stack.bare)
        expect(await seen(stack.prisma)).toEqual(expected)
        await stack.close()
      },
    )
  })

  it('sees its manual transaction on the only connection of SQLite', async () => {
    const stack = await openStack('sqlite')
    await seed(stack.bare)
    const { prisma } = stack
    const title = async () => (await prisma.post.findMany({ where: { id: 1 } }))[0]?.title
    const before = await title()
    await prisma.$executeRawUnsafe('begin')
    await prisma.$executeRawUnsafe("update posts set title = 'uncommitted' where id = 1")
    expect(await title()).toBe('uncommitted')
    await prisma.$executeRawUnsafe('rollback')
    expect(await title()).toBe(before)
    await stack.close()
  })
})
