import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sameAsBare } from '../support/compare-merged.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe.each(databases())('batching numbers on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      for (const id of range(1, 20))
        await stack.bare.post.update({ where: { id }, data: { price: `${id}.${id % 7}5` } })
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())
    const same = (program: (prisma: TestPrismaClient) => Promise<unknown>) => sameAsBare(stack, program)

    it('batches count of fields by key, including zeros', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.count({ where: { authorId }, select: { _all: true, editorId: true } }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
      const one = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.count({ where: { authorId, views: { gt: 2 } }, select: { price: true } }),
          ),
        ),
      )
      expect(one).toHaveLength(1)
    })

    it('batches aggregates by key, including those of no rows', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.aggregate({
              where: { authorId },
              _count: true,
              _sum: { views: true },
              _avg: { views: true },
              _min: { createdAt: true, price: true },
              _max: { id: true, editorId: true },
            }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
      const counted = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.aggregate({
              _max: { views: true },
              where: { authorId, views: { gt: 4 } },
              _count: { editorId: true, _all: true },
            }),
          ),
        ),
      )
      expect(counted).toHaveLength(1)
    })

    it('batches aggregates of large integers', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          ['FR', 'DE', 'JP', 'XX'].map((countryCode) =>
            prisma.author.aggregate({
              where: { countryCode },
              _sum: { followers: true },
              _max: { followers: true, born: true },
            }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('runs sums individually if they depend on the order of rows', async () => {
      const ids = [1n, 2n, 9007199254740995n]
      const floats = await same((prisma) =>
        Promise.all(
          ids.map((deviceId) => prisma.reading.aggregate({ where: { deviceId }, _sum: { value: true } })),
        ),
      )
      expect(floats).toHaveLength(3)
      const decimals = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.aggregate({ where: { authorId }, _sum: { price: true }, _avg: { price: true } }),
          ),
        ),
      )
      expect(decimals).toHaveLength(dialect === 'sqlite' ? 12 : 1)
      const texts = await same((prisma) =>
        Promise.all(
          range(1, 3).map((authorId) =>
            prisma.post.aggregate({ where: { authorId }, _max: { title: true } }),
          ),
        ),
      )
      expect(texts).toHaveLength(3)
    })

    it('batches groups by key in the requested order', async () => {
      const plain = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.groupBy({
              by: ['views'],
              where: { authorId },
              _count: true,
              orderBy: { views: 'desc' },
            }),
          ),
        ),
      )
      expect(plain).toHaveLength(1)
      const rich = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.groupBy({
              by: ['editorId', 'createdAt'],
              where: { authorId, views: { lt: 9 } },
              _sum: { views: true },
              _count: { _all: true, price: true },
              orderBy: [{ _sum: { views: 'desc' } }, { editorId: 'asc' }],
              having: { views: { _sum: { gt: 2 } } },
            }),
          ),
        ),
      )
      expect(rich).toHaveLength(1)
    })

    it('keeps a key that was requested among the groups', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 12).map((authorId) =>
            prisma.post.groupBy({
              by: ['authorId', 'editorId'],
              where: { authorId },
              orderBy: [{ authorId: 'asc' }, { editorId: 'asc' }],
            }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('keeps calls with different group fields separate', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 3).flatMap((authorId) => [
            prisma.post.groupBy({
              by: ['views'],
              where: { authorId },
              _count: true,
              orderBy: { views: 'asc' },
            }),
            prisma.post.groupBy({
              by: ['editorId'],
              where: { authorId },
              _count: true,
              orderBy: { editorId: 'asc' },
            }),
          ]),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it('rejects a condition on a key that is not grouped by, like Prisma', async () => {
      const codes = (prisma: TestPrismaClient) =>
        Promise.allSettled(
          range(1, 3).map((authorId) =>
            prisma.post.groupBy({
              by: ['views'],
              where: { authorId },
              having: { authorId: { gt: 0 } },
            } as never),
          ),
        ).then((results) =>
          results.map((result) =>
            result.status === 'rejected' ? (result.reason as Error).name : result.value,
          ),
        )
      await same(codes)
    })

    it('runs pages of groups individually', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          range(1, 3).map((authorId) =>
            prisma.post.groupBy({ by: ['views'], where: { authorId }, orderBy: { views: 'asc' }, take: 2 }),
          ),
        ),
      )
      expect(sent).toHaveLength(3)
    })

    it('batches numbers by a compound key', async () => {
      const keys: [string, number][] = [
        ['o1', 1],
        ['o2', 1],
        ['o2', 9],
      ]
      const sent = await same((prisma) =>
        Promise.all(
          keys.map(([orgId, userId]) =>
            prisma.membership.aggregate({ where: { orgId, userId }, _count: true, _max: { userId: true } }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('counts no internal errors', () => {
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0 })
    })
  })
})
