import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { unsluice, withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { knexDatabases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe.each(knexDatabases())('Knex on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    let db: Knex
    beforeAll(async () => {
      stack = await openStack(dialect, { client })
      db = stack.db
      await seed(stack.bare)
      await stack.ready()
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      stack.sluice.cache?.clear()
      stack.taken()
    })
    afterEach(() => {
      expect(stack.sluice.queries.getStats().errors).toBe(0)
    })

    /** Waits until the catalog has been read through an instance. */
    async function knowsTables(instance: Knex): Promise<void> {
      await stack.sluice.run(() => instance('posts').first())
      const { catalogs } = hostOf(stack.sluice)
      while (catalogs.catalog(dialect) === undefined) await new Promise((resolve) => setImmediate(resolve))
    }

    /**
     * Runs a program with and without Sluice; the results must be equal. Returns the statements that Sluice
     * sent.
     */
    async function same(program: (db: Knex) => PromiseLike<unknown>): Promise<string[]> {
      const expected = await program(stack.bareDb)
      stack.taken()
      expect(await stack.sluice.run(() => program(db))).toEqual(expected)
      return stack.taken()
    }

    describe('batching', () => {
      it('batches selects by a foreign key and keeps each order', async () => {
        const sent = await same((k) =>
          Promise.all(
            range(1, 12).map((id) =>
              k('posts').where('author_id', id).orderBy('views', 'desc').orderBy('id'),
            ),
          ),
        )
        expect(sent).toHaveLength(1)
      })

      it('batches first by a unique key', async () => {
        expect(
          await same((k) => Promise.all(range(1, 14).map((id) => k('authors').where({ id }).first()))),
        ).toHaveLength(1)
        const emails = ['a1@example.org', 'a2@example.org', 'none@example.org']
        expect(
          await same((k) =>
            Promise.all(emails.map((email) => k('authors').where({ email }).select('id', 'email').first())),
          ),
        ).toHaveLength(1)
      })

      it('batches first in an order of one first row', async () => {
        const latest = (k: Knex) =>
          Promise.all(
            range(1, 12).map((id) =>
              k('posts').where('author_id', id).orderBy('views').orderBy('id', 'desc').first(),
            ),
          )
        expect(await same(latest)).toHaveLength(1)
        const doubtful = (column: string) => (k: Knex) =>
          Promise.all(
            range(1, 3).map((id) =>
              k('posts').where('author_id', id).orderBy(column).select('views').first(),
            ),
          )
        expect(await same(doubtful('views'))).toHaveLength(1)
        // MySQL compares only the first bytes of strings.
        expect(await same(doubtful('title'))).toHaveLength(dialect === 'mysql' ? 3 : 1)
      })

      it('batches count by key in each of its forms', async () => {
        expect(
          await same((k) =>
            Promise.all(range(1, 12).map((id) => k('posts').where('author_id', id).count('* as n'))),
          ),
        ).toHaveLength(1)
        expect(
          await same((k) =>
            Promise.all(range(1, 12).map((id) => k('posts').where('author_id', id).count().first())),
          ),
        ).toHaveLength(1)
        expect(
          await same((k) =>
            Promise.all(
              range(1, 6).map((id) => k('posts').where('author_id', id).count('editor_id as n').first()),
            ),
          ),
        ).toHaveLength(1)
        await same((k) =>
          Promise.all(range(98, 99).map((id) => k('posts').where('author_id', id).count('* as n'))),
        )
      })

      it('batches strings that spell integers in canonical form', async () => {
        const ids = ['1', '2', '3']
        expect(
          await same((k) => Promise.all(ids.map((id) => k('posts').where('author_id', id).orderBy('id')))),
        ).toHaveLength(1)
        await same((k) =>
          Promise.all(['1', '02', '3'].map((id) => k('posts').where('author_id', id).orderBy('id'))),
        )
      })

      it('returns no more columns than requested', async () => {
        const sent = await same((k) =>
          Promise.all(
            range(1, 4).map((id) => k('posts').where('author_id', id).select('title').orderBy('id')),
          ),
        )
        expect(sent).toHaveLength(1)
        await same((k) =>
          Promise.all(
            range(1, 4).map((id) =>
              k('posts as p').where('p.author_id', id).select('p.title', 'p.author_id').orderBy('p.id'),
            ),
          ),
        )
        await same((k) =>
          Promise.all(
            range(1, 4).map((id) =>
              k('posts').where('author_id', id).select('id as author_id').orderBy('id'),
            ),
          ),
        )
      })

      it('never batches null keys', async () => {
        expect(
          await same((k) =>
            Promise.all([1, null, 2].map((id) => k('posts').where('editor_id', id).orderBy('id'))),
          ),
        ).toHaveLength(2)
      })

      it('passes unsupported conditions through', async () => {
        await same((k) =>
          Promise.all([
            ...range(1, 3).map((id) => k('posts').where('author_id', id).limit(2).orderBy('id')),
            ...range(1, 3).map((id) => k('posts').where('author_id', id).orWhere('id', 1).orderBy('id')),
            ...range(1, 3).map((id) => k('posts').where('author_id', '>', id).orderBy('id')),
            ...range(1, 3).map((id) => k('posts').whereNot('author_id', id).orderBy('id')),
            ...range(1, 3).map((id) => k('posts').where('author_id', id).distinct('views').orderBy('views')),
            ...range(1, 3).map((id) =>
              k('posts')
                .join('authors', 'authors.id', 'posts.author_id')
                .where('authors.id', id)
                .select('posts.id')
                .orderBy('posts.id'),
            ),
            ...range(1, 3).map((id) => k('posts').where('author_id', id).sum('views as s')),
            ...range(1, 3).map((id) =>
              k('posts')
                .where('author_id', k.raw('?', [id]))
                .orderBy('id'),
            ),
            ...range(1, 3).map((id) => k('posts').where('author_id', id).pluck('title').orderBy('id')),
          ]),
        )
      })

      it('batches through rewritten identifiers and processed responses', async () => {
        const upper = (text: string) => text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
        const camel = (value: unknown): unknown =>
          Array.isArray(value)
            ? value.map(camel)
            : typeof value === 'object' && value !== null && !(value instanceof Date)
              ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [upper(name), inner]))
              : value
        const config = (): Knex.Config => ({
          ...stack.database.knexConfig(),
          wrapIdentifier: (name, original) =>
            original(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
          postProcessResponse: camel,
        })
        const bare = knex(config())
        const sluiced = withSluice(knex(config()), stack.sluice)
        await knowsTables(sluiced)
        const sent: string[] = []
        sluiced.on('query', ({ sql }: { sql: string }) => sent.push(sql))
        const program = (k: Knex) =>
          Promise.all(
            range(1, 5).map((id) =>
              k('posts').where('authorId', id).select('title', 'createdAt').orderBy('id'),
            ),
          )
        const firsts = (k: Knex) => Promise.all(range(1, 5).map((id) => k('posts').where('id', id).first()))
        expect(await stack.sluice.run(() => program(sluiced))).toEqual(await program(bare))
        expect(sent).toHaveLength(1)
        expect(await stack.sluice.run(() => firsts(sluiced))).toEqual(await firsts(bare))
        await Promise.all([bare.destroy(), sluiced.destroy()])
      })
    })

    describe('the cache', () => {
      async function staysRight(
        read: (db: Knex) => PromiseLike<unknown>,
        write: () => PromiseLike<unknown>,
      ): Promise<void> {
        await read(db)
        stack.taken()
        await read(db)
        expect(stack.taken(), 'the read was not kept').toEqual([])
        await write()
        expect(await read(db)).toEqual(await read(stack.bareDb))
      }
      const tags = (k: Knex) => k('Tag').orderBy('id')

      it('invalidates after inserts, updates, deletes and raw statements', async () => {
        await staysRight(tags, () => db('Tag').insert({ id: 60, label: 'k' }))
        await staysRight(tags, () => db('Tag').where('id', 60).update({ label: 'k2' }))
        await staysRight(tags, () => db.raw(`UPDATE ?? SET label = ? WHERE id = ?`, ['Tag', 'k3', 60]))
        await staysRight(tags, () => db('Tag').where('id', 60).del())
      })

      it('caches joins, aggregates and plucks', async () => {
        await staysRight(
          (k) =>
            k('posts')
              .join('authors', 'authors.id', 'posts.author_id')
              .where('authors.id', 2)
              .select('posts.title', 'authors.full_name')
              .orderBy('posts.id'),
          () => db('authors').where('id', 2).update({ full_name: 'renamed' }),
        )
        await staysRight(
          (k) => k('posts').max('views as m').first(),
          () => db('posts').where('id', 5).update({ views: 99 }),
        )
        await staysRight(
          (k) => k('posts').where('author_id', 3).orderBy('id').pluck('title'),
          () => db('posts').where('author_id', 3).update({ title: 'plucked' }),
        )
      })

      it('invalidates rows that foreign key actions change', async () => {
        await db('authors').insert({
          id: 95,
          email: 'k@example.org',
          full_name: 'K',
          updated_at: new Date(0),
        })
        await db('posts').insert({ id: 95, slug: 'k', title: 'k', author_id: 95 })
        await staysRight(
          (k) => k('posts').where('author_id', 95),
          () => db('authors').where('id', 95).del(),
        )
      })

      it('is shared with Prisma', async () => {
        await staysRight(tags, () =>
          stack.prisma.tag.update({ where: { id: 1 }, data: { label: 'from Prisma' } }),
        )
        const { prisma, bare } = stack
        await prisma.tag.findUnique({ where: { id: 2 } })
        await db('Tag').where('id', 2).update({ label: 'from Knex' })
        expect(await prisma.tag.findUnique({ where: { id: 2 } })).toEqual(
          await bare.tag.findUnique({ where: { id: 2 } }),
        )
        await prisma.author.create({ data: { id: 96, email: 'm@example.org', name: 'M' } })
        await staysRight(
          (k) => k('authors').where('id', 96),
          () => stack.prisma.author.delete({ where: { id: 96 } }),
        )
      })

      it('returns separate rows of the driver’s class to each caller', async () => {
        const [bareRow] = await stack.bareDb('Tag').where('id', 3)
        const [first] = await db('Tag').where('id', 3)
        first.label = 'spoilt'
        const [second] = await db('Tag').where('id', 3)
        expect(second).toEqual(bareRow)
        expect(Object.getPrototypeOf(second)?.constructor?.name).toBe(
          Object.getPrototypeOf(bareRow)?.constructor?.name,
        )
      })

      it('does not cache results that depend on more than their tables', async () => {
        const reads: ((k: Knex) => PromiseLike<unknown>)[] = [
          (k) => k('Tag').where('id', 1).forUpdate(),
          (k) => k('Tag').select(k.raw('current_timestamp as now')).where('id', 1),
          (k) => k.raw('select 1'),
        ]
        for (const read of dialect === 'sqlite' ? reads.slice(1) : reads) {
          await read(db)
          stack.taken()
          await read(db)
          expect(stack.taken()).toHaveLength(1)
        }
      })

      it('reads the catalog again after DDL', async () => {
        await tags(db)
        await db.schema.createTable('later', (table) => {
          table.integer('id').primary()
          table.string('text')
        })
        await stack.ready()
        await staysRight(
          (k) => k('later').orderBy('id'),
          () => db('later').insert({ id: 1, text: 'x' }),
        )
        await db.schema.dropTable('later')
        await stack.ready()
      })

      it('invalidates a table by name after an external write', async () => {
        await staysRight(tags, async () => {
          await stack.bareDb('Tag').where('id', 4).update({ label: 'elsewhere' })
          stack.sluice.invalidate('Tag')
        })
        expect(() => stack.sluice.invalidate('NoSuchTable')).toThrow(/NoSuchTable|knows/)
      })
    })

    describe('transactions', () => {
      const read = (k: Knex | Knex.Transaction) => k('Tag').where('id', 5).first()
      let round = 0
      const fresh = () => {
        round += 1
        return `knex ${round}`
      }
      const set = (k: Knex | Knex.Transaction, label: string) => k('Tag').where('id', 5).update({ label })
      const isRight = async () => expect(await read(db)).toEqual(await read(stack.bareDb))

      it('invalidate results on commit', async () => {
        await read(db)
        await db.transaction(async (trx) => {
          await set(trx, fresh())
        })
        await isRight()
      })

      it('leave results cached on rollback', async () => {
        await read(db)
        await expect(
          db.transaction(async (trx) => {
            await set(trx, fresh())
            throw new Error('undo')
          }),
        ).rejects.toThrow('undo')
        stack.taken()
        await read(db)
        expect(stack.taken()).toEqual([])
        await isRight()
      })

      it('read their own writes', async () => {
        const text = fresh()
        await read(db)
        await db.transaction(async (trx) => {
          await set(trx, text)
          expect((await read(trx)).label).toBe(text)
        })
      })

      it('follow savepoints: a rolled back savepoint changes nothing, a released one invalidates on the outer commit', async () => {
        await read(db)
        await db.transaction(async (trx) => {
          await trx
            .transaction(async (inner) => {
              await set(inner, fresh())
              throw new Error('undo')
            })
            .catch(() => undefined)
          await trx('countries').where('code', 'FR').update({ name: fresh() })
        })
        stack.taken()
        await read(db)
        expect(stack.taken()).toEqual([])
        await db.transaction(async (trx) => {
          await trx.transaction(async (inner) => {
            await set(inner, fresh())
          })
        })
        await isRight()
      })

      it('follow manual transactions, and builders passed to a transaction', async () => {
        await read(db)
        const trx = await db.transaction()
        await db('Tag').transacting(trx).where('id', 5).update({ label: fresh() })
        await trx.commit()
        await isRight()
        const undone = await db.transaction()
        await set(undone, fresh())
        await undone.rollback()
        await isRight()
      })

      it.runIf(dialect === 'postgresql')(
        'leave results cached when the database answers a COMMIT with ROLLBACK',
        async () => {
          await read(db)
          await db.transaction(async (trx) => {
            await set(trx, fresh())
            await trx.raw('select 1/0').catch(() => undefined)
          })
          await isRight()
        },
      )

      it.skipIf(dialect === 'sqlite')(
        'do not let other readers cache results from before the commit',
        async () => {
          const text = fresh()
          await db.transaction(async (trx) => {
            await set(trx, text)
            expect((await read(db)).label).not.toBe(text)
          })
          expect((await read(db)).label).toBe(text)
        },
      )

      it('are never batched across', async () => {
        await stack.sluice.run(() =>
          db
            .transaction(async (trx) => {
              await trx('Tag').insert({ id: 70, label: 'mine' })
              expect(await Promise.all([1, 70].map((id) => trx('Tag').where({ id }).first()))).toEqual([
                (await stack
                  .bareDb('Tag')
                  .where({ id: 1 })
                  .first()
                  .catch(() => expect.anything())) ?? expect.anything(),
                expect.objectContaining({ id: 70 }),
              ])
              await trx.rollback()
            })
            .catch(() => undefined),
        )
        expect(await db('Tag').where({ id: 70 }).first()).toBeUndefined()
      })
    })

    it('streams as without Sluice, counts each stream once, and caches none of it', async () => {
      const rows: unknown[] = []
      stack.taken()
      const before = stack.sluice.queries.getStats().statements
      for await (const row of db('Tag').orderBy('id').stream()) rows.push(row)
      expect(rows).toEqual(await stack.bareDb('Tag').orderBy('id'))
      expect(stack.sluice.queries.getStats().statements - before).toBe(1)
    })

    it('passes builders with listeners through', async () => {
      const heard: unknown[] = []
      const read = () =>
        db('Tag')
          .where('id', 1)
          .on('query-response', (response: unknown) => heard.push(response))
      await read()
      await read()
      expect(heard).toHaveLength(2)
    })

    it('counts each operation of a scope once in every mode', async () => {
      for (const options of [
        { mode: 'observe' },
        { mode: 'optimize', rollout: 0 },
        { mode: 'optimize' },
      ] as const) {
        const sluice = createSluice({ ...options, cache: false })
        const own = withSluice(knex(stack.database.knexConfig()), sluice)
        const reports: number[][] = []
        sluice.on('scope', ({ operations, queries }) => reports.push([operations, queries]))
        await own('Tag').first()
        await sluice.run(async () => {
          await own('Tag').where('id', 1)
          await own('Tag').orderBy('id').limit(1)
        })
        expect(reports).toEqual([[2, 2]])
        await own.destroy()
      }
    })

    it('restores the instance unchanged', async () => {
      const sluice = createSluice()
      const own = knex(stack.database.knexConfig())
      const prototype = Object.getPrototypeOf(own.client) as object
      const name = own.client.constructor.name
      expect(withSluice(own, sluice)).toBe(own)
      expect(own.client.constructor.name).toBe(name)
      await own('Tag').first()
      expect(sluice.queries.getStats().statements).toBe(1)
      unsluice(own)
      expect(Object.getPrototypeOf(own.client)).toBe(prototype)
      await own('Tag').first()
      expect(sluice.queries.getStats().statements).toBe(1)
      await own.destroy()
    })

    it('passes errors of Knex through unchanged and counts none', async () => {
      const ask = (k: Knex) =>
        Promise.allSettled(
          [1, undefined, 2].map((id) =>
            k('Tag')
              .where('id', id as never)
              .first(),
          ),
        )
      const textOf = (results: Awaited<ReturnType<typeof ask>>) =>
        JSON.stringify(results.map((one) => (one.status === 'rejected' ? String(one.reason) : one.value)))
      const emitted: unknown[] = []
      const stop = stack.sluice.on('error', (error) => emitted.push(error))
      const found = textOf(await stack.sluice.run(() => ask(db)))
      stop()
      expect(found).toBe(textOf(await ask(stack.bareDb)))
      expect(found).toContain('Undefined binding(s)')
      expect([emitted, stack.sluice.queries.getStats().errors]).toEqual([[], 0])
      expect(stack.sluice.queries.getStats().passedThrough['cache:COMPILE_ERROR']).toBe(1)
    })

    it('passes database errors through unchanged', async () => {
      const ask = (k: Knex) => k('no_such_table').where('id', 1).first()
      const bare: Error = await ask(stack.bareDb).then(
        () => new Error('none'),
        (error: Error) => error,
      )
      await expect(ask(db)).rejects.toThrow(bare.message)
    })
  })
})
