import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { knexDatabases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

interface Notified {
  readonly sql: string
  readonly bindings: unknown[]
}

/** Bookshelf registers a listener for `query` on every builder. */
describe.each(knexDatabases())('listeners of Knex builders on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    let db: Knex
    beforeAll(async () => {
      stack = await openStack(dialect, { client })
      await seed(stack.bare)
      db = stack.db
      await stack.ready()
    })
    beforeEach(() => stack.sluice.invalidate('posts'))
    afterAll(() => stack?.close())

    const byId = (from: Knex, id: number, listener: (query: Notified) => void) =>
      from('posts').where({ id }).first('id', 'title').on('query', listener)
    const ids = [1, 2, 3, 999]

    /** Runs a program, and counts the statements that it sends. */
    async function sent<T>(program: () => Promise<T>): Promise<readonly [T, number]> {
      stack.taken()
      const result = await stack.sluice.run(program)
      return [result, stack.taken().length]
    }

    it('are notified once of each read of a batch, and of each from the cache', async () => {
      const program = async (from: Knex) => {
        const notified: Notified[] = []
        const rows = await Promise.all(ids.map((id) => byId(from, id, (query) => notified.push(query))))
        return [rows, notified.map(({ sql, bindings }) => [sql, bindings])] as const
      }
      const expected = await program(stack.bareDb)
      expect(expected[1]).toHaveLength(ids.length)
      const [batched, first] = await sent(() => program(db))
      expect(first).toBe(1)
      const [cached, second] = await sent(() => program(db))
      expect(second).toBe(0)
      for (const [rows, notified] of [batched, cached]) {
        expect(rows).toEqual(expected[0])
        expect(new Set(notified.map((query) => JSON.stringify(query)))).toEqual(
          new Set(expected[1].map((query) => JSON.stringify(query))),
        )
        expect(notified).toHaveLength(ids.length)
      }
    })

    it('are notified before their caller, without a connection', async () => {
      await byId(db, 1, () => {})
      const events: unknown[] = []
      const [, count] = await sent(async () => {
        const query = byId(db, 1, (notified) => events.push('__knexUid' in notified))
        await query.then(() => events.push('result'))
      })
      expect([count, events]).toEqual([0, [false, 'result']])
    })

    it('are notified of prefetched reads', async () => {
      let notified = 0
      const [found, count] = await sent(async () => {
        const posts: { id: number }[] = await db('posts').select('id').orderBy('id').limit(20)
        const titles: unknown[] = []
        for (const { id } of posts) titles.push(await byId(db, id, () => (notified += 1)))
        return titles
      })
      expect(found).toHaveLength(20)
      expect([notified, count < 12]).toEqual([20, true])
    })

    it('reject their caller by an error', async () => {
      const read = () =>
        byId(db, 1, () => {
          throw new Error('not today')
        })
      await expect(stack.sluice.run(async () => read())).rejects.toThrow('not today')
      await byId(db, 1, () => {})
      await expect(stack.sluice.run(async () => read())).rejects.toThrow('not today')
    })

    it('change the statement of their builder only', async () => {
      const change = ({ bindings }: Notified) => {
        bindings[0] = 2
      }
      const expected = await byId(stack.bareDb, 1, change)
      expect(expected).toMatchObject({ id: 2 })
      await byId(db, 1, () => {})
      const [changed] = await sent(async () => byId(db, 1, change))
      expect(changed).toEqual(expected)
      expect((await sent(async () => byId(db, 1, () => {})))[0]).toMatchObject({ id: 1 })
      stack.sluice.invalidate('posts')
      expect((await sent(async () => byId(db, 1, change)))[0]).toEqual(expected)
      expect((await sent(async () => byId(db, 1, () => {})))[0]).toMatchObject({ id: 1 })
    })

    it.each(['start', 'query-response', 'query-error', 'error', 'end'])(
      'for %s keep a read from the cache',
      async (event) => {
        const read = () =>
          db('posts')
            .where({ id: 1 })
            .first('id')
            .on(event, () => {})
        await sent(async () => read())
        expect((await sent(async () => read()))[1]).toBe(1)
      },
    )

    it('are notified if responses are processed', async () => {
      const own = withSluice(
        knex({ ...stack.database.knexConfig(), postProcessResponse: (rows: unknown) => rows }),
        stack.sluice,
      )
      try {
        let notified = 0
        const before = stack.sluice.queries.getStats().cacheHits
        let reads = 0
        for (; reads < 1_000 && stack.sluice.queries.getStats().cacheHits === before; reads += 1) {
          await stack.sluice.run(async () => byId(own, 1, () => (notified += 1)))
          await new Promise((resolve) => setImmediate(resolve))
        }
        expect(stack.sluice.queries.getStats().cacheHits).toBeGreaterThan(before)
        expect(notified).toBe(reads)
      } finally {
        await own.destroy()
      }
    })
  })
})
