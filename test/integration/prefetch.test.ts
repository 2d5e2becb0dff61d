import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { knexDatabases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const AUTHORS = 60

describe.each(knexDatabases())('prefetching on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { client, cache: false })
      await seed(stack.bare)
      await seedMore(stack.bare)
      await stack.db('countries').select('code').limit(2)
      await catalogsRead(stack.sluice)
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      stack.taken()
    })
    afterEach(() => {
      expect(stack.sluice.queries.getStats().errors).toBe(0)
    })

    /**
     * Runs a program without Sluice, and with Sluice until the loop is known. The results must be equal.
     * Returns the number of statements that the last run sent.
     */
    async function learned(
      program: (clients: { prisma: TestPrismaClient; db: Knex }) => Promise<unknown>,
    ): Promise<number> {
      const expected = await program({ prisma: stack.bare, db: stack.bareDb })
      let sent = 0
      for (let time = 0; time < 3; time += 1) {
        stack.taken()
        expect(await stack.sluice.run(() => program(stack))).toEqual(expected)
        sent = stack
          .taken()
          .filter((sql) => !/^(begin|commit|rollback|start transaction|set )/i.test(sql)).length
      }
      return sent
    }

    it('prefetches all rows of a Prisma loop by their keys in one query', async () => {
      const sent = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const post of await prisma.post.findMany({ orderBy: { id: 'asc' } })) {
          found.push(await prisma.author.findUnique({ where: { id: post.authorId } }))
        }
        return found
      })
      expect(sent).toBe(2)
    })

    it('prefetches the related rows of a Prisma loop in one query', async () => {
      const sent = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const author of await prisma.author.findMany({ orderBy: { id: 'asc' } })) {
          found.push(await prisma.post.findMany({ where: { authorId: author.id }, orderBy: { id: 'asc' } }))
        }
        return found
      })
      expect(sent).toBe(2)
    })

    it('prefetches a Prisma loop over three levels', async () => {
      const sent = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const comment of await prisma.comment.findMany({ orderBy: { id: 'asc' } })) {
          const post = await prisma.post.findUniqueOrThrow({
            where: { id: comment.postId },
            select: { title: true, authorId: true },
          })
          const author = await prisma.author.findUnique({ where: { id: post.authorId } })
          const country =
            author?.countryCode == null
              ? null
              : await prisma.country.findUnique({ where: { code: author.countryCode } })
          found.push([post, author, country])
        }
        return found
      })
      expect(sent).toBe(4)
    })

    it('prefetches for eager-loaded rows', async () => {
      const sent = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const post of await prisma.post.findMany({
          orderBy: { id: 'asc' },
          select: { comments: { orderBy: { id: 'asc' } } },
        })) {
          for (const { authorId } of post.comments) {
            found.push(authorId === null ? null : await prisma.author.findUnique({ where: { id: authorId } }))
          }
        }
        return found
      })
      expect(sent).toBe(3)
    })

    it('prefetches by composite keys and with includes', async () => {
      const sent = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const { orgId, userId } of await prisma.membership.findMany({
          orderBy: [{ orgId: 'asc' }, { userId: 'asc' }],
          select: { orgId: true, userId: true },
        })) {
          found.push(
            await prisma.membership.findUnique({
              where: { orgId_userId: { orgId, userId } },
              include: { user: true },
            }),
          )
        }
        return found
      })
      // The included rows are a separate statement.
      expect(sent).toBe(3)
    })

    it('prefetches a Prisma loop by unique and composite keys that no foreign key contains', async () => {
      const unique = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const { email } of await prisma.author.findMany({
          orderBy: { id: 'asc' },
          select: { email: true },
        })) {
          found.push(await prisma.author.findUnique({ where: { email } }))
        }
        return found
      })
      expect(unique).toBe(2)
      const composite = await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const { orgId, title } of await prisma.task.findMany({
          where: { orgId: { not: null } },
          orderBy: { id: 'asc' },
          select: { orgId: true, title: true },
        })) {
          found.push(await prisma.task.findUnique({ where: { titleInOrg: { orgId: orgId ?? '', title } } }))
        }
        return found
      })
      expect(composite).toBe(2)
    })

    it('finds no row if there is none, and throws if the app requests it', async () => {
      await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const author of await prisma.author.findMany({ orderBy: { id: 'asc' } })) {
          found.push(await prisma.profile.findUnique({ where: { authorId: author.id } }))
          found.push(
            await prisma.profile
              .findUniqueOrThrow({ where: { authorId: author.id } })
              .catch((error: { code: string }) => error.code),
          )
        }
        return found
      })
    })

    it('prefetches a Knex loop over to-one and to-many relations', async () => {
      const sent = await learned(async ({ db }) => {
        const found: unknown[] = []
        for (const post of await db('posts').orderBy('id').limit(30)) {
          found.push(await db('authors').where({ id: post.author_id }).first())
          found.push(await db('comments').where('post_id', post.id).orderBy('id'))
        }
        return found
      })
      expect(sent).toBe(3)
    })

    it('sees the writes of the loop itself', async () => {
      const rename = async ({ prisma }: { prisma: TestPrismaClient }) => {
        const found: unknown[] = []
        for (const post of await prisma.post.findMany({
          where: { id: { lte: 20 } },
          orderBy: { id: 'asc' },
        })) {
          const author = await prisma.author.findUnique({ where: { id: post.authorId } })
          found.push(author?.followers)
          if (post.id % 5 === 0)
            await prisma.author.update({ where: { id: post.authorId }, data: { followers: BigInt(post.id) } })
        }
        return found
      }
      const restore = () =>
        stack.bare.author.updateMany({ where: { id: { lte: 12 } }, data: { followers: 7n } })
      await restore()
      const expected = await rename({ prisma: stack.bare })
      for (let time = 0; time < 3; time += 1) {
        await restore()
        expect(await stack.sluice.run(() => rename(stack))).toEqual(expected)
      }
    })

    it('sees the writes of the other ORM in a different scope', async () => {
      const loop = async (
        { prisma, db }: { prisma: TestPrismaClient; db: Knex },
        apart: (fn: () => Promise<unknown>) => Promise<unknown>,
      ) => {
        const found: unknown[] = []
        for (const post of await prisma.post.findMany({
          where: { id: { lte: 20 } },
          orderBy: { id: 'asc' },
        })) {
          found.push(
            (await prisma.author.findUnique({ where: { id: post.authorId }, select: { followers: true } }))
              ?.followers,
          )
          if (post.id % 7 === 0)
            await apart(async () => db('authors').where('id', '<=', 12).increment('followers', 1))
        }
        return found
      }
      const restore = () =>
        stack.bare.author.updateMany({ where: { id: { lte: 12 } }, data: { followers: 7n } })
      await restore()
      const expected = await loop({ prisma: stack.bare, db: stack.bareDb }, (fn) => fn())
      for (let time = 0; time < 3; time += 1) {
        await restore()
        const found = await stack.sluice.run(() => loop(stack, (fn) => stack.sluice.run(fn)))
        expect(found).toEqual(expected)
      }
    })

    it('returns the same row for each repeated key of a listing, as a separate object', async () => {
      await learned(async ({ prisma }) => {
        const found: unknown[] = []
        for (const post of await prisma.post.findMany({
          where: { authorId: { lte: 3 } },
          orderBy: { id: 'asc' },
        })) {
          const author = (await prisma.author.findUnique({ where: { id: post.authorId } })) as Record<
            string,
            unknown
          > | null
          found.push({ ...author })
          if (author !== null) Object.assign(author, { name: 'spoilt', spoilt: true })
        }
        return found
      })
    })
  })
})

async function seedMore(prisma: TestPrismaClient): Promise<void> {
  await prisma.author.createMany({
    data: Array.from({ length: AUTHORS }, (_, at) => ({
      id: 100 + at,
      email: `m${at}@example.org`,
      name: `More ${at}`,
      countryCode: 'FR',
    })),
  })
  await prisma.post.createMany({
    data: Array.from({ length: AUTHORS * 2 }, (_, at) => ({
      id: 100 + at,
      slug: `more-${at}`,
      title: `More ${at}`,
      authorId: 100 + (at % AUTHORS),
    })),
  })
  const [membership] = await prisma.membership.findMany({ orderBy: { userId: 'asc' }, take: 1 })
  await prisma.task.createMany({
    data: Array.from({ length: 20 }, (_, at) => ({
      title: `Task ${at}`,
      orgId: membership?.orgId ?? null,
      ownerId: membership?.userId ?? null,
    })),
  })
  await prisma.profile.createMany({
    data: [1, 2, 3, 5, 8].map((authorId) => ({ authorId, handle: `h${authorId}` })),
  })
}
