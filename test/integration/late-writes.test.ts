import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, memoryStore } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import { sluiceAdapter } from '@sluice/prisma'
import knex from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseOf } from '../services/service.ts'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { warningsOf } from '../support/warnings.ts'

const [postgres, mariadb] = ['postgresql', 'mysql'].map((dialect) =>
  databases().find((kind) => kind.dialect === dialect),
)

describe('a database that may execute writes late', () => {
  let database: Database | undefined
  const limit = async (ms: number) => {
    for (const name of ['statement_timeout', 'idle_in_transaction_session_timeout'])
      await database?.exec(`ALTER DATABASE ${databaseOf(database.url)} SET ${name} = ${ms}`)
  }
  const byKnex = (client: string, isShared = true) =>
    warningsOf(async () => {
      const sluice = createSluice({
        mode: 'optimize',
        cache: isShared ? { store: memoryStore({ leaseMs: 10_000 }) } : {},
      })
      const db = withSluice(
        knex({ client, connection: database?.url ?? '', pool: { min: 0, max: 2 } }),
        sluice,
      )
      await db.select(db.raw('1 as one'))
      await catalogsRead(sluice)
      await db.destroy()
      await sluice.close()
    })
  afterEach(() => database?.drop())

  describe.skipIf(postgres?.skipped !== undefined)('on PostgreSQL', () => {
    beforeEach(async () => {
      database = await postgres?.connect()
    })

    it('causes one warning with the settings that limit it', async () => {
      const [warning, ...others] = await byKnex('pg')
      expect(warning).toMatch(/Set statement_timeout and idle_in_transaction_session_timeout to 5 s or less/)
      expect(others).toEqual([])
    })

    it('causes a warning through the Prisma adapter', async () => {
      const warnings = await warningsOf(async () => {
        const sluice = createSluice({ mode: 'optimize', cache: { store: memoryStore() } })
        const adapter = await sluiceAdapter(
          new PrismaPg({ connectionString: database?.url ?? '' }),
          sluice,
        ).connect()
        await adapter.queryRaw({ sql: 'SELECT 1', args: [], argTypes: [] })
        await catalogsRead(sluice)
        await adapter.dispose()
        await sluice.close()
      })
      expect(warnings).toEqual([expect.stringMatching(/to 15 s or less/)])
    })

    it('causes no warning if limits are set or no store is shared', async () => {
      expect(await byKnex('pg', false)).toEqual([])
      await limit(5_000)
      expect(await byKnex('pg')).toEqual([])
      await limit(5_001)
      expect(await byKnex('pg')).toHaveLength(1)
    })
  })

  describe.skipIf(mariadb?.skipped !== undefined)('on MariaDB', () => {
    it('causes a warning with the settings that limit it', async () => {
      database = await mariadb?.connect()
      expect(await byKnex('mysql2')).toEqual([
        expect.stringMatching(/Set max_statement_time and idle_transaction_timeout to 5 s or less/),
      ])
    })
  })
})
