import { createSluice, type Dialect, type Sluice } from '@sluice/core'
import type { ContractClient } from '@sluice/core/adapter-contract'
import { hostOf } from '@sluice/core/siblings'
import { withSluice } from '@sluice/kysely'
import * as kysely from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTables, knexHarness, pgHarness, prismaHarness } from '../support/contract-harnesses.ts'
import type { Harness } from '../support/contract-tables.ts'
import { type Database, databases } from '../support/databases.ts'
import { drizzleHarness } from '../support/drizzle-harness.ts'
import { drizzleVersions } from '../support/drizzle-versions.ts'
import { kyselyDialect, kyselyHarness } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'
import { pinnedConnection } from '../support/pinned-connection.ts'

const EVERYWHERE: Readonly<Record<string, Harness>> = {
  knex: knexHarness,
  kysely: kyselyHarness(kysely),
  prisma: prismaHarness,
}
const DRIZZLE = Object.fromEntries(
  drizzleVersions.map((version) => [`drizzle ${version.name}`, drizzleHarness(version)]),
)
const HARNESSES: Readonly<Record<Dialect, Readonly<Record<string, Harness>>>> = {
  sqlite: EVERYWHERE,
  postgresql: { ...EVERYWHERE, pg: pgHarness },
  mysql: { ...EVERYWHERE, ...DRIZZLE },
}

/**
 * Ends the transaction of a client by a statement that is neither COMMIT nor ROLLBACK.
 *
 * @param also - A statement that is sent right behind it.
 */
type End = (
  database: Database,
  execute: (sql: string) => Promise<unknown>,
  also?: () => Promise<unknown>,
) => Promise<void>

const ENDS: Readonly<Record<Dialect, End>> = {
  async sqlite(_, execute) {
    await expect(execute('UPDATE OR ROLLBACK authors SET id = 1 WHERE id = 2')).rejects.toThrow()
  },
  // If prepared transactions are disabled, the error ends the transaction.
  async postgresql(_, execute) {
    await execute("PREPARE TRANSACTION 'sluice_ended'").catch(() => {})
  },
  async mysql(database, execute, also) {
    const other = await pinnedConnection(database)
    try {
      await execute('UPDATE posts SET views = 1 WHERE id = 3')
      await other.query('BEGIN')
      // InnoDB chooses the transaction with fewer modified rows as the victim.
      await other.query('UPDATE posts SET views = views + 1 WHERE id > 3')
      const waiting = other.query('UPDATE posts SET views = 2 WHERE id = 3')
      const [ended] = await Promise.allSettled([execute('UPDATE posts SET views = 2 WHERE id = 4'), also?.()])
      expect(ended.status).toBe('rejected')
      await waiting
      await other.query('ROLLBACK')
    } finally {
      await other.close()
    }
  },
}

describe.each(databases())('a transaction that ends unseen on $name', ({ dialect, connect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let database: Database
    beforeAll(async () => {
      database = await connect()
      await createTables(database)
    }, TEST_MS)
    afterEach(async () => {
      if (dialect === 'postgresql') await database.exec("ROLLBACK PREPARED 'sluice_ended'").catch(() => {})
    })
    afterAll(() => database?.drop())

    const stored = async () => (await database.query('SELECT title FROM posts WHERE id = 1'))[0]?.title

    describe.each(Object.entries(HARNESSES[dialect]))('with %s', (orm, harness) => {
      let sluice: Sluice
      let db: ContractClient
      beforeEach(async () => {
        const { reset, open } = await harness(database)
        await reset()
        sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
        db = await open(sluice)
        await expect
          .poll(async () => (await title()) && hostOf(sluice).catalogs.isKnown(), { timeout: TEST_MS })
          .toBe(true)
        await title()
      }, TEST_MS)
      afterEach(async () => {
        expect(sluice.queries.getStats().errors).toBe(0)
        await db.close()
        await sluice.close()
      })

      const title = () =>
        sluice.run(async () => /"title":"([^"]*)"/.exec(JSON.stringify(await db.byKey(1)))?.[1])

      /** Runs `work` in a transaction. SQLite rejects the COMMIT or ROLLBACK behind it. */
      async function inTransaction(
        end: 'COMMIT' | 'ROLLBACK',
        work: (client: ContractClient) => Promise<void>,
      ): Promise<void> {
        let isDone = false
        await db
          .transaction(async (client) => {
            await work(client)
            isDone = true
            if (end === 'ROLLBACK') throw new Error('The app gives up.')
          })
          .catch(() => {})
        expect(isDone).toBe(true)
      }
      const executed = (client: ContractClient) => async (sql: string) => client.execute?.(sql)

      it.each(['COMMIT', 'ROLLBACK'] as const)(
        'shows what was written between its end and %s',
        {
          timeout: TEST_MS,
        },
        async (end) => {
          await inTransaction(end, async (client) => {
            await ENDS[dialect](database, executed(client))
            await client.update(1, 'after the end')
            // The only connection of SQLite is in use.
            if (dialect !== 'sqlite') expect(await title()).toBe('after the end')
          })
          expect(await title()).toBe('after the end')
          await db.update(1, 'a separate write')
          expect(await title()).toBe('a separate write')
        },
      )

      it.runIf(dialect === 'mysql')(
        'shows a write that was sent before the answer',
        { timeout: TEST_MS },
        async () => {
          await inTransaction('ROLLBACK', async (client) => {
            await ENDS[dialect](database, executed(client), () => client.update(1, 'right behind'))
            // Prisma can send it first.
            if (orm !== 'prisma') expect(await stored()).toBe('right behind')
            expect(await title()).toBe(await stored())
          })
          expect(await title()).toBe(await stored())
        },
      )

      it.runIf(dialect === 'postgresql')('shows a prepared transaction after its commit', async () => {
        const [setting] = await database.query('SHOW max_prepared_transactions')
        if (setting?.max_prepared_transactions === '0') return
        await inTransaction('ROLLBACK', async (client) => {
          await client.update(1, 'prepared')
          await ENDS[dialect](database, executed(client))
        })
        expect(await title()).toBe('Post 1')
        await db.execute?.("COMMIT PREPARED 'sluice_ended'")
        expect(await title()).toBe('prepared')
      })
    })

    describe('with Kysely on one connection', () => {
      let sluice: Sluice
      let db: kysely.Kysely<{ posts: { id: number; title: string } }>
      beforeEach(async () => {
        const { reset } = await kyselyHarness(kysely)(database)
        await reset()
        sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
        db = new kysely.Kysely({ dialect: withSluice(kyselyDialect(database, kysely, 1), sluice) })
        await expect
          .poll(async () => (await title()) && hostOf(sluice).catalogs.isKnown(), { timeout: TEST_MS })
          .toBe(true)
      }, TEST_MS)
      afterEach(async () => {
        await db.destroy()
        await sluice.close()
      })

      const send = (text: string, on: typeof db = db) => kysely.sql.raw(text).execute(on)
      const title = async () =>
        (await db.selectFrom('posts').select('title').where('id', '=', 1).executeTakeFirst())?.title
      const rename = (to: string) => db.updateTable('posts').set({ title: to }).where('id', '=', 1).execute()

      it('shows later writes after a transaction that was begun by a statement', async () => {
        await db.connection().execute(async (held) => {
          await send('begin', held)
          await ENDS[dialect](database, (text) => send(text, held))
        })
        for (const to of ['a separate write', 'another']) {
          await rename(to)
          expect(await title()).toBe(to)
        }
      })

      it('caches no row of a transaction that was begun by a statement', async () => {
        await send('begin')
        await rename('uncommitted')
        expect(await title()).toBe('uncommitted')
        await send('rollback')
        expect(await title()).toBe('Post 1')
      })

      it('begins a transaction on a connection whose transaction has ended', async () => {
        await db.connection().execute(async (held) => {
          await held.transaction().execute((transaction) => send('select 1', transaction))
          await send('begin', held)
        })
        await rename('uncommitted')
        expect(await title()).toBe('uncommitted')
        await send('rollback')
        expect(await title()).toBe('Post 1')
      })
    })
  })
})
