import type { Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { knexDatabases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

type Builder = Knex.QueryBuilder
type Program = (db: Knex) => readonly Builder[]

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const posts =
  (ids: readonly unknown[], end: (posts: Builder, k: Knex) => Builder): Program =>
  (k) =>
    ids.map((id) => end(k('posts').where('author_id', id as number), k))

describe.each(knexDatabases())('Knex lookups on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      const other: Record<string, string> = {
        sqlite: 'mood text COLLATE NOCASE, few decimal(9,3), at timestamp',
        postgresql: 'mood varchar(9), few decimal(9,3), at timestamptz',
        // Identified by its position in the list, not by its SQL.
        mysql:
          "mood enum('low','high','b'), few decimal(9,3), at timestamp(3) NULL, f float, y year, b bit(3), t tinyint(1), j json, s set('x','y')",
      }
      const definitions = `
        CREATE TABLE ranked (id integer PRIMARY KEY, city integer NOT NULL, sluice_rank_1 integer, sluice_key_1 integer, at integer, note varchar(20));
        INSERT INTO ranked VALUES (1, 1, 5, 50, 3, 'a'), (2, 1, 6, 60, NULL, 'b'), (3, 2, 7, 70, 1, 'c'), (4, 1, 8, 80, 3, 'd'), (5, 2, NULL, NULL, NULL, 'e');
        CREATE TABLE loose (id integer PRIMARY KEY, code varchar(20), at integer NOT NULL);
        INSERT INTO loose VALUES (1, '1', 1), (2, '01', 2), (3, '1', 3), (4, '2', 4), (5, '2', 5);
        CREATE TABLE typed (id integer PRIMARY KEY, city integer NOT NULL, ${other[dialect]});
      `
      stack = await openStack(dialect, { client, cache: false, batch: { maxExtraRows: 0 }, definitions })
      await seed(stack.bare)
      const more = dialect === 'mysql' ? { f: 0.1, y: 2020, b: 5, t: 1, j: '{"a":1}', s: 'x,y' } : {}
      await stack.bareDb('typed').insert(
        range(1, 24).map((id) => ({
          id,
          city: id % 3,
          mood: ['low', 'high', 'b', null][id % 4],
          few: `${id}.125`,
          at: new Date(1.7e12 + id),
          ...more,
        })),
      )
      await stack.db('tasks').insert(
        ['o1', 'o1', 'o2', null].map((org_id, at) => ({
          id: at + 1,
          title: `t${at}`,
          org_id,
          owner_id: org_id === null ? null : 1,
          done: at === 0,
        })),
      )
      await knowsTables(stack.sluice, stack.db)
    })
    afterAll(() => stack?.close())
    beforeEach(() => stack.taken())
    afterEach(() => {
      expect(stack.sluice.queries.getStats().errors).toBe(0)
    })

    /**
     * Runs builders without Sluice, and concurrently with Sluice; the results must be equal. Returns the
     * statements that Sluice sent.
     */
    async function sent(program: Program): Promise<string[]> {
      const bare: unknown[] = []
      for (const builder of program(stack.bareDb)) bare.push(await builder)
      stack.taken()
      const found = await stack.sluice.run(() => Promise.all(program(stack.db)))
      expect(found).toEqual(bare)
      expect(JSON.stringify(found, asText)).toBe(JSON.stringify(bare, asText))
      return stack.taken()
    }

    describe('constant filters', () => {
      it('stay unchanged next to the key', async () => {
        const forms: readonly ((posts: Builder) => Builder)[] = [
          (p) => p.where('views', '>', 3),
          (p) => p.where({ views: 7 }).whereNotNull('editor_id'),
          (p) => p.whereNull('editor_id'),
          (p) => p.whereIn('views', [1, 2, 3, 7]),
          (p) => p.whereNotIn('views', [1, 2]),
          (p) => p.whereBetween('views', [2, 8]),
          (p) => p.whereNotBetween('views', [2, 8]),
          (p) => p.whereNot('views', 7),
          (p) => p.whereNot('views', '<', 4),
          (p) => p.where('title', 'like', 'Post 1%'),
          (p) => p.where('views', '<>', 2).andWhere('id', '<', 30).whereNotNull('slug'),
          (p) => p.where('created_at', new Date('2026-01-01T00:00:00.000Z')),
          (p) => p.where('editor_id', '=', null),
        ]
        for (const form of forms)
          expect(await sent(posts(range(1, 9), (p) => form(p).orderBy('id')))).toHaveLength(1)
      })

      it('are distinguished from the key in any position, in an object, and with the table name', async () => {
        for (const of of [
          (k: Knex, id: number) => k('posts').where({ views: 7, author_id: id }),
          (k: Knex, id: number) => k('posts').where({ author_id: id, views: 7 }),
          (k: Knex, id: number) => k('posts as p').where('p.views', '>', 1).where('p.author_id', id),
          (k: Knex, id: number) => k('posts').where({ id, views: 7 }),
          (k: Knex, id: number) => k('posts').where({ id, author_id: 3 }),
        ])
          expect(
            await sent((k) => range(1, 9).map((id) => of(k, id).select('title').orderBy('id'))),
          ).toHaveLength(1)
      })

      it('form separate batches', async () => {
        const program: Program = (k) =>
          [1, 2].flatMap((views) =>
            range(1, 4).map((id) =>
              k('posts').where('author_id', id).where('views', '>', views).orderBy('id'),
            ),
          )
        expect(await sent(program)).toHaveLength(2)
        const lists: Program = (k) =>
          [
            [1, 2],
            [2, 1, 7],
          ].flatMap((views) =>
            range(1, 4).map((id) => k('posts').where('author_id', id).whereIn('views', views).orderBy('id')),
          )
        expect(await sent(lists)).toHaveLength(2)
      })

      it('stay unchanged in groups', async () => {
        for (const of of [
          (k: Knex, id: number) =>
            k('posts').where((group) => group.where('author_id', id).where('views', '>', 1)),
          (k: Knex, id: number) =>
            k('posts')
              .where((group) => group.where((inner) => inner.where('author_id', id)).whereNull('editor_id'))
              .andWhere((group) => group.whereBetween('views', [2, 8])),
        ]) {
          const builders: Program = (k) => range(1, 9).map((id) => of(k, id).orderBy('id'))
          expect(await sent(builders)).toHaveLength(1)
          expect(await sent((k) => range(1, 9).map((id) => of(k, id).orderBy('id').first()))).toHaveLength(
            dialect === 'sqlite' ? 9 : 1,
          )
        }
      })

      it('are passed through if they are alternatives, subqueries or raw SQL', async () => {
        for (const form of [
          (p: Builder) => p.orWhere('id', 1),
          (p: Builder) => p.where((inner) => inner.where('views', 1).orWhere('views', 7)),
          (p: Builder) =>
            p.where((outer) => outer.where((inner) => inner.where('views', 1).orWhere('id', 1))),
          (p: Builder) => p.whereNot((inner) => inner.where('views', 1)),
          (p: Builder) => p.whereRaw('views > ?', [1]),
          (p: Builder, k: Knex) => p.where('views', '>', k.raw('?', [1])),
          (p: Builder, k: Knex) => p.whereIn('editor_id', k('authors').select('id').where('active', true)),
          (p: Builder, k: Knex) => p.whereExists(k('authors').where('id', 1)),
          (p: Builder, k: Knex) => p.where('author_id', '>=', k.ref('editor_id') as never),
          (p: Builder) => p.whereIn('views', []),
          (p: Builder) => p.having('id', '>', 0).groupBy('id'),
        ])
          expect(
            await sent(posts(range(1, 3), (p, k) => form(p, k).select('id').orderBy('id'))),
          ).toHaveLength(3)
      })
    })

    describe('first rows in a nondeterministic order', () => {
      const firsts =
        (cities: readonly number[], end: (rows: Builder) => Builder): Program =>
        (k) =>
          cities.map((city) => end(k('ranked').where({ city })).first())

      it('are batched, and keys with several first rows run individually', async () => {
        // SQLite runs pages individually.
        const batch = dialect === 'sqlite' ? 0 : 1
        const single = dialect === 'sqlite' ? 3 : 0
        // Both cities have one row with the lowest or the highest value, or one null.
        const up = await sent(firsts([1, 2, 9], (rows) => rows.where('id', '<', 4).orderBy('at')))
        expect(up).toHaveLength(batch + single)
        const down = await sent(firsts([1, 2, 9], (rows) => rows.where('id', '<', 4).orderBy('at', 'desc')))
        expect(down).toHaveLength(batch + single)
        // City 1 has two rows with 3.
        const tied = await sent(firsts([1, 2, 9], (rows) => rows.whereNotNull('at').orderBy('at', 'desc')))
        expect(tied).toHaveLength(batch + (dialect === 'sqlite' ? 3 : 1))
        const nulls = await sent(
          firsts([1, 2, 9], (rows) => rows.whereNull('at').orderBy('at').select('note')),
        )
        expect(nulls).toHaveLength(batch + single)
      })
    })

    describe('composite keys', () => {
      const pairs = [
        ['o1', 1],
        ['o2', 1],
        ['o1', 3],
        ['o1', 2],
      ] as const

      it('are batched as pairs', async () => {
        expect(
          await sent((k) =>
            pairs.map(([org_id, user_id]) => k('memberships').where({ org_id, user_id }).first()),
          ),
        ).toHaveLength(1)
        const roles = await sent((k) =>
          pairs.map(([org_id, user_id]) => k('memberships').where({ user_id, org_id }).select('role')),
        )
        expect(roles).toHaveLength(1)
        const aliased: Program = (k) =>
          pairs.map(([org_id, user_id]) =>
            k('memberships as m')
              .where({ 'm.org_id': org_id, 'm.user_id': String(user_id) })
              .select('m.*'),
          )
        expect(await sent(aliased)).toHaveLength(1)
      })

      it('of foreign keys keep the other conditions', async () => {
        const tasks: Program = (k) =>
          pairs.map(([org_id, owner_id]) =>
            k('tasks').where({ org_id, owner_id }).where('id', '>', 0).orderBy('id'),
          )
        expect(await sent(tasks)).toHaveLength(1)
        expect(
          await sent((k) =>
            pairs.map(([org_id, owner_id]) => k('tasks').where({ org_id, owner_id }).count('* as n').first()),
          ),
        ).toHaveLength(1)
      })

      it('with a null are not batched', async () => {
        const tasks: Program = (k) =>
          [
            ['o1', 1],
            ['o2', null],
            [null, null],
          ].map(([org_id, owner_id]) =>
            k('tasks')
              .where({ org_id: org_id as string, owner_id: owner_id as number })
              .orderBy('id'),
          )
        expect(await sent(tasks)).toHaveLength(3)
      })

      it('share the limit of bindings', async () => {
        const many: Program = (k) =>
          range(1, 500).map((user_id) => k('memberships').where({ org_id: 'o1', user_id }).select('role'))
        expect(await sent(many)).toHaveLength(dialect === 'sqlite' ? 2 : 1)
      })
    })

    describe('aggregates', () => {
      it('of every kind are grouped by the key', async () => {
        for (const form of [
          (p: Builder) => p.count('* as n'),
          (p: Builder) => p.countDistinct('editor_id as n'),
          ...(dialect === 'sqlite' ? [] : [(p: Builder) => p.countDistinct('editor_id', 'views')]),
          (p: Builder) => p.sum('views as s'),
          (p: Builder) => p.min('views').max('views'),
          (p: Builder) => p.avg('views'),
          (p: Builder) => p.count({ n: '*', m: 'editor_id' }).sum({ s: 'views' }).max('id as last'),
          (p: Builder) => p.max('created_at as latest').where('views', '>', 2),
          (p: Builder) => p.count('* as n').sum('views as s').first(),
          (p: Builder) => p.sumDistinct('views as s'),
          (p: Builder) => p.count('id', { as: 'n' }),
        ]) {
          expect(await sent(posts([...range(1, 9), 77, 78], form)), String(form)).toHaveLength(1)
        }
      })

      it('of keys without rows run individually if the form of zero is unknown', async () => {
        expect(await sent(posts([77, 78], (p) => p.count('* as n').max('views as m')))).toHaveLength(3)
      })

      it('that depend on the order of rows are passed through', async () => {
        expect(
          await sent((k) => [1, 2].map((device_id) => k('readings').where({ device_id }).sum('value as s'))),
        ).toHaveLength(2)
        expect(await sent(posts([1, 2], (p) => p.min('title as t')))).toHaveLength(
          dialect === 'mysql' ? 2 : 1,
        )
      })

      it('with the same name as the key are passed through', async () => {
        expect(await sent(posts([1, 2], (p) => p.count('* as author_id')))).toHaveLength(2)
        expect(await sent(posts([1, 2], (p) => p.count('* as 2').max('views as 1')))).toHaveLength(2)
      })

      it('by additional columns keep their groups and their order', async () => {
        for (const form of [
          (p: Builder) => p.select('views').count('* as n').groupBy('views').orderBy('views'),
          (p: Builder) =>
            p
              .select('editor_id as e')
              .max('views as m')
              .groupBy('editor_id')
              .orderBy('m', 'desc')
              .orderBy('e'),
          (p: Builder) =>
            p.count('* as n').groupBy('views', 'editor_id').orderBy('views').orderBy('editor_id'),
          (p: Builder) => p.groupBy('views').orderBy('views').pluck('views'),
        ])
          expect(await sent(posts([...range(1, 9), 77], form)), String(form)).toHaveLength(1)
        for (const form of [
          (p: Builder) => p.select('views').count('* as n').groupBy('views').orderBy('views').limit(1),
          (p: Builder) => p.select('views as editor_id').groupBy('editor_id', 'views').orderBy('views'),
          (p: Builder) => p.select('views').groupBy('views').having('views', '>', 2).orderBy('views'),
        ])
          expect(await sent(posts([1, 2], form)), String(form)).toHaveLength(2)
      })
    })

    describe('limits', () => {
      /** In its own process, SQLite runs pages sequentially. */
      const together = (selects: number, statements = 1) => (dialect === 'sqlite' ? selects : statements)

      it('apply to each key in a total order', async () => {
        for (const form of [
          (p: Builder) => p.orderBy('views', 'desc').orderBy('id').limit(2),
          (p: Builder) => p.orderBy('views', 'desc').orderBy('id', 'desc').limit(2).offset(1),
          (p: Builder) => p.orderBy('editor_id').orderBy('id').limit(3),
          (p: Builder) => p.orderBy('editor_id', 'DESC').orderBy('id').limit(1).offset(2),
          (p: Builder) => p.orderBy('id').limit(2).where('views', '>', 2).select('title'),
          (p: Builder) => p.orderBy('posts.slug').limit(2).select('posts.title', 'posts.views as v'),
          (p: Builder) =>
            p
              .orderBy([{ column: 'views', order: 'desc' }, 'id'])
              .limit(2)
              .select('*', 'views as v'),
          (p: Builder) => p.orderBy('views').orderBy('id').first(),
          (p: Builder) => p.orderBy('views').orderBy('id').offset(1).first('title'),
          (p: Builder) => p.orderBy('views').orderBy('id').limit(2).pluck('title'),
        ])
          expect(await sent(posts([...range(1, 9), 77], form)), String(form)).toHaveLength(together(10))
        expect(await sent((k) => range(1, 5).map((id) => k('posts').where({ id }).limit(1)))).toHaveLength(1)
        expect(
          await sent((k) =>
            range(1, 5).map((id) =>
              k('posts as p').where('p.author_id', id).orderBy('p.id').limit(2).select('p.*', 'p.id as x'),
            ),
          ),
        ).toHaveLength(together(5))
        expect(
          await sent((k) =>
            ['o1', 'o2'].map((org_id) =>
              k('memberships').where({ org_id }).orderBy('user_id', 'desc').limit(1),
            ),
          ),
        ).toHaveLength(together(2))
      })

      it('of different sizes are batched separately', async () => {
        const program: Program = (k) =>
          [1, 2].flatMap((size) =>
            range(1, 3).map((id) => k('posts').where('author_id', id).orderBy('id').limit(size).offset(size)),
          )
        expect(await sent(program)).toHaveLength(together(6, 2))
      })

      it('return no more rows than requested', async () => {
        const rows: number[] = []
        stack.db.on('query-response', (found: unknown) => rows.push(Array.isArray(found) ? found.length : 0))
        await sent(posts(range(1, 9), (p) => p.orderBy('id').limit(2)))
        stack.db.removeAllListeners('query-response')
        expect(rows).toEqual(dialect === 'sqlite' ? Array.from({ length: 9 }, () => 2) : [18])
      })

      it('in an order that contains more than columns are passed through', async () => {
        for (const form of [
          (p: Builder) => p.orderBy('id', 'asc', 'last').orderBy('views').select('views').limit(1),
          (p: Builder) => p.orderBy('id').select('views as id').limit(2),
          (p: Builder) => p.orderBy('id').select('views as id').first(),
        ])
          expect(await sent(posts(range(1, 3), form)), String(form)).toHaveLength(3)
      })

      it('number rows when columns have the names of the helper columns', async () => {
        const program: Program = (k) =>
          [1, 2, 3].map((city) => k('ranked').where({ city }).orderBy('at').orderBy('id').limit(2))
        expect(await sent(program)).toHaveLength(together(3))
        expect(
          await sent((k) =>
            [1, 2].map((city) =>
              k('ranked').where({ city }).orderBy('id').limit(2).select('sluice_key_1', 'sluice_rank_1'),
            ),
          ),
        ).toHaveLength(together(2))
      })

      it('count rows together if their strings equal the same number', async () => {
        await sent((k) =>
          [1, 2]
            .map((code) => k('loose').where({ code }).orderBy('at').orderBy('id').limit(1).offset(1))
            .slice(0, dialect === 'postgresql' ? 0 : 2),
        )
        await sent((k) =>
          ['1', '2', '3'].map((code) =>
            k('loose').where({ code }).orderBy('at').orderBy('id').limit(1).offset(1),
          ),
        )
      })

      it('fetch at most 50 pages per statement', async () => {
        const asked = await sent(posts(range(1, 70), (p) => p.orderBy('id').first()))
        if (dialect !== 'sqlite')
          expect(asked.map((sql) => sql.split(' union all ').length).sort()).toEqual([20, 50])
      })

      it('preserve each type and its order', async () => {
        for (const direction of ['asc', 'desc'])
          for (const column of ['mood', 'few', 'at'])
            expect(
              await sent((k) =>
                [0, 1, 2].map((city) =>
                  k('typed').where({ city }).orderBy(column, direction).orderBy('id').limit(4),
                ),
              ),
            ).toHaveLength(together(3))
      })
    })

    it('plucks by key', async () => {
      expect(await sent(posts([...range(1, 9), 77], (p) => p.orderBy('id').pluck('title')))).toHaveLength(1)
      expect(await sent(posts(range(1, 9), (p) => p.orderBy('id').pluck('posts.author_id')))).toHaveLength(1)
      expect(await sent(posts(range(1, 3), (p) => p.orderBy('id').pluck('title as t')))).toHaveLength(3)
    })

    it('batches through rewritten identifiers and processed responses', async () => {
      const config = (): Knex.Config => ({
        ...stack.database.knexConfig(),
        wrapIdentifier: (name, original) =>
          original(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
        postProcessResponse: camel,
      })
      const [bare, own] = [knex(config()), withSluice(knex(config()), stack.sluice)]
      await knowsTables(stack.sluice, own)
      const statements: string[] = []
      own.on('query', ({ sql }: { sql: string }) => statements.push(sql))
      const programs: Program[] = [
        (k) =>
          range(1, 9).map((authorId) =>
            k('posts').where({ authorId }).orderBy('createdAt').orderBy('id').limit(2),
          ),
        (k) =>
          range(1, 9).map((authorId) =>
            k('posts').where({ authorId }).orderBy('id').limit(2).select('createdAt as madeAt'),
          ),
        (k) =>
          range(1, 9).map((authorId) =>
            k('posts').where({ authorId }).whereNull('editorId').max('createdAt as latestOne'),
          ),
        (k) => [1, 2, 3].map((userId) => k('memberships').where({ orgId: 'o1', userId }).first()),
        (k) => range(1, 9).map((authorId) => k('posts').where({ authorId }).orderBy('id').pluck('createdAt')),
      ]
      for (const program of programs) {
        const expected: unknown[] = []
        for (const builder of program(bare)) expected.push(await builder)
        statements.length = 0
        expect(await stack.sluice.run(() => Promise.all(program(own)))).toEqual(expected)
        const isPage = program === programs[0] || program === programs[1]
        expect(statements).toHaveLength(dialect === 'sqlite' && isPage ? 9 : 1)
      }
      await Promise.all([bare.destroy(), own.destroy()])
    })

    it('emits the result of each caller to the listeners of its builder', async () => {
      const config = (): Knex.Config => ({ ...stack.database.knexConfig(), postProcessResponse: camel })
      const [bare, own] = [knex(config()), withSluice(knex(config()), stack.sluice)]
      await knowsTables(stack.sluice, own)
      const program = async (db: Knex) => {
        const told: unknown[] = []
        const read = (id: number) =>
          db('posts')
            .where({ id })
            .select('id', 'author_id')
            .on('query-response', (rows: unknown) => told.push(rows))
        const rows = await Promise.all(range(1, 3).map(read))
        return [rows, new Set(told.map((one) => JSON.stringify(one)))]
      }
      const before = stack.sluice.queries.getStats().passedThrough['batch:BUILDER_WITH_OPTIONS'] ?? 0
      expect(await stack.sluice.run(() => program(own))).toEqual(await program(bare))
      expect(stack.sluice.queries.getStats().passedThrough['batch:BUILDER_WITH_OPTIONS']).toBe(before + 3)
      await Promise.all([bare.destroy(), own.destroy()])
    })

    it('passes distinct selects through', async () => {
      expect(await sent(posts([1, 2], (p) => p.distinct('views').orderBy('views')))).toHaveLength(2)
      expect(await sent(posts([1, 2], (p) => p.select('views').distinct().orderBy('views')))).toHaveLength(2)
    })

    describe('in transactions', () => {
      it('are passed through, and see the writes of the transaction', async () => {
        await stack.sluice.run(() =>
          stack.db.transaction(async (trx) => {
            await trx('posts').where({ id: 1 }).update({ views: 100 })
            stack.taken()
            const tops = await Promise.all(
              range(1, 3).map((id) =>
                trx('posts')
                  .where('author_id', id)
                  .orderBy('views', 'desc')
                  .orderBy('id')
                  .first('id', 'views'),
              ),
            )
            expect(tops[0]).toEqual({ id: 1, views: 100 })
            expect(stack.taken()).toHaveLength(3)
            await trx('posts').where({ id: 1 }).update({ views: 0 })
          }),
        )
        expect(stack.sluice.queries.getStats().passedThrough['batch:IN_TRANSACTION']).toBeGreaterThan(0)
      })

      it('are resolved although the transaction ends without waiting for them', async () => {
        const early = async (db: Knex) => {
          const reads: PromiseLike<unknown>[] = []
          const read = (k: Knex) =>
            range(1, 2).forEach((id) => {
              const row = k('posts').where({ id }).first('title')
              reads.push(row.then((found: { title: string }) => found.title, String))
            })
          await db.transaction(async (trx) => read(trx))
          await db.transaction((trx) => trx.transaction(async (inner) => read(inner)))
          for (const end of ['commit', 'rollback'] as const) {
            const trx = await db.transaction()
            read(trx)
            await trx[end]()
          }
          return Promise.all(reads)
        }
        const expected = await early(stack.bareDb)
        expect(expected.slice(0, 2)).toEqual(['Post 1', 'Post 2'])
        expect(await stack.sluice.run(() => early(stack.db))).toEqual(expected)
      })
    })
  })
})

function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  const named = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [named(name), inner]))
}

function asText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

/** Waits until Knex has read the catalog, so that lookups that require a unique key are batched. */
async function knowsTables(sluice: Sluice, db: Knex): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    const { batches } = sluice.queries.getStats()
    await sluice.run(() => Promise.all([1, 2].map((id) => db('ranked').where({ id }).first())))
    if (sluice.queries.getStats().batches > batches) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('Expected Knex to have read the catalog.')
}
