import { sluiceAdapter, withSluice } from '@sluice/prisma'
import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { catalogsRead, connectRead } from '../support/catalog-read.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const AUTHORS = range(1, 12)
/** All posts of this author have the same values. Authors 10 to 12 have no posts. */
const TIED = 3
const DIRECTIONS = ['asc', 'desc'] as const

interface Clients {
  readonly prisma: TestPrismaClient
  readonly db: Knex
}

describe.each(databases())('the first rows of each key in a nondeterministic order on $name', (database) => {
  const { dialect, skipped } = database
  describe.skipIf(skipped !== undefined).each([
    ['few rows', 8],
    ['many rows', 0],
  ])('if keys have %s', (_, maxExtraRows) => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false, batch: { maxExtraRows } })
      await seed(stack.bare)
      await spread(stack.bare)
      await stack.ready()
      await catalogsRead(stack.sluice)
    })
    afterAll(() => stack?.close())
    afterEach(() => {
      expect(stack.sluice.queries.getStats().errors).toBe(0)
    })

    /** Runs the program on the clients without Sluice and with it; returns the number of statements. */
    async function sent(program: (clients: Clients) => Promise<unknown>): Promise<number> {
      const expected = await program({ prisma: stack.bare, db: stack.bareDb })
      stack.taken()
      expect(await stack.sluice.run(() => program(stack))).toStrictEqual(expected)
      return stack.taken().length
    }
    const all = (of: (clients: Clients, authorId: number) => PromiseLike<unknown>) => (clients: Clients) =>
      Promise.all(AUTHORS.map((authorId) => of(clients, authorId)))

    const isPaged = maxExtraRows === 0
    // With many rows, Prisma needs one statement for the ids and one for the rows.
    const prismaBatch = isPaged ? 2 : 1
    /** SQLite runs pages individually, except for Prisma's first rows. */
    const isAlone = isPaged && dialect === 'sqlite'

    it.each(['createdAt', 'title', 'price', 'views'])('batches Prisma’s rows by %s', async (field) => {
      const isString = field === 'title' && dialect === 'mysql'
      for (const direction of DIRECTIONS) {
        const by = (authorId: number) => ({ where: { authorId }, orderBy: { [field]: direction } })
        const firsts = await sent(all(({ prisma }, author) => prisma.post.findFirst(by(author))))
        expect(firsts, direction).toBe(isString ? AUTHORS.length : prismaBatch + 1)
        const windows: readonly object[] = [
          { take: 2, select: { id: true } },
          { skip: 1, take: 2, omit: { [field]: true } },
        ]
        for (const page of windows) {
          const pages = all(({ prisma }, author) => prisma.post.findMany({ ...by(author), ...page }))
          expect(await sent(pages), direction).toBe(isString || isAlone ? AUTHORS.length : prismaBatch + 1)
        }
      }
    })

    it.each(['created_at', 'title', 'price', 'views'])('batches Knex’s rows by %s', async (column) => {
      const isString = column === 'title' && dialect === 'mysql'
      for (const direction of DIRECTIONS) {
        const by = (db: Knex, author: number) =>
          db('posts').where('author_id', author).orderBy(column, direction)
        for (const program of [
          all(({ db }, author) => by(db, author).first()),
          all(({ db }, author) => by(db, author).limit(2).select('id')),
          all(({ db }, author) => by(db, author).offset(1).limit(2).pluck('title')),
        ])
          expect(await sent(program), direction).toBe(isString || isAlone ? AUTHORS.length : 2)
      }
    })

    it('reads nulls and several fields in the order of the database', async () => {
      const positions = dialect === 'mysql' ? [undefined] : [undefined, 'first', 'last']
      for (const sort of DIRECTIONS)
        for (const nulls of positions) {
          const price = nulls === undefined ? sort : { sort, nulls }
          const orderBy = [{ editorId: sort }, { price }] as never
          const first = all(({ prisma }, authorId) => prisma.post.findFirst({ where: { authorId }, orderBy }))
          expect(await sent(first)).toBe(prismaBatch + 1)
        }
      const rows = all(({ db }, author) =>
        db('posts').where('author_id', author).orderBy('editor_id', 'desc').orderBy('price').first(),
      )
      expect(await sent(rows)).toBe(isAlone ? AUTHORS.length : 2)
    })

    it('batches a first row without an order if keys have at most one row', async () => {
      const posts = range(13, 24)
      const firsts = (clients: Clients) =>
        Promise.all(posts.map((postId) => clients.prisma.comment.findFirst({ where: { postId } })))
      // Post 13 has two comments, the others none.
      expect(await sent(firsts)).toBe(2)
      const rows = ({ db }: Clients) =>
        Promise.all(posts.map((post) => db('comments').where('post_id', post).first('body')))
      expect(await sent(rows)).toBe(isAlone ? posts.length : 2)
    })

    it('throws the error of a missing row, and loads relations', async () => {
      const outcomes = async ({ prisma }: Clients) => {
        const found = await Promise.allSettled(
          AUTHORS.map((authorId) =>
            prisma.post.findFirstOrThrow({
              where: { authorId },
              orderBy: { createdAt: 'desc' },
              select: { slug: true, comments: { orderBy: { id: 'asc' } } },
            }),
          ),
        )
        return found.map((one) =>
          one.status === 'fulfilled' ? one.value : (one.reason as { code: string }).code,
        )
      }
      expect(await sent(outcomes)).toBeLessThan(AUTHORS.length)
    })

    it('stops batching if the rows of most keys are tied', async () => {
      const same = all(({ prisma }, authorId) =>
        prisma.post.findFirst({ where: { authorId, slug: { not: '' } }, orderBy: { editorId: 'asc' } }),
      )
      await stack.bare.post.updateMany({ data: { editorId: 1 } })
      const reason = () =>
        stack.sluice.queries.getStats().passedThrough['batch:NONDETERMINISTIC_FIRST_ROW'] ?? 0
      expect(await sent(same)).toBeGreaterThanOrEqual(9)
      const before = reason()
      expect(await sent(same)).toBe(AUTHORS.length)
      // With many rows, this page is not batched because of its filter.
      if (!isPaged) expect(reason()).toBe(before + AUTHORS.length)
    })

    it('prefetches in a loop, and runs only keys with ties individually', async () => {
      const prismaLoop = async ({ prisma }: Clients) => {
        const found: unknown[] = []
        for (const { id } of await prisma.author.findMany({ orderBy: { id: 'asc' } }))
          found.push(await prisma.post.findFirst({ where: { authorId: id }, orderBy: { createdAt: 'desc' } }))
        return found
      }
      const knexLoop = async ({ db }: Clients) => {
        const found: unknown[] = []
        for (const { id } of await db('authors').orderBy('id'))
          found.push(await db('posts').where('author_id', id).orderBy('created_at', 'desc').first())
        return found
      }
      const learned = async (loop: (clients: Clients) => Promise<unknown>) => {
        await sent(loop)
        await sent(loop)
        return sent(loop)
      }
      expect(await learned(prismaLoop)).toBe(1 + prismaBatch + 1)
      expect(await learned(knexLoop)).toBe(isAlone ? 1 + AUTHORS.length : 3)
    })

    it('does not batch by a field that an extension computes', async () => {
      const extension = {
        result: {
          post: { createdAt: { needs: { id: true }, compute: ({ id }: { id: number }) => new Date(id) } },
        },
      }
      const { clients, sluice } = stack
      const client = new clients.PrismaClient({ adapter: sluiceAdapter(clients.createAdapter(), sluice) })
      const extended = (from: unknown, own: unknown) =>
        (from as { $extends(extension: unknown): unknown }).$extends(own) as TestPrismaClient
      const prisma = extended(extended(client, extension), withSluice(sluice, { schema: clients.schema }))
      await connectRead(client, sluice)
      const firsts = (from: TestPrismaClient) =>
        Promise.all(
          AUTHORS.map((authorId) =>
            from.post.findFirst({
              where: { authorId },
              orderBy: { createdAt: 'desc' },
              select: { id: true },
            }),
          ),
        )
      const before = sluice.queries.getStats()
      const found = await sluice.run(() => firsts(prisma))
      expect(found).toEqual(await firsts(extended(stack.bare, extension)))
      const after = sluice.queries.getStats()
      expect(after.batched).toBe(before.batched)
      await client.$disconnect()
    })
  })
})

/** Posts of one author differ in every value, except for those of one author. */
async function spread(prisma: TestPrismaClient): Promise<void> {
  const posts = range(0, 39).map((at) => {
    const authorId = (at % 9) + 1
    const isTied = authorId === TIED
    const value = isTied ? 20 : (at * 17) % 40
    return {
      id: at + 1,
      slug: `post-${at + 1}`,
      authorId,
      createdAt: new Date(Date.UTC(2026, 0, 1) + value * 60_001),
      title: `${value % 2 === 0 ? 'Title' : 'title'} ${String(value).padStart(2, '0')}`,
      price: isTied || value % 9 > 0 ? `${value}.25` : null,
      views: value,
      editorId: isTied || value % 4 > 0 ? (value % 5) + 1 : null,
    }
  })
  await prisma.post.deleteMany()
  await prisma.post.createMany({ data: posts })
  await prisma.comment.createMany({ data: ['a', 'b'].map((body) => ({ id: body, body, postId: 13 })) })
}
