import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sameAsBare } from '../support/compare-merged.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const byId = { id: 'asc' } as const

describe.each(databases())('batching with additional filters on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      await stack.bare.task.createMany({
        data: [
          ['sweep', 'o1', 1],
          ['mop', 'o1', 1],
          ['dust', 'o1', 2],
          ['sweep', 'o2', 3],
          ['wipe', null, null],
        ].map(
          ([title, orgId, ownerId]) =>
            ({ title, orgId, ownerId }) as { title: string; orgId: string; ownerId: number },
        ),
      })
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())
    const same = (program: (prisma: TestPrismaClient) => Promise<unknown>) => sameAsBare(stack, program)

    it('keeps a constant value and a null next to a foreign key', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 9).map((authorId) =>
            prisma.post.findMany({ where: { authorId, price: null, views: 7 }, orderBy: byId }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
      const soft = await same((prisma) =>
        Promise.all(
          range(1, 9).map((authorId) =>
            prisma.post.findMany({ where: { editorId: null, authorId }, orderBy: byId }),
          ),
        ),
      )
      expect(soft).toHaveLength(1)
    })

    it('passes a call through that Prisma rejects, even if it would accept it with one more field', async () => {
      const nothing = { id: true, name: true } as const
      const results = await stack.sluice.run(() =>
        Promise.allSettled(
          range(1, 4).map((deviceId) =>
            stack.prisma.device.findMany({ where: { id: deviceId }, omit: nothing }),
          ),
        ),
      )
      expect(results.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
      const none = await stack.sluice.run(() =>
        Promise.allSettled(
          range(1, 4).map((id) => stack.prisma.author.findMany({ where: { id }, select: { name: false } })),
        ),
      )
      expect(none.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
    })

    it('finds the key in AND', async () => {
      const forms: readonly ((authorId: number) => object)[] = [
        (authorId) => ({ AND: [{ authorId }, { editorId: null }] }),
        (authorId) => ({ AND: { authorId, views: { gt: 1 } } }),
        (authorId) => ({
          views: 7,
          AND: [{ authorId: { equals: authorId } }, { OR: [{ views: 7 }, { id: 1 }] }],
        }),
        (authorId) => ({ AND: [{ authorId }, { authorId: { lt: 8 } }] }),
      ]
      for (const form of forms) {
        const all: { orderBy: typeof byId; take?: number } = { orderBy: byId }
        for (const ends of [all, { ...all, take: 2 }]) {
          const sent = await same((prisma) =>
            Promise.all(range(1, 9).map((id) => prisma.post.findMany({ where: form(id), ...ends }))),
          )
          expect(sent).toHaveLength(1)
        }
        const counted = await same((prisma) =>
          Promise.all(range(1, 9).map((id) => prisma.post.count({ where: form(id) }))),
        )
        expect(counted).toHaveLength(1)
      }
    })

    it('keeps conditions of any form', async () => {
      const filters = [
        { views: { gt: 3 } },
        { views: { gt: 3 }, title: { contains: '1' } },
        { OR: [{ views: 1 }, { editorId: { in: [1, 2] } }] },
        { AND: [{ views: { lt: 9 } }], NOT: { editorId: 3 } },
        { comments: { some: { score: { gt: 1 } } } },
        { author: { active: true } },
        { createdAt: { lte: new Date('2026-01-01T00:00:00.000Z') } },
      ]
      for (const filter of filters) {
        const sent = await same((prisma) =>
          Promise.all(
            range(1, 9).map((authorId) =>
              prisma.post.findMany({ where: { ...filter, authorId }, orderBy: byId }),
            ),
          ),
        )
        expect(sent, JSON.stringify(filter)).toHaveLength(1)
        expect(
          await same((prisma) =>
            Promise.all(range(1, 9).map((authorId) => prisma.post.count({ where: { authorId, ...filter } }))),
          ),
        ).toHaveLength(1)
      }
    })

    it('keeps calls with different constants separate', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 4).flatMap((authorId) =>
            [1, 7].map((views) =>
              prisma.post.findMany({ where: { authorId, views: { lt: views } }, orderBy: byId }),
            ),
          ),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it('runs queries individually if a filter is not a plain value', async () => {
      const fields = (prisma: TestPrismaClient) => prisma.post.fields
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 3).map((authorId) =>
            prisma.post.findMany({
              where: { authorId, views: { equals: fields(prisma).id } },
              orderBy: byId,
            }),
          ),
        ),
      )
      expect(sent).toHaveLength(3)
      expect(stack.sluice.queries.getStats().passedThrough['batch:UNSUPPORTED_ARGUMENTS']).toBeGreaterThan(0)
    })

    it('batches by the unique key if there is also a foreign key', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 9).map((id) => prisma.post.findFirst({ where: { authorId: { equals: 3 }, id } })),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('batches by the foreign key that varies', async () => {
      const byAuthor = (prisma: TestPrismaClient) =>
        Promise.all(
          range(1, 5).map((authorId) =>
            prisma.post.findMany({ where: { authorId, editorId: 2 }, orderBy: byId }),
          ),
        )
      const byEditor = (prisma: TestPrismaClient) =>
        Promise.all(
          range(1, 5).map((editorId) =>
            prisma.post.findMany({ where: { authorId: 2, editorId }, orderBy: byId }),
          ),
        )
      for (const program of [byAuthor, byEditor]) {
        expect((await same(program)).length).toBeLessThanOrEqual(2)
        expect(await same(program)).toHaveLength(1)
      }
    })

    it('batches by a compound unique key in separate fields', async () => {
      const keys: [string, number][] = [
        ['o1', 1],
        ['o2', 1],
        ['o2', 3],
        ['o1', 3],
        ['o9', 1],
      ]
      const sent = await same((prisma) =>
        Promise.all(
          keys.map(([orgId, userId]) =>
            prisma.membership.findMany({ where: { orgId, userId }, include: { user: true } }),
          ),
        ),
      )
      expect(sent).toHaveLength(2)
      const first = await same((prisma) =>
        Promise.all(
          keys.map(([orgId, userId]) =>
            prisma.membership.findFirst({ where: { userId, orgId }, select: { role: true } }),
          ),
        ),
      )
      expect(first).toHaveLength(1)
      expect(
        await same((prisma) =>
          Promise.all(keys.map(([orgId, userId]) => prisma.membership.count({ where: { orgId, userId } }))),
        ),
      ).toHaveLength(1)
    })

    it('batches by a compound foreign key', async () => {
      const keys: [string, number][] = [
        ['o1', 1],
        ['o1', 2],
        ['o2', 3],
        ['o2', 1],
      ]
      const sent = await same((prisma) =>
        Promise.all(
          keys.map(([orgId, ownerId]) =>
            prisma.task.findMany({ where: { orgId, ownerId, done: false }, orderBy: byId }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('never batches a compound key that contains a null', async () => {
      const keys: [string | null, number | null][] = [
        ['o1', 1],
        ['o1', null],
        [null, null],
        ['o2', 3],
      ]
      const sent = await same((prisma) =>
        Promise.all(
          keys.map(([orgId, ownerId]) => prisma.task.findMany({ where: { orgId, ownerId }, orderBy: byId })),
        ),
      )
      expect(sent).toHaveLength(3)
    })

    it('batches findFirst by part of a compound key if the order determines the rest', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 4).map((userId) =>
            prisma.membership.findFirst({ where: { userId }, orderBy: { orgId: 'desc' } }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it.each([
      ['views', 'without ties', 1],
      ['authorId', 'in which all rows are tied', 3],
    ] as const)(
      'does not rely on an order by an undefined field, then by %s, %s',
      async (field, _, least) => {
        const sent = await same((prisma) =>
          Promise.all(
            range(1, 3).map((authorId) =>
              prisma.post.findFirst({
                where: { authorId },
                orderBy: { id: undefined, [field]: 'desc' } as object,
                select: { views: true },
              }),
            ),
          ),
        )
        expect(sent.length).toBeGreaterThanOrEqual(least)
        expect(sent.length).toBeLessThanOrEqual(least + 1)
      },
    )

    it('counts no internal errors', () => {
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0 })
    })
  })
})
