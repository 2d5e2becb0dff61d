import {
  type Connection,
  type DatabaseSnapshot,
  inspectDatabase,
  type PostgresqlScratch,
} from '@sluice/core/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPgliteScratch } from '../../../packages/cli/src/scratch/pglite-scratch.ts'
import { PostgresqlPlanner } from '../../../packages/core/src/database/advisor/planners/postgresql-planner.ts'
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

describe.skipIf(kind?.skipped !== undefined)('a scratch PostgreSQL that is newer than the server', () => {
  let database: Database
  let snapshot: DatabaseSnapshot
  let scratch: PostgresqlScratch

  beforeAll(async () => {
    database = (await kind?.connect()) as Database
    await database.exec(`
      CREATE TABLE place (id integer PRIMARY KEY, is_open boolean NOT NULL, area integer NOT NULL);
      INSERT INTO place SELECT i, i % 2 = 0, i % 5000 FROM generate_series(1, 50000) AS i;
      CREATE INDEX place_open_area ON place (is_open, area);
      ANALYZE place`)
    snapshot = await inspectDatabase(database)
    scratch = await createPgliteScratch(snapshot)
  }, TEST_MS)
  afterAll(async () => {
    await scratch?.close()
    await database.drop()
  })

  /** Cost of a statement on a server of this version. */
  const costOn = async (version: number, sql: string) => {
    const { session, supposer } = scratch
    const planner = new PostgresqlPlanner(session, { ...snapshot, versionParts: [version, 0, 0] }, supposer)
    const use = { uses: [], isOrdered: true } as never
    return (await planner.answer({ id: 1, sql, bindings: [[]], use }, [])).cost
  }

  it('searches an index without its first column only if the server can', async () => {
    const byArea = 'SELECT * FROM place WHERE area = 7'
    const skipping = await costOn(18, byArea)
    expect(await costOn(17, byArea)).toBeGreaterThan(10 * skipping)
    // The index is hidden for one plan.
    expect(await costOn(18, byArea)).toBe(skipping)
  })

  it('uses the first column on every version', async () => {
    const both = 'SELECT * FROM place WHERE is_open AND area = 7'
    expect(await costOn(17, both)).toBe(await costOn(18, both))
  })
})
