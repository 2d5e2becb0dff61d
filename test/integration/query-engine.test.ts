import { type BatchQuery, createSluice, type QueryInput, QueryOptimizationEngine } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { withSluice } from '@sluice/prisma'
import knex from 'knex'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

type Row = Readonly<Record<string, unknown>>

describe.each(databases())('the query engine on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { mode: 'observe', cache: false })
      await seed(stack.prisma)
    })
    afterAll(() => stack?.close())
    beforeEach(() => void stack.taken())

    const placeholder = dialect === 'postgresql' ? '$1' : '?'
    const keys = [3, 1, 3, 99, 7]

    describe('createBatchQuery', () => {
      const bound = (sql: string) =>
        keys.map((key) => ({ sql: sql.replace('KEY', placeholder), parameters: [key] }))
      const written = (sql: string) => keys.map((key) => sql.replace('KEY', String(key)))

      async function run(query: QueryInput | BatchQuery): Promise<readonly Row[]> {
        if (typeof query === 'string') return stack.database.query(query)
        return stack.database.query('sql' in query ? query.sql : query.query, query.parameters)
      }

      it.each([
        ['all columns', 'select * from posts where author_id = KEY order by id'],
        ['some columns', 'select title, views from posts where author_id = KEY order by views, id'],
        [
          'the key under another name',
          'select title as author_id, id from posts where author_id = KEY order by id',
        ],
        [
          'a further condition',
          "select id from posts where views > 2 and author_id = KEY and slug <> 'post-3' order by id",
        ],
        [
          'a join',
          'select p.title, a.full_name from posts p join authors a on a.id = p.author_id where a.id = KEY order by p.id',
        ],
        ['distinct rows', 'select distinct views from posts where author_id = KEY order by views'],
        ['no rows', 'select id from posts where author_id = KEY and 1 = 0'],
      ])('returns the rows of its own query to each key: %s', async (_, sql) => {
        const engine = new QueryOptimizationEngine({ dialect })
        for (const queries of [bound(sql), written(sql)]) {
          const batch = engine.createBatchQuery(queries)
          expect(batch.parameters).toEqual(expect.arrayContaining([3, 1, 99, 7]))
          const rows = await run(batch)
          for (const [index, query] of queries.entries()) {
            const own = await run(query)
            const names = Object.keys(own[0] ?? {})
            const mine = rows.filter((row) => Number(row[batch.keyColumn]) === keys[index])
            expect(mine.map((row) => names.map((name) => row[name]))).toEqual(
              own.map((row) => names.map((name) => row[name])),
            )
          }
        }
      })

      it('drops a LIMIT of one row for a unique key', async () => {
        const optimizing = await openStack(dialect, { mode: 'optimize' })
        try {
          await optimizing.ready()
          const queries = ["select full_name from authors where email = 'a1@example.org' limit 1"]
          expect(optimizing.sluice.queries.createBatchQuery(queries).query).toMatch(/email IN \(\S+\)$/)
          expect(() =>
            optimizing.sluice.queries.createBatchQuery([
              'select id from authors where full_name = 1 limit 1',
            ]),
          ).toThrow('LIMIT')
        } finally {
          await optimizing.close()
        }
      })
    })

    describe('eagerLoadRelationships', () => {
      it('loads through Prisma, by models and fields, in one query', async () => {
        const found = await stack.sluice.queries.eagerLoadRelationships('Post', [1, 2, 99], 'authorId')
        expect(stack.taken()).toHaveLength(1)
        expect([...found.keys()]).toEqual([1, 2, 99])
        expect(found.get(1)).toEqual(await stack.bare.post.findMany({ where: { authorId: 1 } }))
        expect(found.get(99)).toEqual([])
      })

      it('loads by the names in the database, and by keys that are not integers', async () => {
        const { queries } = stack.sluice
        const byTable = await queries.eagerLoadRelationships('posts', ['2'], 'author_id')
        expect(byTable.get('2')).toEqual(await stack.bare.post.findMany({ where: { authorId: 2 } }))
        const byCode = await queries.eagerLoadRelationships('Author', ['FR', 'XX', null], 'countryCode')
        expect(byCode.get('FR')).toEqual(await stack.bare.author.findMany({ where: { countryCode: 'FR' } }))
        expect([byCode.get('XX'), byCode.get(null)]).toEqual([[], []])
        const byBigInt = await queries.eagerLoadRelationships('Reading', [9007199254740995n, 1n], 'deviceId')
        expect(byBigInt.get(9007199254740995n)).toHaveLength(3)
      })

      it('loads through Knex if no Prisma client knows the table', async () => {
        const sluice = createSluice()
        const db = withSluiceKnex(knex(stack.database.knexConfig()), sluice)
        const log: string[] = []
        db.on('query', ({ sql }: { sql: string }) => log.push(sql))
        try {
          const found = await sluice.queries.eagerLoadRelationships('comments', ['3', 4, 1000], 'post_id')
          expect(log).toHaveLength(1)
          expect(found.get('3')).toEqual(await stack.bareDb('comments').where({ post_id: 3 }))
          expect(found.get(4)).toEqual(await stack.bareDb('comments').where({ post_id: 4 }))
          expect(found.get(1000)).toEqual([])
          await expect(sluice.queries.eagerLoadRelationships('comments', [1], 'nope')).rejects.toMatchObject({
            argument: 'field',
          })
          await expect(sluice.queries.eagerLoadRelationships('nope', [1], 'id')).rejects.toMatchObject({
            argument: 'field',
          })
        } finally {
          await sluice.close()
          await db.destroy()
        }
      })
    })

    describe('getAnomalies', () => {
      it('is empty after queries of the ORMs, and finds injections into raw queries without blocking them', async () => {
        const { sluice, prisma, db } = stack
        await prisma.author.findMany({
          where: { OR: [{ name: 'x' }, { id: { in: [] } }], AND: [] },
          include: { posts: true },
        })
        await prisma.$transaction(async (tx) =>
          tx.tag.upsert({ where: { id: 77 }, create: { id: 77, label: 'x' }, update: { label: 'y' } }),
        )
        await db('posts').whereRaw('1 = 1').andWhere({ author_id: 1 }).orWhereIn('id', []).limit(3)
        await db
          .transaction(async (trx) =>
            trx('tags_seen')
              .insert([{ a: 1 }])
              .catch(() => undefined),
          )
          .catch(() => undefined)
        expect(sluice.queries.getAnomalies()).toEqual([])

        const name = "x' OR '1'='1"
        const rows = await prisma.$queryRawUnsafe<unknown[]>(
          `SELECT id FROM authors WHERE full_name = '${name}'`,
        )
        expect(rows).toHaveLength(12)
        await db.raw('select 1 from authors where id = -1 union select null')
        const found = sluice.queries.getAnomalies()
        expect(found.map(({ kind }) => kind).sort()).toEqual(['tautology', 'union-graft'])
        expect(JSON.stringify(found)).not.toContain('1=1')
      })
    })

    it('recommends fixes from the queries of finished scopes', async () => {
      const sluice = createSluice()
      const prisma = new stack.clients.PrismaClient({ adapter: stack.clients.createAdapter() }).$extends(
        withSluice(sluice),
      )
      await sluice.run(async () => {
        for (const { id } of await prisma.author.findMany({ select: { id: true } }))
          await prisma.post.findMany({ where: { authorId: id } })
      })
      await prisma.$disconnect()
      const [first] = sluice.queries.getNPlusOnePatterns()
      expect(first?.estimatedSaving.queries).toBe(11)
      expect(first?.estimatedSaving.ms).toBeGreaterThan(0)
      expect(sluice.queries.getQueryRecommendations()).toContainEqual(
        expect.stringMatching(/^N\+1 at .*query-engine\.test\.ts:.* 12 × Post\.findMany/),
      )
    })
  })
})
