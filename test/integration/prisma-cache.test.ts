import { sluiceAdapter } from '@sluice/prisma'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

describe.each(databases())('the cache on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    let prisma: TestPrismaClient
    beforeAll(async () => {
      stack = await openStack(dialect, { batch: false })
      prisma = stack.prisma
      await seed(stack.bare)
      await prisma.tag.count()
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      stack.sluice.cache?.clear()
      stack.taken()
    })

    /**
     * Reads until the result is cached, writes, and reads again: the result must equal that of the client
     * without Sluice.
     */
    async function staysRight(
      read: (prisma: TestPrismaClient) => Promise<unknown>,
      write: (prisma: TestPrismaClient) => Promise<unknown>,
    ) {
      await read(prisma)
      stack.taken()
      await read(prisma)
      expect(stack.taken(), 'the read was not cached').toEqual([])
      await write(prisma)
      expect(await read(prisma)).toEqual(await read(stack.bare))
    }

    it('serves an equal read from memory with equal values', async () => {
      const read = (client: TestPrismaClient) =>
        client.author.findMany({
          orderBy: { id: 'asc' },
          include: { posts: { orderBy: { id: 'asc' } }, country: true },
        })
      const expected = await read(stack.bare)
      expect(await read(prisma)).toEqual(expected)
      stack.taken()
      expect(await read(prisma)).toEqual(expected)
      expect(stack.taken()).toEqual([])
    })

    it('keeps different arguments apart', async () => {
      for (const id of [1, 2]) expect((await prisma.author.findUnique({ where: { id } }))?.id).toBe(id)
      expect(await prisma.author.findUnique({ where: { id: 1 }, select: { name: true } })).toEqual({
        name: 'Author 1',
      })
      expect(
        await prisma.author
          .findUnique({ where: { id: 1 } })
          .posts({ select: { id: true }, orderBy: { id: 'asc' }, take: 1 }),
      ).toEqual([{ id: 1 }])
    })

    it('invalidates after updates, inserts and deletes', async () => {
      await staysRight(
        (client) => client.post.findMany({ where: { authorId: 1 }, orderBy: { id: 'asc' } }),
        (client) => client.post.update({ where: { id: 1 }, data: { title: 'changed' } }),
      )
      await staysRight(
        (client) => client.tag.count(),
        (client) => client.tag.create({ data: { id: 50, label: 'new' } }),
      )
      await staysRight(
        (client) => client.tag.findUnique({ where: { id: 51 } }),
        (client) => client.tag.create({ data: { id: 51, label: 'newer' } }),
      )
      await staysRight(
        (client) => client.tag.findMany({ orderBy: { id: 'asc' } }),
        (client) => client.tag.deleteMany({ where: { id: { in: [50, 51] } } }),
      )
    })

    it('invalidates after nested writes through a relation', async () => {
      await staysRight(
        (client) => client.profile.findMany({ orderBy: { id: 'asc' } }),
        (client) =>
          client.author.update({ where: { id: 1 }, data: { profile: { create: { id: 1, bio: 'b' } } } }),
      )
      await staysRight(
        (client) => client.profile.findUnique({ where: { id: 1 } }),
        (client) => client.author.update({ where: { id: 1 }, data: { profile: { update: { bio: 'c' } } } }),
      )
      await staysRight(
        (client) => client.tag.findMany({ where: { posts: { some: { id: 2 } } }, orderBy: { id: 'asc' } }),
        (client) => client.post.update({ where: { id: 2 }, data: { tags: { connect: { id: 3 } } } }),
      )
      await staysRight(
        (client) =>
          client.post.findUnique({ where: { id: 2 }, include: { tags: { orderBy: { id: 'asc' } } } }),
        (client) => client.tag.update({ where: { id: 3 }, data: { posts: { disconnect: { id: 2 } } } }),
      )
    })

    it('invalidates rows that foreign key actions change', async () => {
      await prisma.author.create({
        data: {
          id: 90,
          email: 'x@example.org',
          name: 'X',
          posts: { create: { id: 90, slug: 'x', title: 'x' } },
        },
      })
      await prisma.comment.create({ data: { id: 'c-x', body: 'x', postId: 90 } })
      await staysRight(
        (client) => client.comment.findMany({ where: { postId: 90 } }),
        (client) => client.author.delete({ where: { id: 90 } }),
      )
      await prisma.author.create({ data: { id: 91, email: 'y@example.org', name: 'Y' } })
      await prisma.comment.create({ data: { id: 'c-y', body: 'y', postId: 1, authorId: 91 } })
      await staysRight(
        (client) => client.comment.findUnique({ where: { id: 'c-y' } }),
        (client) => client.author.delete({ where: { id: 91 } }),
      )
      await prisma.profile.create({ data: { id: 92, handle: 'h', badge: { create: { id: 92, text: 't' } } } })
      await staysRight(
        (client) => client.badge.findUnique({ where: { id: 92 } }),
        (client) => client.profile.update({ where: { id: 92 }, data: { handle: 'h2' } }),
      )
    })

    it('invalidates after raw writes', async () => {
      await staysRight(
        (client) => client.post.findUnique({ where: { id: 3 } }),
        (client) => client.$executeRawUnsafe(`UPDATE posts SET title = 'raw' WHERE id = 3`),
      )
      await staysRight(
        (client) => client.post.findUnique({ where: { id: 4 } }),
        (client) => client.$executeRaw`UPDATE posts SET title = ${'tagged'} WHERE id = ${4}`,
      )
    })

    it('keeps a result cached through writes to other tables', async () => {
      const read = () => prisma.country.findMany({ orderBy: { code: 'asc' } })
      await read()
      await prisma.tag.update({ where: { id: 1 }, data: { label: 'elsewhere' } })
      stack.taken()
      await read()
      expect(stack.taken()).toEqual([])
    })

    it('returns separate rows to each caller', async () => {
      const read = () => prisma.author.findMany({ where: { id: 1 } })
      const [first] = await read()
      if (first !== undefined) first.name = 'spoilt'
      expect((await read())[0]?.name).toBe('Author 1')
    })

    it('preserves types: dates, decimals, big integers, bytes', async () => {
      await prisma.author.update({
        where: { id: 2 },
        data: { photo: new Uint8Array([1, 2, 3]), rating: '2.50' },
      })
      await prisma.author.findUnique({ where: { id: 2 } })
      stack.taken()
      const kept = await prisma.author.findUnique({ where: { id: 2 } })
      expect(stack.taken()).toEqual([])
      const bare = await stack.bare.author.findUnique({ where: { id: 2 } })
      expect(kept).toEqual(bare)
      expect(kept?.photo).toBeInstanceOf(Uint8Array)
      expect(kept?.rating?.constructor).toBe(bare?.rating?.constructor)
      expect(typeof kept?.followers).toBe('bigint')
    })

    describe('in transactions', () => {
      const read = (client: Pick<TestPrismaClient, 'tag'>) => client.tag.findUnique({ where: { id: 5 } })
      const label = (text: string) => ({ where: { id: 5 }, data: { label: text } })
      let round = 0
      const fresh = () => {
        round += 1
        return `round ${round}`
      }

      it('invalidates results on commit', async () => {
        const text = fresh()
        await read(prisma)
        await prisma.$transaction(async (tx) => {
          await tx.tag.update(label(text))
        })
        expect((await read(prisma))?.label).toBe(text)
      })

      it('leaves results cached on rollback', async () => {
        await read(prisma)
        const undone = prisma.$transaction(async (tx) => {
          await tx.tag.update(label(fresh()))
          throw new Error('undo')
        })
        await expect(undone).rejects.toThrow('undo')
        stack.taken()
        expect(await read(prisma)).toEqual(await read(stack.bare))
        expect(stack.taken()).toEqual([])
      })

      it('reads its own writes', async () => {
        const text = fresh()
        await read(prisma)
        await prisma.$transaction(async (tx) => {
          await tx.tag.update(label(text))
          expect((await read(tx as TestPrismaClient))?.label).toBe(text)
        })
      })

      it('invalidates results after a batch transaction', async () => {
        const text = fresh()
        await read(prisma)
        await prisma.$transaction([prisma.tag.update(label(text)), prisma.tag.count()])
        expect((await read(prisma))?.label).toBe(text)
      })

      it('invalidates results of a nested transaction on the outer commit', async () => {
        const text = fresh()
        await read(prisma)
        await prisma.$transaction(async (tx) => {
          await (tx as unknown as TestPrismaClient).$transaction(async (inner) => {
            await inner.tag.update(label(text))
          })
        })
        expect((await read(prisma))?.label).toBe(text)
      })

      it.skipIf(dialect === 'sqlite')(
        'does not cache what another client read before the commit',
        async () => {
          const text = fresh()
          await prisma.$transaction(async (tx) => {
            await tx.tag.update(label(text))
            // The old value is correct here: it is cached until the commit, and no longer.
            expect((await read(prisma))?.label).not.toBe(text)
          })
          expect((await read(prisma))?.label).toBe(text)
        },
      )

      it.skipIf(dialect === 'sqlite')(
        'distinguishes the outer transaction’s writes from those of another transaction begun inside it',
        async () => {
          const text = fresh()
          await read(prisma)
          await prisma.$transaction(async (tx) => {
            await tx.tag.update(label(text))
            await prisma.country.update({ where: { code: 'FR' }, data: { authors: { connect: { id: 1 } } } })
            await read(prisma)
          })
          expect((await read(prisma))?.label).toBe(text)
        },
      )
    })

    afterEach(() => {
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0, unpredictedWrites: 0 })
    })
  })
})

describe('metadata of the models', () => {
  let stack: Stack | undefined
  afterEach(() => stack?.close())

  it('comes from the database if the generator was not used', async () => {
    stack = await openStack('sqlite', { schema: false })
    const { prisma, bare } = stack
    await seed(bare)
    // The first query connects, which also reads the catalog.
    await prisma.tag.count()
    const read = (client: TestPrismaClient) =>
      client.comment.findMany({ where: { post: { author: { id: 2 } } }, orderBy: { id: 'asc' } })
    await read(prisma)
    stack.taken()
    await read(prisma)
    expect(stack.taken()).toEqual([])
    await prisma.author.delete({ where: { id: 4 } }).catch(() => undefined)
    expect(await read(prisma)).toEqual(await read(bare))
    await prisma.author.update({
      where: { id: 2 },
      data: { posts: { create: { slug: 'z', title: 'z', comments: { create: { body: 'z' } } } } },
    })
    expect(await read(prisma)).toEqual(await read(bare))
  })

  it('is sufficient without the adapter when it comes from the generator', async () => {
    stack = await openStack('sqlite', { adapter: false })
    const { prisma, bare } = stack
    await seed(bare)
    const read = (client: TestPrismaClient) =>
      client.post.findMany({ where: { authorId: 1 }, orderBy: { id: 'asc' } })
    await read(prisma)
    stack.taken()
    await read(prisma)
    expect(stack.taken()).toEqual([])
    await prisma.post.update({ where: { id: 1 }, data: { title: 'changed' } })
    expect(await read(prisma)).toEqual(await read(bare))
    await prisma.$transaction(async (tx) => {
      await tx.post.update({ where: { id: 1 }, data: { title: 'again' } })
    })
    expect(await read(prisma)).toEqual(await read(bare))
    await expect(
      prisma.$transaction(async (tx) => {
        await tx.post.update({ where: { id: 1 }, data: { title: 'undone' } })
        throw new Error('undo')
      }),
    ).rejects.toThrow('undo')
    stack.taken()
    expect(await read(prisma)).toEqual(await read(bare))
    expect(stack.taken()).toEqual([])
  })

  it('is not required to invalidate: writes of a client with only instrumented statements invalidate other results', async () => {
    stack = await openStack('sqlite')
    const { prisma, bare, clients, sluice } = stack
    await seed(bare)
    const own = new clients.PrismaClient({ adapter: sluiceAdapter(clients.createAdapter(), sluice) })
    const read = (client: TestPrismaClient) => client.post.findUnique({ where: { id: 1 } })
    await read(prisma)
    await read(prisma)
    await own.post.update({ where: { id: 1 }, data: { title: 'by the other' } })
    expect(await read(prisma)).toEqual(await read(bare))
    await own.$transaction(async (tx) => {
      await tx.post.update({ where: { id: 1 }, data: { title: 'in its transaction' } })
    })
    expect(await read(prisma)).toEqual(await read(bare))
    await own.$disconnect()
  })

  const postgres = databases().find(({ dialect }) => dialect === 'postgresql')
  it.skipIf(postgres?.skipped !== undefined)(
    'caches nothing between a nested transaction and its outer commit, without the adapter',
    async () => {
      stack = await openStack('postgresql', { adapter: false })
      const { prisma, bare } = stack
      await seed(bare)
      const read = (client: TestPrismaClient) => client.post.findUnique({ where: { id: 1 } })
      await prisma.$transaction(async (tx) => {
        await (tx as unknown as TestPrismaClient).$transaction(async (inner) => {
          await inner.post.update({ where: { id: 1 }, data: { title: 'nested' } })
        })
        // The old value is correct here, and must be invalidated on commit.
        expect((await read(prisma))?.title).toBe('Post 1')
      })
      expect(await read(prisma)).toEqual(await read(bare))
    },
  )

  it('consists only of names without both: unique lookups are batched, nothing is cached', async () => {
    stack = await openStack('sqlite', { schema: false, adapter: false })
    const { prisma, bare, sluice } = stack
    await seed(bare)
    const ids = [1, 2, 3]
    const found = await sluice.run(() =>
      Promise.all(ids.map((id) => prisma.author.findUnique({ where: { id } }))),
    )
    expect(found).toEqual(await Promise.all(ids.map((id) => bare.author.findUnique({ where: { id } }))))
    expect(stack.taken()).toHaveLength(1)
    await prisma.tag.findMany()
    await prisma.tag.findMany()
    expect(stack.taken()).toHaveLength(2)
    expect(sluice.queries.getStats().passedThrough).toMatchObject({ 'cache:NO_SCHEMA': 5 })
  })
})
