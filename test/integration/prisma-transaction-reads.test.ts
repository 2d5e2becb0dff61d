import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, type Sluice } from '@sluice/core'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectRead } from '../support/catalog-read.ts'
import { type Database, databases, freshDatabase } from '../support/databases.ts'
import { prismaClient, type TestPrismaClient } from '../support/prisma-clients.ts'
import { seed } from '../support/stack.ts'
import { watchedPool } from '../support/watched-pool.ts'

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgres?.skipped !== undefined)('reads of interactive transactions', () => {
  let database: Database
  let pool: pg.Pool
  let prisma: TestPrismaClient
  let disconnect: () => Promise<void>
  let sluice: Sluice
  /** The client that was acquired last. */
  let acquired: pg.PoolClient
  const sent: string[] = []
  beforeAll(async () => {
    database = await freshDatabase('postgresql')
    const clients = await prismaClient('postgresql', database)
    await database.exec(clients.ddl)
    pool = watchedPool(database.url ?? '', (sql) => sent.push(sql))
    pool.on('acquire', (client) => {
      acquired = client as pg.PoolClient
    })
    sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 }, schemaCheckMs: 10_000 })
    const client = new clients.PrismaClient({ adapter: sluiceAdapter(new PrismaPg(pool), sluice) })
    disconnect = () => client.$disconnect()
    prisma = client.$extends(withSluice(sluice, { schema: clients.schema })) as unknown as TestPrismaClient
    await connectRead(client, sluice)
    await seed(prisma)
    await titleOf(prisma, 1)
  })
  beforeEach(async () => {
    await prisma.post.update({ where: { id: 1 }, data: { title: 'Before' } })
    for (const id of [1, 2]) await titleOf(prisma, id)
    sent.splice(0)
  })
  afterAll(async () => {
    await sluice.close()
    await disconnect()
    await pool.end()
    await database.drop()
  })

  type Client = Omit<TestPrismaClient, '$transaction' | '$connect' | '$disconnect' | '$on' | '$extends'>
  const titleOf = async (client: Client, id: number): Promise<string | undefined> =>
    (await client.post.findUnique({ where: { id } }))?.title
  const write = async (client: Client) =>
    await client.post.update({ where: { id: 1 }, data: { title: 'After' } })
  const selects = () => sent.filter((sql) => sql.startsWith('SELECT'))

  it('are served from the cache', async () => {
    const found = await prisma.$transaction(async (tx) => [
      await titleOf(tx as TestPrismaClient, 1),
      await titleOf(tx as TestPrismaClient, 2),
    ])
    expect(found).toEqual(['Before', 'Post 2'])
    expect(sent).toEqual(['BEGIN', 'COMMIT'])
  })

  it('are cached for reads outside', async () => {
    await prisma.$transaction((tx) => titleOf(tx as TestPrismaClient, 3))
    expect(sent).toHaveLength(3)
    sent.splice(0)
    expect(await titleOf(prisma, 3)).toBe('Post 3')
    expect(sent).toEqual([])
  })

  it('see what their transaction wrote, and reads outside do not', async () => {
    const found: (string | undefined)[] = []
    const undone = prisma.$transaction(async (tx) => {
      const client = tx as TestPrismaClient
      found.push(await titleOf(client, 1))
      const [, during] = await Promise.all([write(client), titleOf(client, 1)])
      found.push(during, await titleOf(client, 1), await titleOf(prisma, 1))
      throw new Error('Undo')
    })
    await expect(undone).rejects.toThrow('Undo')
    expect(found).toEqual(['Before', 'After', 'After', 'Before'])
    expect(await titleOf(prisma, 1)).toBe('Before')
  })

  it.each<[string, (tx: Client) => Promise<unknown>]>([
    ['a write', (tx) => write(tx)],
    ['a lock', (tx) => tx.$queryRawUnsafe('SELECT id FROM posts WHERE id = 1 FOR UPDATE')],
    ['a setting', (tx) => tx.$executeRawUnsafe('SET LOCAL statement_timeout = 10000')],
    ['a savepoint', (tx) => tx.$executeRawUnsafe('SAVEPOINT one')],
    ['a query of the client', () => acquired.query('SELECT 1')],
  ])('are sent after %s', async (_, spoil) => {
    await prisma.$transaction(async (tx) => {
      const client = tx as TestPrismaClient
      await titleOf(client, 1)
      await spoil(client)
      sent.splice(0)
      await titleOf(client, 2)
      expect(sent).toHaveLength(1)
    })
  })

  it('are sent in and after a nested transaction', async () => {
    await prisma.$transaction(async (tx) => {
      const client = tx as TestPrismaClient
      await client.$transaction(async (inner) => {
        sent.splice(0)
        await titleOf(inner as TestPrismaClient, 2)
        expect(sent).toHaveLength(1)
      })
      sent.splice(0)
      await titleOf(client, 2)
      expect(sent).toHaveLength(1)
    })
  })

  it('belong to the transaction whose client reads', async () => {
    const found = await prisma.$transaction(async (outer) => {
      const client = outer as TestPrismaClient
      await write(client)
      return prisma.$transaction(async (inner) => [
        await titleOf(inner as TestPrismaClient, 2),
        await titleOf(client, 1),
        await titleOf(inner as TestPrismaClient, 1),
      ])
    })
    expect(found).toEqual(['Post 2', 'After', 'Before'])
  })

  it.each([
    ['RepeatableRead', 1],
    ['Serializable', 1],
    ['ReadCommitted', 0],
  ] as const)('under %s: %i of 1 are sent', async (isolationLevel, count) => {
    await prisma.$transaction((tx) => titleOf(tx as TestPrismaClient, 1), {
      // Those of PostgreSQL, which the type of SQLite's client does not contain.
      isolationLevel: isolationLevel as 'Serializable',
    })
    expect(selects()).toHaveLength(count)
  })

  it('reject in an aborted transaction', async () => {
    const read = prisma.$transaction(async (tx) => {
      const client = tx as TestPrismaClient
      await client.$queryRawUnsafe('SELECT 1 / 0').catch(() => {})
      return titleOf(client, 1)
    })
    await expect(read).rejects.toThrow('current transaction is aborted')
  })

  it('reject after the end of their transaction', async () => {
    let ended: Client | undefined
    await prisma.$transaction(async (tx) => {
      ended = tx as TestPrismaClient
      await titleOf(ended, 1)
    })
    await expect(titleOf(ended as Client, 1)).rejects.toThrow('Transaction')
    const expired = prisma.$transaction(
      async (tx) => {
        await new Promise((resolve) => setTimeout(resolve, 200))
        return titleOf(tx as TestPrismaClient, 1)
      },
      { timeout: 50 },
    )
    await expect(expired).rejects.toThrow('expired transaction')
  })

  it('are answered in the order of their calls', async () => {
    const order: string[] = []
    const noted = (name: string, read: PromiseLike<unknown>) => read.then(() => order.push(name))
    const slow = async (client: Client) =>
      await client.$queryRawUnsafe('SELECT count(*)::int FROM posts a, posts b, posts c, posts d')
    await prisma.$transaction((tx) => {
      const client = tx as TestPrismaClient
      return Promise.all([
        noted('cached', titleOf(client, 1)),
        noted('slow', slow(client)),
        noted('cached 2', titleOf(client, 2)),
      ])
    })
    expect(order).toEqual(['cached', 'slow', 'cached 2'])
  })
})
