import { cached } from '@sluice/knex'
import { type sluiceAdapter, withSluice } from '@sluice/prisma'
import type { Knex } from 'knex'
import { describe, expectTypeOf, it } from 'vitest'
import { type Author, type Post, PrismaClient } from '../generated/sqlite/client/client.ts'

declare const adapter: Parameters<typeof sluiceAdapter>[0]

const bare = new PrismaClient({ adapter })
const client = bare.$extends(withSluice())
const cache = {
  ttl: 60,
  swr: 5,
  tags: ['a'],
  strategy: 'refresh',
  consistency: 'strict',
  disabled: false,
} as const

describe('the cache argument', () => {
  it('leaves the result type of every read unchanged', () => {
    expectTypeOf(client.author.findMany({ cache })).resolves.toEqualTypeOf<Author[]>()
    expectTypeOf(client.post.findUnique({ where: { id: 1 }, cache })).resolves.toEqualTypeOf<Post | null>()
    expectTypeOf(client.post.findUniqueOrThrow({ where: { id: 1 }, cache })).resolves.toEqualTypeOf<Post>()
    expectTypeOf(client.post.findFirst({ cache })).resolves.toEqualTypeOf<Post | null>()
    expectTypeOf(client.post.findFirstOrThrow({ cache })).resolves.toEqualTypeOf<Post>()
    expectTypeOf(client.post.count({ cache })).resolves.toEqualTypeOf<number>()
    expectTypeOf(client.post.count({ select: { _all: true }, cache })).resolves.toEqualTypeOf<{
      _all: number
    }>()
    expectTypeOf(
      client.author.aggregate({ _max: { id: true }, _count: true, cache }),
    ).resolves.toEqualTypeOf<{
      _max: { id: number | null }
      _count: number
    }>()
    const groups = client.post.groupBy({ by: ['authorId'], _count: true, cache })
    expectTypeOf(groups).resolves.items.toHaveProperty('_count').toEqualTypeOf<number>()
    expectTypeOf(groups).resolves.items.toHaveProperty('authorId').toEqualTypeOf<number>()
  })

  it('leaves the types of select, include and omit unchanged', () => {
    expectTypeOf(
      client.author.findMany({ select: { name: true, posts: { select: { title: true } } }, cache }),
    ).resolves.toEqualTypeOf<{ name: string; posts: { title: string }[] }[]>()
    expectTypeOf(client.author.findFirst({ include: { posts: true }, cache })).resolves.toEqualTypeOf<
      (Author & { posts: Post[] }) | null
    >()
    expectTypeOf(client.author.findFirstOrThrow({ omit: { name: true }, cache })).resolves.toEqualTypeOf<
      Omit<Author, 'name'>
    >()
  })

  it('keeps the global omit option of the client', () => {
    const lean = new PrismaClient({ adapter, omit: { author: { name: true } } }).$extends(withSluice())
    expectTypeOf(lean.author.findFirstOrThrow({ cache })).resolves.toEqualTypeOf<Omit<Author, 'name'>>()
    expectTypeOf(lean.author.findFirstOrThrow()).resolves.toEqualTypeOf<Omit<Author, 'name'>>()
  })

  it('keeps the types of fluent calls', () => {
    expectTypeOf(client.author.findUnique({ where: { id: 1 }, cache }).posts()).resolves.toEqualTypeOf<
      Post[] | null
    >()
    expectTypeOf(
      client.author.findUnique({ where: { id: 1 }, cache }).posts({ select: { title: true } }),
    ).resolves.toEqualTypeOf<{ title: string }[] | null>()
  })

  it('keeps fields that extensions compute, before and after', () => {
    const fields = {
      result: {
        author: {
          initial: { needs: { name: true }, compute: (author: { name: string }) => author.name.slice(0, 1) },
        },
      },
    }
    const before = bare.$extends(fields).$extends(withSluice())
    expectTypeOf(before.author.findFirstOrThrow({ cache }))
      .resolves.toHaveProperty('initial')
      .toEqualTypeOf<string>()
    const after = bare.$extends(withSluice()).$extends(fields)
    expectTypeOf(after.author.findFirstOrThrow({ cache }))
      .resolves.toHaveProperty('initial')
      .toEqualTypeOf<string>()
  })

  it('is accepted in both kinds of transactions', () => {
    expectTypeOf(
      client.$transaction([client.author.findMany({ cache }), client.post.count({ cache })]),
    ).resolves.toEqualTypeOf<[Author[], number]>()
    expectTypeOf(client.$transaction(async (tx) => tx.author.findMany({ cache }))).resolves.toEqualTypeOf<
      Author[]
    >()
  })

  it('is inferred from the model alone if its type has a different name', () => {
    const author = {} as typeof client.author & { readonly other: string }
    expectTypeOf(author.findMany({ select: { name: true }, cache })).resolves.toEqualTypeOf<
      { name: string }[]
    >()
    expectTypeOf(author.findUnique({ where: { id: 1 }, cache }).posts()).resolves.toEqualTypeOf<
      Post[] | null
    >()
    expectTypeOf(
      author.findUniqueOrThrow({ where: { id: 1 }, cache }).posts({ select: { title: true } }),
    ).resolves.toEqualTypeOf<{ title: string }[]>()
  })

  it('rejects an invalid cache control and arguments that Prisma rejects', () => {
    // @ts-expect-error seconds are a number
    client.author.findMany({ cache: { ttl: '60' } })
    // @ts-expect-error there is no such field
    client.author.findMany({ cache: { tll: 60 } })
    // @ts-expect-error there is no such strategy
    client.author.findMany({ cache: { strategy: 'network-first' } })
    // @ts-expect-error there is no such field
    client.author.findMany({ where: { nobody: 1 }, cache })
    // @ts-expect-error there is no such field
    client.author.findMany({ select: { nobody: true }, cache })
    // @ts-expect-error a row must be named
    client.author.findUnique({ cache })
    // @ts-expect-error writes are not cached
    client.author.deleteMany({ cache })
    // @ts-expect-error a client that was not extended knows nothing of it
    bare.author.findMany({ cache })
  })
})

interface City {
  id: number
  name: string
}

declare const db: Knex

describe('cached', () => {
  it('keeps the type of the builder', async () => {
    const plain = db<City>('city').where({ id: 1 }).select('name')
    expectTypeOf(cached(plain, cache)).toEqualTypeOf<typeof plain>()
    expectTypeOf(await cached(db<City>('city').first('id'), { ttl: 60 })).toEqualTypeOf<
      Pick<City, 'id'> | undefined
    >()
    expectTypeOf(await cached(db('city'), {}).where('id', 1)).toBeArray()
  })

  it('rejects a value that is not a builder and an invalid cache control', () => {
    // @ts-expect-error there is no such field
    cached(db('city'), { tll: 60 })
    // @ts-expect-error a raw statement is not a builder
    cached(db.raw('SELECT 1'), cache)
  })
})
