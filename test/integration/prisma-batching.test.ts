import { hostOf } from '@sluice/core/siblings'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe.each(databases())('batching on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())

    /**
     * Runs a program with and without Sluice; the results must be equal. Returns the statements that Sluice
     * sent.
     */
    async function same(program: (prisma: TestPrismaClient) => Promise<unknown>): Promise<string[]> {
      const expected = await program(stack.bare)
      stack.taken()
      const found = await stack.sluice.run(() => program(stack.prisma))
      expect(found).toEqual(expected)
      return stack.taken().filter((sql) => !/^(begin|commit|rollback|start transaction|set )/i.test(sql))
    }

    it("leaves findUnique to Prisma's own batching and reports that", async () => {
      const before = stack.sluice.queries.getStats()
      expect(
        await same((prisma) =>
          Promise.all(
            range(1, 14).map((id) => prisma.author.findUniqueOrThrow({ where: { id: id % 12 || 12 } })),
          ),
        ),
      ).toHaveLength(1)
      const after = stack.sluice.queries.getStats()
      expect(after.batched).toBe(before.batched)
      expect(after.passedThrough['batch:BATCHED_BY_ORM']).toBe(
        (before.passedThrough['batch:BATCHED_BY_ORM'] ?? 0) + 14,
      )
    })

    it('batches findUnique by primary key', async () => {
      const sent = await same((prisma) =>
        Promise.all(range(1, 14).map((id) => prisma.author.findUnique({ where: { id } }))),
      )
      expect(sent).toHaveLength(1)
    })

    it('batches findUnique by another unique key', async () => {
      const emails = [...range(1, 5).map((i) => `a${i}@example.org`), 'nobody@example.org']
      expect(
        await same((prisma) =>
          Promise.all(emails.map((email) => prisma.author.findUnique({ where: { email } }))),
        ),
      ).toHaveLength(1)
    })

    it('runs lookups by strings individually if a collation may consider them equal', async () => {
      const emails = ['A1@example.org', 'a1@example.org', 'a2@example.org']
      await same((prisma) =>
        Promise.all(emails.map((email) => prisma.author.findUnique({ where: { email } }))),
      )
      await same((prisma) =>
        Promise.all(
          ['A3@example.org', 'A4@example.org'].map((email) => prisma.author.findUnique({ where: { email } })),
        ),
      )
    })

    it('batches findUnique by a compound key', async () => {
      const keys = [
        ['o1', 1],
        ['o2', 1],
        ['o2', 3],
        ['o1', 3],
      ] as const
      const sent = await same((prisma) =>
        Promise.all(
          keys.map(([orgId, userId]) =>
            prisma.membership.findUnique({
              where: { orgId_userId: { orgId, userId } },
              include: { user: true },
            }),
          ),
        ),
      )
      expect(sent.length).toBeLessThanOrEqual(2)
    })

    it('batches keys beyond the range of a number', async () => {
      const ids = [1n, 9007199254740995n, 9007199254740996n]
      expect(
        await same((prisma) => Promise.all(ids.map((id) => prisma.device.findUnique({ where: { id } })))),
      ).toHaveLength(1)
      expect(
        await same((prisma) =>
          Promise.all(
            ids.map((deviceId) => prisma.reading.findMany({ where: { deviceId }, orderBy: { id: 'asc' } })),
          ),
        ),
      ).toHaveLength(1)
    })

    it('throws the error of its own query if findUniqueOrThrow finds nothing', async () => {
      const program = (prisma: TestPrismaClient) =>
        Promise.allSettled(
          [1, 99, 2].map((id) => prisma.author.findUniqueOrThrow({ where: { id }, select: { name: true } })),
        ).then((results) =>
          results.map((result) =>
            result.status === 'fulfilled' ? result.value : (result.reason as { code: string }).code,
          ),
        )
      await same(program)
      expect(await stack.sluice.run(() => program(stack.prisma))).toEqual([
        { name: 'Author 1' },
        'P2025',
        { name: 'Author 2' },
      ])
    })

    it('batches findMany by a foreign key and keeps each order', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.findMany({ where: { authorId }, orderBy: [{ views: 'desc' }, { id: 'asc' }] }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('batches lookups with includes', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 6).map((authorId) =>
            prisma.post.findMany({
              where: { authorId },
              orderBy: { id: 'asc' },
              include: {
                comments: { orderBy: { id: 'asc' }, take: 1 },
                tags: { orderBy: { id: 'asc' } },
                _count: { select: { comments: true } },
              },
            }),
          ),
        ),
      )
      expect(sent.length).toBeLessThanOrEqual(4)
    })

    it('returns no more columns than requested', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 4).map((authorId) =>
            prisma.post.findMany({ where: { authorId }, select: { title: true }, orderBy: { id: 'asc' } }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
      await same((prisma) =>
        Promise.all(
          range(1, 4).map((authorId) =>
            prisma.post.findMany({
              where: { authorId },
              omit: { authorId: true, slug: true },
              orderBy: { id: 'asc' },
            }),
          ),
        ),
      )
      await same((prisma) =>
        Promise.all(
          range(1, 4).map((id) =>
            prisma.post.findUnique({ where: { id }, select: { author: { select: { name: true } } } }),
          ),
        ),
      )
    })

    it('batches count by key, including zeros', async () => {
      expect(
        await same((prisma) =>
          Promise.all(range(1, 12).map((authorId) => prisma.post.count({ where: { authorId } }))),
        ),
      ).toHaveLength(1)
    })

    it('batches findFirst in an order of one first row', async () => {
      const latest = (prisma: TestPrismaClient) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.findFirst({ where: { authorId }, orderBy: [{ views: 'desc' }, { id: 'desc' }] }),
          ),
        )
      expect(await same(latest)).toHaveLength(1)
      const byKey = (prisma: TestPrismaClient) =>
        Promise.all(range(1, 3).map((id) => prisma.post.findFirst({ where: { id } })))
      expect(await same(byKey)).toHaveLength(1)
      const doubtful = (prisma: TestPrismaClient) =>
        Promise.all(
          range(1, 3).map((authorId) =>
            prisma.post.findFirst({
              where: { authorId },
              orderBy: { views: 'desc' },
              select: { views: true },
            }),
          ),
        )
      expect(await same(doubtful)).toHaveLength(1)
    })

    it('keeps calls with different constants separate', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 3).flatMap((authorId) =>
            (['asc', 'desc'] as const).map((id) =>
              prisma.post.findMany({ where: { authorId }, orderBy: { id }, select: { id: true } }),
            ),
          ),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it.skipIf(dialect === 'sqlite')('never batches across concurrently open transactions', async () => {
      const { prisma, sluice } = stack
      let arrived = 0
      let open: (() => void) | undefined
      const both = new Promise<void>((resolve) => {
        open = resolve
      })
      const inside = (id: number) =>
        prisma
          .$transaction(async (tx) => {
            await tx.post.create({ data: { id, slug: `lane-${id}`, title: 'mine', authorId: 12 } })
            arrived += 1
            if (arrived === 2) open?.()
            // From here on, both query in the same tick.
            await both
            const found = await Promise.all(
              [12, 11].map((authorId) => tx.post.findMany({ where: { authorId }, select: { id: true } })),
            )
            throw Object.assign(new Error('undo'), { found })
          })
          .catch((error: { found: unknown }) => error.found)
      expect(await sluice.run(() => Promise.all([inside(801), inside(802)]))).toEqual([
        [[{ id: 801 }], []],
        [[{ id: 802 }], []],
      ])
    })

    it('fetches equal keys once and returns separate rows to each caller', async () => {
      expect(
        await same((prisma) =>
          Promise.all([1, 1, 2].map((id) => prisma.author.findUnique({ where: { id } }))),
        ),
      ).toHaveLength(1)
      const [a, b] = await stack.sluice.run(() =>
        Promise.all([1, 1].map((authorId) => stack.prisma.post.findMany({ where: { authorId } }))),
      )
      expect(a).not.toBe(b)
      expect(a?.[0]).not.toBe(b?.[0])
    })

    it('never batches null keys', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          [1, null, 2].map((editorId) =>
            prisma.post.findMany({ where: { editorId }, orderBy: { id: 'asc' } }),
          ),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it('passes a missing key through, which matches everything', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          [1, undefined].map((authorId) =>
            prisma.post.findMany({ where: { authorId } as object, orderBy: { id: 'asc' } }),
          ),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it('passes unsupported arguments through', async () => {
      await same((prisma) =>
        Promise.all([
          ...range(1, 3).map((authorId) =>
            prisma.post.findMany({ where: { authorId }, take: -2, orderBy: { id: 'asc' } }),
          ),
          ...range(1, 3).map((authorId) =>
            prisma.post.findMany({ where: { authorId }, cursor: { id: 3 }, orderBy: { id: 'asc' } }),
          ),
          ...range(1, 3).map((authorId) =>
            prisma.post.findMany({ where: { authorId: { gt: authorId } }, orderBy: { id: 'asc' } }),
          ),
          ...range(1, 3).map((authorId) =>
            prisma.post.findMany({ where: { authorId }, distinct: ['views'], orderBy: { id: 'asc' } }),
          ),
        ]),
      )
    })

    it('returns the right rows for fluent calls', async () => {
      await same((prisma) =>
        Promise.all([
          ...range(1, 3).map((id) =>
            prisma.author.findUnique({ where: { id } }).posts({ orderBy: { id: 'asc' } }),
          ),
          ...range(1, 3).map((id) => prisma.post.findUnique({ where: { id } }).author()),
          prisma.author.findUnique({ where: { id: 1 }, select: { posts: { orderBy: { id: 'asc' } } } }),
        ]),
      )
    })

    it('never batches members of a batch transaction', async () => {
      const ids = [1, 2, 3]
      await same((prisma) =>
        prisma.$transaction(ids.map((id) => prisma.author.findUnique({ where: { id } }))),
      )
      await same((prisma) =>
        prisma.$transaction([
          prisma.post.findMany({ where: { authorId: 1 } }),
          prisma.post.count({ where: { authorId: 2 } }),
          prisma.tag.count(),
        ]),
      )
    })

    it('shows a transaction only its own uncommitted writes', async () => {
      const titles = (prisma: TestPrismaClient) =>
        prisma
          .$transaction(async (tx) => {
            await tx.tag.create({ data: { id: 77, label: 'mine' } })
            const inside = await Promise.all([1, 77].map((id) => tx.tag.findUnique({ where: { id } })))
            throw Object.assign(new Error('undo'), { inside })
          })
          .catch((error: { inside: unknown }) => error.inside)
      await same(titles)
      await same((prisma) => Promise.all([1, 77].map((id) => prisma.tag.findUnique({ where: { id } }))))
    })

    it('does not batch across clients', async () => {
      const other = new stack.clients.PrismaClient({ adapter: stack.clients.createAdapter() })
      const { withSluice } = await import('@sluice/prisma')
      const second = other.$extends(
        withSluice(stack.sluice, { schema: stack.clients.schema }),
      ) as unknown as TestPrismaClient
      const before = stack.sluice.queries.getStats().batched
      await stack.sluice.run(() =>
        Promise.all([
          stack.prisma.author.findUnique({ where: { id: 1 } }),
          second.author.findUnique({ where: { id: 2 } }),
        ]),
      )
      expect(stack.sluice.queries.getStats().batched).toBe(before)
      await other.$disconnect()
    })

    it('counts no internal errors, and predicts every table written', () => {
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0, unpredictedWrites: 0 })
      expect(hostOf(stack.sluice).isOptimizing()).toBe(true)
    })
  })
})
