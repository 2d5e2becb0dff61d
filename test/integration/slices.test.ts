import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const AUTHORS = range(1, 9)

interface Clients {
  readonly prisma: TestPrismaClient
  readonly db: Knex
}

describe.each(databases())('the first rows of each key on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      await stack.ready()
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())

    async function sent(program: (clients: Clients) => Promise<unknown>): Promise<number> {
      const expected = await program({ prisma: stack.bare, db: stack.bareDb })
      stack.taken()
      expect(await stack.sluice.run(() => program(stack))).toStrictEqual(expected)
      return stack.taken().length
    }

    const all = (of: (clients: Clients, authorId: number) => PromiseLike<unknown>) => (clients: Clients) =>
      Promise.all(AUTHORS.map((authorId) => of(clients, authorId)))

    const programs: readonly [string, (clients: Clients, authorId: number) => PromiseLike<unknown>][] = [
      [
        'Prisma take',
        ({ prisma }, authorId) =>
          prisma.post.findMany({ where: { authorId }, orderBy: [{ views: 'desc' }, { id: 'asc' }], take: 2 }),
      ],
      [
        'Prisma skip',
        ({ prisma }, authorId) =>
          prisma.post.findMany({
            where: { authorId },
            orderBy: { id: 'desc' },
            skip: 1,
            take: 2,
            select: { title: true },
          }),
      ],
      [
        'Prisma filters',
        ({ prisma }, authorId) =>
          prisma.post.findMany({ where: { authorId, views: { gt: 1 } }, orderBy: { id: 'asc' }, take: 2 }),
      ],
      [
        'Prisma findFirst',
        ({ prisma }, authorId) => prisma.post.findFirst({ where: { authorId }, orderBy: { slug: 'desc' } }),
      ],
      [
        'Knex limit',
        ({ db }, authorId) =>
          db('posts').where('author_id', authorId).orderBy('views', 'desc').orderBy('id').limit(2),
      ],
      [
        'Knex offset',
        ({ db }, authorId) =>
          db('posts').where('author_id', authorId).orderBy('id', 'desc').limit(2).offset(1).select('title'),
      ],
      [
        'Knex first',
        ({ db }, authorId) => db('posts').where('author_id', authorId).orderBy('id', 'desc').first(),
      ],
      [
        'Knex pluck',
        ({ db }, authorId) => db('posts').where('author_id', authorId).orderBy('id').limit(3).pluck('title'),
      ],
    ]

    it.each(programs)('are taken from one query: %s', async (_, of) => {
      expect(await sent(all(of))).toBe(1)
    })

    it('are limited by the database, or run individually, if keys have many rows', async () => {
      const readings = range(1, 400).map((at) => ({
        at: new Date(Date.UTC(2026, 0, 1, 0, at)),
        value: at,
        deviceId: BigInt((at % 3) + 1),
      }))
      await stack.bare.reading.deleteMany()
      await stack.bare.device.deleteMany()
      await stack.bare.device.createMany({
        data: range(1, 3).map((id) => ({ id: BigInt(id), name: `device ${id}` })),
      })
      await stack.bare.reading.createMany({ data: readings })
      const latest = ({ prisma, db }: Clients) =>
        Promise.all([
          Promise.all(
            [1n, 2n, 3n].map((deviceId) =>
              prisma.reading.findMany({ where: { deviceId }, orderBy: { id: 'desc' }, take: 2 }),
            ),
          ),
          Promise.all(
            [1, 2, 3].map((id) => db('readings').where('device_id', id).orderBy('id', 'desc').limit(2)),
          ),
        ])
      // The first run shows it; after that nothing is fetched needlessly. A page in Prisma is two statements.
      const isCut = dialect !== 'sqlite'
      expect(await sent(latest)).toBe(isCut ? 2 + 3 : 2 + 6)
      expect(await sent(latest)).toBe(isCut ? 3 : 6)
    })
  })
})
