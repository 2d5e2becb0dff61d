import { createSluice, type Dialect, type Sluice } from '@sluice/core'
import type { ContractClient } from '@sluice/core/adapter-contract'
import { hostOf } from '@sluice/core/siblings'
import { withSluice } from '@sluice/drizzle'
import SqliteDatabase from 'better-sqlite3'
import * as kysely from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTables, knexHarness, pgHarness, prismaHarness } from '../support/contract-harnesses.ts'
import type { Harness } from '../support/contract-tables.ts'
import { type Database, databases } from '../support/databases.ts'
import { drizzleHarness } from '../support/drizzle-harness.ts'
import { type DrizzleVersion, drizzleVersions } from '../support/drizzle-versions.ts'
import { kyselyHarness } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'

/** An ORM that reads with a cache, or only writes. */
type Orm = Pick<ContractClient, 'update' | 'close'> & Partial<Pick<ContractClient, 'byKey' | 'transaction'>>

const EVERYWHERE: Readonly<Record<string, Harness>> = {
  knex: knexHarness,
  prisma: prismaHarness,
  kysely: kyselyHarness(kysely),
}
const DRIZZLE = Object.fromEntries(
  drizzleVersions.map((version) => [`drizzle ${version.name}`, drizzleHarness(version)]),
)
const ON: Readonly<Record<Dialect, Readonly<Record<string, Harness>>>> = {
  postgresql: { ...EVERYWHERE, ...DRIZZLE, pg: pgHarness },
  mysql: { ...EVERYWHERE, ...DRIZZLE },
  sqlite: EVERYWHERE,
}

/** Drizzle on `better-sqlite3`, which is only observed. */
function synchronousDrizzle(version: DrizzleVersion, { filename = '' }: Database, sluice: Sluice): Orm {
  const { integer, sqliteTable, text } = version.sqliteCore
  const { eq } = version.orm
  const posts = sqliteTable('posts', { id: integer().primaryKey(), title: text() })
  const client = withSluice(new SqliteDatabase(filename), sluice)
  const db = version.betterSqlite3.drizzle({ client })
  return {
    update: async (id, title) =>
      db.transaction((transaction) => transaction.update(posts).set({ title }).where(eq(posts.id, id)).run()),
    close: async () => void client.close(),
  }
}

describe.each(databases())('several ORMs with one Sluice on $name', ({ dialect, connect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let database: Database
    let sluice: Sluice
    const orms = new Map<string, Orm>()

    beforeAll(async () => {
      database = await connect()
      await createTables(database)
      sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
      for (const [name, make] of Object.entries(ON[dialect])) {
        const harness = await make(database)
        if (orms.size === 0) await harness.reset()
        orms.set(name, await harness.open(sluice))
      }
      if (dialect === 'sqlite')
        for (const version of drizzleVersions)
          orms.set(`drizzle ${version.name}`, synchronousDrizzle(version, database, sluice))
      await vi.waitUntil(async () => (await queriesOf(orms.get('knex') as Orm, 1)) === 0, TEST_MS)
    }, TEST_MS)
    afterAll(async () => {
      for (const orm of orms.values()) await orm.close()
      await sluice?.close()
      await database?.drop()
    })

    /** Statements for one read of a post. */
    async function queriesOf({ byKey }: Orm, id: number): Promise<number> {
      const scope = sluice.openScope('read')
      await scope.enter(async () => byKey?.(id))
      return scope.end().queries
    }

    const titleIn = (value: unknown) => /"title":"([^"]*)"/.exec(JSON.stringify(value))?.[1]

    async function expectAll(id: number, title: string): Promise<void> {
      for (const [name, { byKey }] of orms)
        if (byKey !== undefined)
          expect([name, titleIn(await sluice.run(() => byKey(id)))]).toEqual([name, title])
    }

    it('see what each of them writes', { timeout: TEST_MS }, async () => {
      const readers = [...orms].filter(([, { byKey }]) => byKey !== undefined)
      for (const [writer, { update }] of orms) {
        // Each has its own catalog.
        await vi.waitUntil(() => !hostOf(sluice).catalogs.isReading(), TEST_MS)
        await vi.waitUntil(async () => {
          const queries = await Promise.all(readers.map(([, reader]) => queriesOf(reader, 3)))
          return queries.every((count) => count === 0)
        }, TEST_MS)
        await update(3, `by ${writer}`)
        await expectAll(3, `by ${writer}`)
      }
    })

    it('see what a transaction wrote when it commits, and nothing of one that is rolled back', async () => {
      await database.exec(`UPDATE posts SET title = 'before' WHERE id = 4`)
      await orms.get('knex')?.update(4, 'first')
      for (const [writer, { transaction }] of orms) {
        if (transaction === undefined) continue
        await expectAll(4, 'first')
        await transaction(async (client) => {
          await client.update(4, `by ${writer}`)
          // SQLite has one writer, and Prisma one connection.
          if (dialect !== 'sqlite') await expectAll(4, 'first')
        })
        await expectAll(4, `by ${writer}`)
        const undone = transaction(async (client) => {
          await client.update(4, 'undone')
          throw new Error('Undone.')
        })
        await expect(undone).rejects.toThrow('Undone.')
        await expectAll(4, `by ${writer}`)
        await orms.get('knex')?.update(4, 'first')
      }
    })
  })
})
