import { isRefusal, type Lookup, type Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ClientState } from '../../packages/prisma/src/client-state.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

type Ask = (prisma: TestPrismaClient) => PromiseLike<unknown>

/**
 * The operations that the core receives from Prisma, and whether batched lookups return the same results as
 * individual queries.
 */
describe.each(databases())('lookups of Prisma on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    let prisma: TestPrismaClient
    const operations: Operation<unknown>[] = []
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      await stack.bare.task.createMany({
        data: [
          { title: 'sweep', orgId: 'o1', ownerId: 1 },
          { title: 'mop', orgId: 'o1', ownerId: 1, done: true },
          { title: 'sweep', orgId: 'o2', ownerId: 3 },
        ],
      })
      const host = Object.assign(Object.create(hostOf(stack.sluice)), {
        execute: (operation: Operation<unknown>) => {
          operations.push(operation)
          return operation.run({ route: undefined })
        },
      })
      prisma = attach(stack.bare, host)
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      operations.length = 0
    })

    function attach(client: TestPrismaClient, host: ReturnType<typeof hostOf>): TestPrismaClient {
      const state = new ClientState(host, client, dialect, stack.clients.schema)
      const extension = { query: { $allOperations: (hook: never) => state.handle(hook) } }
      return client.$extends(extension as object) as unknown as TestPrismaClient
    }

    async function operationOf(ask: Ask): Promise<Operation<unknown>> {
      await ask(prisma)
      return operations.at(-1) as Operation<unknown>
    }

    async function lookupOf(ask: Ask): Promise<Lookup> {
      const lookup = (await operationOf(ask)).lookup?.()
      if (lookup === undefined || isRefusal(lookup))
        throw new Error(`Expected a lookup, got ${JSON.stringify(lookup)}.`)
      return lookup
    }

    async function refusalOf(ask: Ask): Promise<string | undefined> {
      const lookup = (await operationOf(ask)).lookup?.()
      return lookup !== undefined && isRefusal(lookup) ? lookup.refused : undefined
    }

    /**
     * Runs all lookups in one batch, and each individually: the results must be equal. Returns the results.
     */
    async function sameTogether(asks: readonly Ask[]): Promise<ReadonlyMap<string, unknown>> {
      const lookups: Lookup[] = []
      const expected: unknown[] = []
      for (const ask of asks) {
        lookups.push(
          await lookupOf(ask).catch(
            async () => (operations.at(-1) as Operation<unknown>).lookup?.() as Lookup,
          ),
        )
        expected.push(await Promise.resolve(ask(stack.bare)).catch((error: { code: string }) => error.code))
      }
      expect(new Set(lookups.map(({ group }) => group)).size).toBe(1)
      const [first] = lookups
      const found = await first?.runMany(lookups.map(({ key }) => key))
      const known = expected.map((value) => (value === 'P2025' ? undefined : value))
      expect(lookups.map(({ key }) => found?.get(key.text))).toStrictEqual(known)
      return found ?? new Map()
    }

    const keys = [
      ['o1', 1],
      ['o2', 3],
      ['o2', 2],
      ['o9', 1],
    ] as const

    it('batches several findUnique calls', async () => {
      await sameTogether(
        [3, 1, 99].map(
          (id) => (client) => client.author.findUnique({ where: { id }, include: { country: true } }),
        ),
      )
      await sameTogether(
        ['a2@example.org', 'x'].map(
          (email) => (client) => client.author.findUnique({ where: { email }, select: { name: true } }),
        ),
      )
      await sameTogether(
        keys.map(
          ([orgId, userId]) =>
            (client) =>
              client.membership.findUnique({ where: { orgId_userId: { orgId, userId } } }),
        ),
      )
      await sameTogether(
        ['sweep', 'mop', 'none'].map(
          (title) => (client) =>
            client.task.findUnique({
              where: { titleInOrg: { orgId: 'o1', title } },
              omit: { title: true, orgId: true },
            }),
        ),
      )
    })

    it('omits missing rows of findUniqueOrThrow', async () => {
      const found = await sameTogether(
        [1, 99, 2].map((id) => (client) => client.post.findUniqueOrThrow({ where: { id } })),
      )
      expect(found.size).toBe(2)
    })

    it('keeps the other arguments of a findUnique', async () => {
      await sameTogether(
        [1, 2, 3].map(
          (id) => (client) =>
            client.post.findUnique({
              where: { id, views: { gt: 3 }, OR: [{ authorId: 2 }, { editorId: 3 }], NOT: { title: 'x' } },
            }),
        ),
      )
      await sameTogether(
        ['sweep', 'mop'].map(
          (title) => (client) =>
            client.task.findUnique({ where: { titleInOrg: { orgId: 'o1', title }, done: false } }),
        ),
      )
      const groups: string[] = []
      for (const done of [true, false])
        groups.push((await lookupOf((client) => client.task.findUnique({ where: { id: 1, done } }))).group)
      expect(new Set(groups).size).toBe(2)
    })

    it('rejects a findUnique with two compound keys', async () => {
      const where = { orgId_userId: { orgId: 'o1', userId: 1 }, AND: [] }
      expect((await lookupOf((client) => client.membership.findUnique({ where }))).key.values).toEqual([
        'o1',
        1,
      ])
      expect(
        await refusalOf((client) =>
          client.task
            .findUnique({ where: { id: 1, titleInOrg: { orgId: 'o1', title: 'sweep' } } })
            .then((task) => task),
        ),
      ).toBe('UNSUPPORTED_FILTER')
    })

    it('reports that Prisma batches findUnique itself, and no other operation', async () => {
      expect(
        (await operationOf((client) => client.tag.findUnique({ where: { id: 1 } }))).shape?.mergedByOrm,
      ).toBe(true)
      expect(
        (await operationOf((client) => client.tag.findFirst({ where: { id: 1 } }))).shape?.mergedByOrm,
      ).toBe(false)
    })

    it('assigns one target, in columns, to each query shape', async () => {
      const targets: unknown[] = []
      for (const authorId of [1, 2])
        targets.push((await lookupOf((client) => client.post.findMany({ where: { authorId } }))).target)
      expect(targets[0]).toBe(targets[1])
      const compound = await lookupOf((client) =>
        client.membership.findUnique({ where: { orgId_userId: { orgId: 'o1', userId: 1 } } }),
      )
      expect(targets[0]).toMatchObject({ columns: ['author_id'], table: expect.stringMatching(/\.posts$/) })
      expect(compound.target?.columns).toEqual(['org_id', 'user_id'])
    })

    it('lists every table that the result depends on', async () => {
      const plain = await lookupOf((client) => client.post.findMany({ where: { authorId: 1 } }))
      expect(plain.reads?.()).toEqual([expect.stringMatching(/\.posts$/)])
      const wide = await lookupOf((client) =>
        client.post.findUnique({
          where: { id: 1, author: { country: { code: 'FR' } } },
          include: { comments: true },
        }),
      )
      expect(
        wide
          .reads?.()
          ?.map((table) => table.split('.')[1])
          .sort(),
      ).toEqual(['authors', 'comments', 'countries', 'posts'])
      hostOf(stack.sluice).catalogs.shadow('posts')
      expect(plain.reads?.()).toBeUndefined()
    })

    it('describes an operation once', async () => {
      const operation = await operationOf((client) => client.post.findUnique({ where: { id: 1 } }))
      expect(operation.lookup?.()).toBe(operation.lookup?.())
      expect(operation.rowSource?.()).toBe(
        (await operationOf((client) => client.post.findUnique({ where: { id: 2 } }))).rowSource?.(),
      )
    })

    it('describes the source of rows and their columns', async () => {
      const whole = (
        await operationOf((client) => client.post.findMany({ include: { author: true } }))
      ).rowSource?.()
      expect(whole).toMatchObject({ isWhole: true, table: expect.stringMatching(/\.posts$/) })
      expect(['author_id', 'id', 'authorId', 'author'].map((column) => whole?.property(column))).toEqual([
        'authorId',
        'id',
        undefined,
        undefined,
      ])
      const some = (
        await operationOf((client) => client.post.findFirst({ select: { authorId: true, title: false } }))
      ).rowSource?.()
      expect([
        some?.isWhole,
        some?.property('author_id'),
        some?.property('title'),
        some?.property('id'),
      ]).toEqual([false, 'authorId', undefined, undefined])
      const less = (
        await operationOf((client) => client.post.findMany({ omit: { authorId: true } }))
      ).rowSource?.()
      expect([less?.isWhole, less?.property('author_id'), less?.property('id')]).toEqual([
        false,
        undefined,
        'id',
      ])
    })

    it('describes no rows if an operation returns anything else', async () => {
      const asks: Ask[] = [
        (client) => client.post.count(),
        (client) => client.post.groupBy({ by: ['views'] }),
        (client) => client.post.findUnique({ where: { id: 1 } }).author(),
        (client) => client.$queryRawUnsafe('SELECT 1 AS one'),
      ]
      for (const ask of asks) expect((await operationOf(ask)).rowSource?.()).toBeUndefined()
    })

    it('marks raw queries', async () => {
      expect((await operationOf((client) => client.$queryRawUnsafe('SELECT 1 AS one'))).isRaw).toBe(true)
      expect((await operationOf((client) => client.post.count())).isRaw).toBe(false)
    })

    it('respects the global omit option of a client', async () => {
      const client = new stack.clients.PrismaClient({
        adapter: stack.clients.createAdapter(),
        omit: { post: { authorId: true, title: true } },
      })
      const seen = attach(
        client as unknown as TestPrismaClient,
        Object.assign(Object.create(hostOf(stack.sluice)), {
          execute: (operation: Operation<unknown>) => {
            operations.push(operation)
            return operation.run({ route: undefined })
          },
        }),
      )
      try {
        await seen.post.findMany({ where: { authorId: 1 }, orderBy: { id: 'asc' } })
        const operation = operations.at(-1) as Operation<unknown>
        const source = operation.rowSource?.()
        expect([source?.isWhole, source?.property('author_id'), source?.property('id')]).toEqual([
          false,
          undefined,
          'id',
        ])
        const lookup = operation.lookup?.() as Lookup
        const found = await lookup.runMany([lookup.key, { values: [2], text: 'i2' }])
        expect(found?.get(lookup.key.text)).toEqual(
          await client.post.findMany({ where: { authorId: 1 }, orderBy: { id: 'asc' } }),
        )
        await seen.post.findMany({ omit: { authorId: false } })
        expect(operations.at(-1)?.rowSource?.()?.property('author_id')).toBe('authorId')
      } finally {
        await client.$disconnect()
      }
    })
  })
})
