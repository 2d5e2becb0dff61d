import type { Dialect } from '@sluice/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sameAsBare } from '../support/compare-merged.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { Random } from '../support/random.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const orderBy = { id: 'asc' } as const
const IDS = [1, 2, 3, 4, 999]

type Where = Record<string, unknown>

/** Each way to write a filter on the key of a related row. */
const FORMS: readonly (readonly [string, (id: number) => Where])[] = [
  ['its key', (id) => ({ post: { id } })],
  ['`equals`', (id) => ({ post: { id: { equals: id } } })],
  ['`is`', (id) => ({ post: { is: { id } } })],
  ['`is` and `equals`', (id) => ({ post: { is: { id: { equals: id } } } })],
  ['a list of one', (id) => ({ post: { id: { in: [id] } } })],
  ['`AND`', (id) => ({ AND: [{ AND: [] }, { post: { id } }] })],
  ['a nested `AND`', (id) => ({ AND: [{ AND: [{ AND: { post: { id } } }] }, { score: { gte: 0 } }] })],
  ['another condition', (id) => ({ score: { gte: 0 }, post: { id } })],
]

/** A comment of a post that does not exist: nothing guarantees that the database enforces foreign keys. */
async function addOrphan({ bare }: Stack, dialect: Dialect): Promise<void> {
  const insert = `INSERT INTO comments (id, body, post_id) VALUES ('orphan', 'orphan', 999)`
  if (dialect === 'sqlite') {
    await bare.$executeRawUnsafe('PRAGMA foreign_keys = OFF')
    await bare.$executeRawUnsafe(insert)
  } else if (dialect === 'postgresql') {
    await bare.$executeRawUnsafe('ALTER TABLE comments DROP CONSTRAINT comments_post_id_fkey')
    await bare.$executeRawUnsafe(insert)
  } else
    await bare.$transaction(async (transaction) => {
      await transaction.$executeRawUnsafe('SET foreign_key_checks = 0')
      await transaction.$executeRawUnsafe(insert)
      await transaction.$executeRawUnsafe('SET foreign_key_checks = 1')
    })
}

describe.each(databases())('batching by relations on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      for (const [id, tags] of [
        [2, [1, 3]],
        [3, [4]],
        [4, [1, 2, 3, 4]],
      ] as const)
        await stack.bare.post.update({
          where: { id },
          data: { tags: { connect: tags.map((tag) => ({ id: tag })) } },
        })
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())
    const same = (program: (prisma: TestPrismaClient) => Promise<unknown>) => sameAsBare(stack, program)
    const each = (
      run: (prisma: TestPrismaClient, id: number) => Promise<unknown>,
      ids: readonly number[] = IDS,
    ) => same((prisma) => Promise.all(ids.map((id) => run(prisma, id))))

    it.each(FORMS)('batches a filter on a to-one relation by %s', async (_, where) => {
      expect(
        await each((prisma, id) => prisma.comment.findMany({ where: where(id), orderBy, skip: 0 })),
      ).toHaveLength(1)
      expect(await each((prisma, id) => prisma.comment.count({ where: where(id) }))).toHaveLength(1)
    })

    it('batches aggregates and first rows by a relation', async () => {
      expect(
        await each((prisma, id) =>
          prisma.comment.aggregate({ where: { post: { id } }, _count: true, _max: { score: true } }),
        ),
      ).toHaveLength(1)
      expect(
        await each((prisma, id) => prisma.comment.findFirst({ where: { post: { id } }, orderBy })),
      ).toHaveLength(1)
    })

    it('prefetches a loop over a relation', async () => {
      const sent = await same(async (prisma) => {
        const posts = await prisma.post.findMany({ orderBy, take: 20 })
        const found: unknown[] = []
        for (const { id } of posts)
          found.push(await prisma.comment.findMany({ where: { post: { id } }, orderBy }))
        return found
      })
      expect(sent.length).toBeLessThan(10)
    })

    it('batches a filter on a list of a relation with two statements', async () => {
      for (const where of [
        (id: number) => ({ posts: { some: { id } } }),
        (id: number) => ({ AND: [{ AND: [] }, { posts: { some: { id: { equals: id } } } }] }),
      ]) {
        const rows = await each((prisma, id) => prisma.tag.findMany({ where: where(id), orderBy, skip: 0 }))
        expect(rows).toHaveLength(2)
        const counts = await each((prisma, id) => prisma.tag.count({ where: where(id) }))
        expect(counts).toHaveLength(2)
        const chosen = await each((prisma, id) =>
          prisma.tag.findMany({
            where: { ...where(id), label: { not: 'tag 1' } },
            orderBy,
            select: { label: true },
          }),
        )
        expect(chosen).toHaveLength(2)
      }
    })

    it('gives each caller separate rows', async () => {
      const [first, second] = await stack.sluice.run(() =>
        Promise.all(
          [1, 2].map((id) => stack.prisma.tag.findMany({ where: { posts: { some: { id } } }, orderBy })),
        ),
      )
      expect(first?.[0]).toEqual(second?.[0])
      expect(first?.[0]).not.toBe(second?.[0])
    })

    it('batches a filter on a one-to-many list', async () => {
      const ids = (await stack.bare.comment.findMany({ orderBy, take: 5 })).map(({ id }) => id)
      const sent = await same((prisma) =>
        Promise.all(
          ids.map((id) => prisma.post.findMany({ where: { comments: { some: { id } } }, orderBy })),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it('batches lists of one value, and runs longer lists individually', async () => {
      expect(
        await each((prisma, id) => prisma.post.findMany({ where: { id: { in: [id] } }, orderBy })),
      ).toHaveLength(1)
      const sent = await same((prisma) =>
        Promise.all(
          [[1], [2, 3], [4], []].map((ids) => prisma.post.findMany({ where: { id: { in: ids } }, orderBy })),
        ),
      )
      expect(sent.length).toBeGreaterThanOrEqual(3)
    })

    it.each<readonly [string, (id: number) => Where]>([
      ['two fields of the related row', (id) => ({ post: { id, views: { gte: 0 } } })],
      ['two conditions on the key', (id) => ({ post: { is: { id: { equals: id, not: 2 } } } })],
      ['`isNot`', (id) => ({ post: { isNot: { id } } })],
      ['a field that is not the key', (id) => ({ post: { views: id } })],
      ['an alternative', (id) => ({ OR: [{ post: { id } }] })],
      ['a negation', (id) => ({ NOT: { post: { id } } })],
    ])('runs filters individually by %s', async (_, where) => {
      expect(await each((prisma, id) => prisma.comment.findMany({ where: where(id), orderBy }))).toHaveLength(
        IDS.length,
      )
    })

    it.each<readonly [string, (id: number) => Where]>([
      ['`every`', (id) => ({ posts: { every: { id } } })],
      ['`none`', (id) => ({ posts: { none: { id } } })],
      ['two fields of the related rows', (id) => ({ posts: { some: { id, views: { gte: 0 } } } })],
    ])('runs filters on a list individually by %s', async (_, where) => {
      expect(await each((prisma, id) => prisma.tag.findMany({ where: where(id), orderBy }))).toHaveLength(
        IDS.length,
      )
    })

    it('sees a second condition on the key at every depth', async () => {
      const nested = (where: Where) => ({ AND: [{ AND: [{ AND: [where] }] }] })
      const deep = (condition: Where) => nested({ post: { is: { id: condition } } })
      const conditions = [{ equals: 1 }, { equals: 2 }, { equals: 3, lt: 3 }, { equals: 4, not: 4 }]
      await same((prisma) =>
        Promise.all(conditions.map((id) => prisma.comment.findMany({ where: deep(id), orderBy }))),
      )
      await same((prisma) =>
        Promise.all(conditions.map((postId) => prisma.comment.count({ where: nested({ postId }) }))),
      )
      const lists = [{ in: [1] }, { in: [2] }, { in: [3, 4] }, { in: [] }]
      await same((prisma) =>
        Promise.all(lists.map((id) => prisma.comment.findMany({ where: deep(id), orderBy }))),
      )
    })

    it('returns the rows of the plain client for random filters', async () => {
      await addOrphan(stack, dialect)
      const random = new Random(7)
      for (let round = 0; round < 60; round += 1) {
        const calls = Array.from({ length: 6 }, () => {
          const id = random.pick(IDS)
          const where = random.pick<Where>([
            ...FORMS.map(([, form]) => form(id)),
            { AND: [{ AND: [{ AND: [{ post: { is: { id: { equals: id, lt: 3 } } } }] }] }] },
            { AND: [{ AND: [{ AND: [{ post: { is: { id: { equals: id } } } }] }] }] },
            { post: { is: { id: { equals: id } } }, author: { id: random.pick(IDS) } },
            { author: { is: { id } } },
            { author: { is: null } },
          ])
          return random.pick<(prisma: TestPrismaClient) => Promise<unknown>>([
            (prisma) => prisma.comment.findMany({ where, orderBy }),
            (prisma) => prisma.comment.count({ where }),
            (prisma) => prisma.comment.findFirst({ where, orderBy: { id: 'desc' } }),
            (prisma) => prisma.comment.findMany({ where, orderBy, include: { author: true }, take: 2 }),
          ])
        })
        await same((prisma) => Promise.all(calls.map((call) => call(prisma))))
      }
    })
  })
})
