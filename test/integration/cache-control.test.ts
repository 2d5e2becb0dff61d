import { InvalidOptionError } from '@sluice/core'
import { cached } from '@sluice/knex'
import { withSluice } from '@sluice/prisma'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PrismaClient } from '../generated/sqlite/client/client.ts'
import { databases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const cache = { ttl: 60, tags: ['front page'] }

describe.each(databases())('cache control of one read on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect)
      await seed(stack.bare)
      await stack.ready()
      // The adapter reads its catalog with the first statement.
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      stack.sluice.cache?.clear()
      stack.taken()
    })

    /** A client with `cache` typed, over the connections of the unmodified one. */
    const clientOf = () =>
      (stack.bare as unknown as PrismaClient).$extends(
        withSluice(stack.sluice, { schema: stack.clients.schema }),
      )

    it('never passes the cache argument to Prisma, regardless of the read', async () => {
      const client = clientOf()
      const { bare } = stack
      expect(await client.author.findMany({ orderBy: { id: 'asc' }, cache })).toEqual(
        await bare.author.findMany({ orderBy: { id: 'asc' } }),
      )
      expect(await client.author.findUnique({ where: { id: 1 }, cache })).toMatchObject({ id: 1 })
      expect(await client.author.findUniqueOrThrow({ where: { id: 1 }, cache })).toMatchObject({ id: 1 })
      expect(await client.author.findFirst({ where: { id: 2 }, cache })).toMatchObject({ id: 2 })
      expect(await client.author.findFirstOrThrow({ where: { id: 2 }, cache })).toMatchObject({ id: 2 })
      expect(await client.author.count({ cache })).toBe(12)
      expect(await client.author.aggregate({ _max: { id: true }, cache })).toEqual({ _max: { id: 12 } })
      expect(
        await client.post.groupBy({
          by: 'authorId',
          _count: true,
          orderBy: { authorId: 'asc' },
          take: 1,
          cache,
        }),
      ).toEqual([{ authorId: 1, _count: 5 }])
      expect(
        await client.author.findUnique({ where: { id: 1 }, cache }).posts({ select: { id: true }, take: 1 }),
      ).toHaveLength(1)
    })

    it('never passes the cache argument to Prisma in transactions, bypassed reads and other modes', async () => {
      const client = clientOf()
      expect(
        await client.$transaction([
          client.author.count({ cache }),
          client.author.findMany({ where: { id: 1 }, cache }),
        ]),
      ).toMatchObject([12, [{ id: 1 }]])
      expect(await client.$transaction(async (tx) => tx.author.count({ cache }))).toBe(12)
      expect(await stack.sluice.bypass(() => client.author.count({ cache }))).toBe(12)
      for (const mode of ['observe', 'shadow'] as const)
        expect(await stack.sluice.run(() => client.author.count({ cache }), { mode })).toBe(12)
    })

    it('batches reads and shares cached results regardless of the cache argument', async () => {
      const { prisma } = stack
      const ids = [1, 2, 3, 4]
      const merged = await stack.sluice.run(() =>
        Promise.all(
          ids.map((authorId) =>
            prisma.post.findMany({ where: { authorId }, orderBy: { id: 'asc' }, cache } as object),
          ),
        ),
      )
      expect(merged.map((posts) => posts[0]?.authorId)).toEqual(ids)
      expect(stack.taken()).toHaveLength(1)
      await prisma.post.findMany({ where: { authorId: 1 }, orderBy: { id: 'asc' } })
      expect(stack.taken()).toEqual([])
    })

    it('rejects an invalid cache argument by name before anything is sent', async () => {
      const client = clientOf()
      const wrong = { cache: { tll: 60 } } as object
      await expect(client.author.findMany(wrong)).rejects.toThrow(InvalidOptionError)
      await expect(client.author.findMany(wrong)).rejects.toThrow('Unknown option "cache.tll"')
      expect(() => client.author.findMany(wrong)).not.toThrow()
      expect(stack.taken()).toEqual([])
    })

    it('ignores the cache argument on builders that write and on instances that are not instrumented', async () => {
      const { db, bareDb } = stack
      expect(await cached(bareDb('countries').where('code', 'FR'), cache)).toHaveLength(1)
      await cached(db('countries').insert({ code: 'XX', name: 'None' }), cache)
      expect(await cached(db('countries').where('code', 'XX').del(), cache)).toBe(1)
    })
  })
})

describe('a client that passes queries through', () => {
  it('never passes the cache argument on', async () => {
    const stack = await openStack('sqlite')
    try {
      // An unsupported version, as the extension sees it.
      const old = new Proxy(stack.bare, {
        get: (target, name) => (name === '_clientVersion' ? '5.22.0' : Reflect.get(target, name, target)),
      })
      const client = (stack.bare as unknown as PrismaClient).$extends(
        (_: unknown) => withSluice(stack.sluice)(old) as ReturnType<ReturnType<typeof withSluice>>,
      )
      expect(await client.author.count({ cache })).toBe(0)
      await expect(client.author.count({ cache: { tll: 1 } } as object)).rejects.toThrow(InvalidOptionError)
    } finally {
      await stack.close()
    }
  })
})
