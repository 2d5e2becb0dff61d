import {
  type Connection,
  type DatabaseSnapshot,
  inspectDatabase,
  type PostgresqlScratch,
} from '@sluice/core/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPgliteScratch } from '../../../packages/cli/src/scratch/pglite-scratch.ts'
import { CITIES } from '../../support/city-workload.ts'
import { type Database, databases } from '../../support/databases.ts'
import { TEST_MS } from '../../support/patience.ts'

const kind = databases().find(({ dialect }) => dialect === 'postgresql')

const SEARCH = 'EXPLAIN SELECT * FROM city WHERE id = 7'

describe.skipIf(kind?.skipped !== undefined)('a scratch PostgreSQL', () => {
  let database: Database
  let snapshot: DatabaseSnapshot
  let scratch: PostgresqlScratch

  beforeAll(async () => {
    database = (await kind?.connect()) as Database
    await database.exec(CITIES.postgresql)
    await database.exec(
      'SET enable_indexscan = off; SET enable_bitmapscan = off; SET parallel_setup_cost = 77',
    )
    snapshot = await inspectDatabase(database)
    await database.exec('RESET ALL')
    scratch = await createPgliteScratch({
      ...snapshot,
      settings: { ...snapshot.settings, enable_telepathy: 'on' },
    })
  }, TEST_MS)
  afterAll(async () => {
    await scratch?.close()
    await database.drop()
  })

  const planOf = async (session: Connection) =>
    (await session.query(SEARCH)).map((row) => String(row['QUERY PLAN'])).join('\n')

  it('copies the changed settings of the server', async () => {
    const changed = Object.entries(snapshot.settings).filter(([name]) => name.startsWith('enable_'))
    expect(Object.fromEntries(changed)).toEqual({ enable_indexscan: 'off', enable_bitmapscan: 'off' })
    for (const [name, value] of [...changed, ['parallel_setup_cost', '77']])
      expect(await scratch.session.query(`SELECT current_setting('${name}') AS value`)).toEqual([{ value }])
  })

  it('plans with the copied settings', async () => {
    expect(await planOf(database)).toContain('Index Scan')
    expect(await planOf(scratch.session)).toContain('Seq Scan on city')
  })

  it('reports settings that it does not have', () => {
    expect(scratch.gaps).toEqual([expect.stringMatching(/^setting enable_telepathy: .*unrecognized/)])
  })
})
