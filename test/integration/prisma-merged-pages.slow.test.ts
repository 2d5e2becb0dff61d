import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectRead } from '../support/catalog-read.ts'
import { sameAsBare } from '../support/compare-merged.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const byId = { id: 'asc' } as const
const AUTHORS = range(1, 12)

describe.each(databases())('batching pages on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false, batch: { maxExtraRows: 0 } })
      await seed(stack.bare)
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())
    const same = (program: (prisma: TestPrismaClient) => Promise<unknown>) => sameAsBare(stack, program)
    /** Pages of several rows are batched if the database is another process. */
    const merges = (sent: readonly string[], statements: number, why?: string) => {
      if (dialect === 'sqlite')
        expect(stack.sluice.queries.getStats().passedThrough['batch:PAGE_ON_SQLITE']).toBeGreaterThan(0)
      else expect(sent, why).toHaveLength(statements)
    }

    it('batches a page of each key’s rows into two statements', async () => {
      for (const page of [
        { take: 2, skip: 0 },
        { take: 3, skip: 1 },
        { take: 1, skip: 4 },
        { take: 30, skip: 0 },
      ]) {
        const sent = await same((prisma) =>
          Promise.all(
            AUTHORS.map((authorId) =>
              prisma.post.findMany({
                where: { authorId },
                orderBy: [{ views: 'desc' }, { id: 'asc' }],
                ...page,
              }),
            ),
          ),
        )
        merges(sent, 2, JSON.stringify(page))
      }
    })

    it('passes keys and constants through that Prisma rejects', async () => {
      const page = { orderBy: byId, take: 2 }
      const outcomes = async (wheres: readonly object[]) => {
        const calls = (prisma: TestPrismaClient) =>
          wheres.map((where) => prisma.post.findMany({ where: where as { authorId: number }, ...page }))
        const bare = await Promise.allSettled(calls(stack.bare))
        const found = await stack.sluice.run(() => Promise.allSettled(calls(stack.prisma)))
        expect(found.map(({ status }) => status)).toEqual(bare.map(({ status }) => status))
        return found.map(({ status }) => status)
      }
      expect(await outcomes([{ authorId: 5n }, { authorId: 1n }])).toContain('rejected')
      await outcomes([{ authorId: 2 ** 40 }, { authorId: 2 ** 40 + 1 }, { authorId: 1 }])
      for (const views of ['many', 3n])
        expect(await outcomes(AUTHORS.map((authorId) => ({ authorId, views })))).toContain('rejected')
    })

    it('orders nulls like Prisma', async () => {
      for (const editorId of ['asc', 'desc'] as const) {
        const sent = await same((prisma) =>
          Promise.all(
            AUTHORS.map((authorId) =>
              prisma.post.findMany({
                where: { authorId },
                orderBy: [{ editorId }, { slug: 'desc' }],
                take: 2,
              }),
            ),
          ),
        )
        merges(sent, 2)
      }
    })

    it.skipIf(dialect === 'mysql')('orders nulls by their position', async () => {
      for (const nulls of ['first', 'last'] as const) {
        const sent = await same((prisma) =>
          Promise.all(
            AUTHORS.map((authorId) =>
              prisma.post.findMany({
                where: { authorId },
                orderBy: [{ editorId: { sort: 'asc', nulls } }, byId],
                take: 2,
              }),
            ),
          ),
        )
        merges(sent, 2)
      }
    })

    it('matches the order values of its rows for every type', async () => {
      const { replayed } = stack.sluice.queries.getStats()
      for (const field of ['active', 'followers', 'rating', 'born', 'updatedAt', 'name'])
        for (const direction of ['asc', 'desc']) {
          const sent = await same((prisma) =>
            Promise.all(
              ['FR', 'DE', 'JP'].map((countryCode) =>
                prisma.author.findFirst({
                  where: { countryCode },
                  orderBy: [{ [field]: direction }, byId],
                  select: { email: true },
                }),
              ),
            ),
          )
          expect(sent, field).toHaveLength(2)
        }
      expect(stack.sluice.queries.getStats().replayed).toBe(replayed)
    })

    it('keeps constants, selections and includes', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          AUTHORS.map((authorId) =>
            prisma.post.findMany({
              where: { authorId, price: null, editorId: { equals: 2 } },
              orderBy: byId,
              take: 2,
              select: { title: true, comments: { orderBy: byId, take: 1, select: { body: true } } },
            }),
          ),
        ),
      )
      merges(sent, 3)
      const omitted = await same((prisma) =>
        Promise.all(
          AUTHORS.map((authorId) =>
            prisma.post.findMany({
              where: { authorId },
              orderBy: byId,
              take: 1,
              omit: { id: true, authorId: true },
            }),
          ),
        ),
      )
      expect(omitted).toHaveLength(2)
      const active = await same((prisma) =>
        Promise.all(
          ['FR', 'DE', 'XX'].map((countryCode) =>
            prisma.author.findMany({
              where: { countryCode, active: true, rating: null },
              orderBy: { email: 'desc' },
              take: 1,
            }),
          ),
        ),
      )
      expect(active).toHaveLength(2)
    })

    it('pages by large integers, strings and compound keys', async () => {
      const devices = await same((prisma) =>
        Promise.all(
          [1n, 2n, 9007199254740995n, 9007199254740996n].map((deviceId) =>
            prisma.reading.findMany({
              where: { deviceId },
              orderBy: [{ value: 'desc' }, { id: 'asc' }],
              take: 2,
            }),
          ),
        ),
      )
      merges(devices, 2)
      const members = await same((prisma) =>
        Promise.all(
          ['o1', 'o2', 'o3'].map((orgId) =>
            prisma.membership.findMany({ where: { orgId }, orderBy: { userId: 'desc' }, take: 1 }),
          ),
        ),
      )
      expect(members).toHaveLength(2)
      const comments = await same((prisma) =>
        Promise.all(
          range(1, 9).map((postId) =>
            prisma.comment.findMany({ where: { postId }, orderBy: { id: 'desc' }, take: 1 }),
          ),
        ),
      )
      expect(comments).toHaveLength(2)
      const tasks = await same((prisma) =>
        Promise.all(
          [1, 2, 3].map((ownerId) =>
            prisma.task.findMany({ where: { orgId: 'o1', ownerId }, orderBy: byId, take: 1 }),
          ),
        ),
      )
      expect(tasks).toHaveLength(1)
    })

    it('reads no more rows than its pages contain', async () => {
      let read = 0
      const counted = countRows(stack.clients.createAdapter(), (rows) => {
        read += rows
      })
      const client = new stack.clients.PrismaClient({ adapter: sluiceAdapter(counted, stack.sluice) })
      const prisma = client.$extends(
        withSluice(stack.sluice, { schema: stack.clients.schema }),
      ) as unknown as TestPrismaClient
      await connectRead(client, stack.sluice)
      const measure = async (skip: number, take: number) => {
        read = 0
        const pages = await stack.sluice.run(() =>
          Promise.all(
            range(1, 9).map((authorId) =>
              prisma.post.findMany({ where: { authorId }, orderBy: byId, skip, take }),
            ),
          ),
        )
        return { read, delivered: pages.flat().length }
      }
      for (const [skip, take] of [
        [0, 1],
        [1, 2],
        [2, 1],
      ] as const) {
        const { read: rows, delivered } = await measure(skip, take)
        // Once as names and once as rows, if they are batched.
        expect(rows).toBe(dialect === 'sqlite' && take > 1 ? delivered : 2 * delivered)
        expect(delivered).toBeLessThanOrEqual(9 * take)
      }
      await client.$disconnect()
    })

    it('runs unsupported pages individually', async () => {
      const asks: ((prisma: TestPrismaClient, authorId: number) => PromiseLike<unknown>)[] = [
        (prisma, authorId) => prisma.post.findMany({ where: { authorId }, orderBy: byId, take: -2 }),
        (prisma, authorId) => prisma.post.findMany({ where: { authorId }, orderBy: byId, take: 0 }),
        (prisma, authorId) => prisma.post.findMany({ where: { authorId }, orderBy: byId, take: 31 }),
        (prisma, authorId) => prisma.post.findMany({ where: { authorId }, orderBy: byId, skip: 1 }),
        (prisma, authorId) =>
          prisma.post.findMany({ where: { authorId }, orderBy: byId, take: 2, distinct: ['views'] }),
        (prisma, authorId) =>
          prisma.post.findMany({ where: { authorId }, orderBy: byId, take: 2, cursor: { id: authorId } }),
        (prisma, authorId) =>
          prisma.post.findMany({ where: { authorId, views: { gt: 2 } }, orderBy: byId, take: 2 }),
        (prisma, authorId) =>
          prisma.post.findMany({
            where: { authorId },
            orderBy: [{ editor: { name: 'asc' } }, byId],
            take: 2,
          }),
      ]
      for (const ask of asks) {
        const sent = await same((prisma) => Promise.all([2, 3, 4].map((authorId) => ask(prisma, authorId))))
        expect(sent.length, ask.toString()).toBeGreaterThanOrEqual(ask.toString().includes('take: 0') ? 0 : 3)
      }
    })

    it('runs pages individually in a transaction', async () => {
      const sent = await same((prisma) =>
        prisma.$transaction(async (tx) => {
          await tx.post.update({ where: { id: 1 }, data: { title: 'Post 1' } })
          return Promise.all(
            [1, 2].map((authorId) => tx.post.findMany({ where: { authorId }, orderBy: byId, take: 2 })),
          )
        }),
      )
      expect(sent.filter((sql) => /union all/i.test(sql))).toEqual([])
    })

    it('runs pages individually if the table of the model is not yet known', async () => {
      const unseen = await openStack(dialect, { cache: false, adapter: false, batch: { maxExtraRows: 0 } })
      try {
        await seed(unseen.bare)
        const sent = await sameAsBare(unseen, (prisma) =>
          Promise.all(
            [1, 2].map((authorId) => prisma.post.findMany({ where: { authorId }, orderBy: byId, take: 2 })),
          ),
        )
        expect(sent).toHaveLength(2)
        expect(sent.join()).not.toMatch(/union all/i)
      } finally {
        await unseen.close()
      }
    })

    it('queries again if rows change between its two statements', async () => {
      const program = (prisma: TestPrismaClient) =>
        Promise.all(
          [1, 2, 3].map((authorId) =>
            prisma.post.findMany({ where: { authorId }, orderBy: [{ views: 'desc' }, byId], take: 1 }),
          ),
        )
      const [, second] = await program(stack.bare)
      const moved = second?.[0]
      let isMoved = false
      const between = intercept(stack.clients.createAdapter(), async (sql) => {
        if (isMoved || !/union all/i.test(sql)) return
        isMoved = true
        await stack.bare.post.update({ where: { id: moved?.id ?? 0 }, data: { views: -1 } })
      })
      const client = new stack.clients.PrismaClient({ adapter: sluiceAdapter(between, stack.sluice) })
      const prisma = client.$extends(
        withSluice(stack.sluice, { schema: stack.clients.schema }),
      ) as unknown as TestPrismaClient
      await connectRead(client, stack.sluice)
      const found = await stack.sluice.run(() => program(prisma))
      expect(isMoved).toBe(true)
      expect(found).toEqual(await program(stack.bare))
      await stack.bare.post.update({ where: { id: moved?.id ?? 0 }, data: { views: moved?.views ?? 0 } })
      await client.$disconnect()
    })

    it('never loads more than the first row of a key with many rows', async () => {
      let read = 0
      const counted = countRows(stack.clients.createAdapter(), (rows) => {
        read += rows
      })
      await stack.bare.author.createMany({
        data: [51, 52].map((id) => ({ id, email: `many${id}@example.org`, name: 'many' })),
      })
      await stack.bare.post.createMany({
        data: range(1, 600).map((at) => ({
          id: 1000 + at,
          slug: `many-${at}`,
          title: 'many',
          authorId: 51 + (at % 2),
          views: at % 17,
        })),
      })
      const latest = (prisma: TestPrismaClient) =>
        Promise.all(
          [51, 52, 53].map((authorId) =>
            prisma.post.findFirst({
              where: { authorId },
              orderBy: [{ views: 'desc' }, { id: 'desc' }],
              select: { views: true, id: true },
            }),
          ),
        )
      expect(await same(latest)).toHaveLength(2)
      const client = new stack.clients.PrismaClient({ adapter: sluiceAdapter(counted, stack.sluice) })
      const prisma = client.$extends(
        withSluice(stack.sluice, { schema: stack.clients.schema }),
      ) as unknown as TestPrismaClient
      await connectRead(client, stack.sluice)
      read = 0
      await stack.sluice.run(() => latest(prisma))
      expect(read).toBe(4)
      await client.$disconnect()
      const orThrow = (prisma: TestPrismaClient) =>
        Promise.allSettled(
          [51, 53].map((authorId) => prisma.post.findFirstOrThrow({ where: { authorId }, orderBy: byId })),
        ).then((all) =>
          all.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as { code: string }).code)),
        )
      await same(orThrow)
    })

    it('runs first rows of unsupported pages individually', async () => {
      const first = (prisma: TestPrismaClient) =>
        Promise.all(
          [2, 3, 4].map((authorId) =>
            prisma.post.findFirst({ where: { authorId, views: { gt: 2 } }, orderBy: byId }),
          ),
        )
      expect(await same(first)).toHaveLength(3)
      const byUnique = (prisma: TestPrismaClient) =>
        Promise.all(
          [2, 3, 4].map((id) => prisma.post.findFirst({ where: { id, views: { gt: 2 } }, orderBy: byId })),
        )
      expect(await same(byUnique)).toHaveLength(1)
    })

    it('fetches at most 50 pages per statement', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 70).map((authorId) => prisma.post.findFirst({ where: { authorId }, orderBy: byId })),
        ),
      )
      const selects = sent.map((sql) => sql.split(/ union all /i).length).filter((count) => count > 1)
      expect(selects.sort()).toEqual([20, 50])
    })

    it('counts no internal errors', () => {
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0 })
    })
  })
})

type SqlDriverAdapterFactory = Parameters<typeof sluiceAdapter>[0]
type Queryable = { queryRaw(query: { sql: string }): Promise<{ rows: unknown[] }> }

/** Wraps a driver adapter so that `after` is awaited when a statement has run. */
function intercept<T extends object>(
  adapter: T,
  after: (sql: string, rows: number) => Promise<void>,
): SqlDriverAdapterFactory {
  return new Proxy(adapter, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'connect') return async () => intercept((await value.call(target)) as object, after)
      if (name !== 'queryRaw') return value.bind(target)
      return async (query: { sql: string }) => {
        const result = await (target as unknown as Queryable).queryRaw(query)
        await after(query.sql, result.rows.length)
        return result
      }
    },
  }) as unknown as SqlDriverAdapterFactory
}

function countRows<T extends object>(adapter: T, onRows: (rows: number) => void): SqlDriverAdapterFactory {
  return intercept(adapter, async (_, rows) => onRows(rows))
}
