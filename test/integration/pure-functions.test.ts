import type { Dialect } from '@sluice/core'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { returnsRows } from '../../packages/core/src/adapter/select/row-functions.ts'
import { analyzeSql } from '../../packages/core/src/sql/analyze.ts'
import { readQueryTree } from '../../packages/core/src/sql/tree/read-sql.ts'
import { type Database, databases } from '../support/databases.ts'
import { TEST_MS } from '../support/patience.ts'

const [, postgresql] = databases()
const call = (name: string) => `SELECT ${name}(x) FROM t`

/** The functions that Sluice evaluates without knowing the database. */
function pureOf(names: readonly string[], dialect: Dialect): readonly string[] {
  return names.filter((name) => {
    const { functions, volatile, opaque } = analyzeSql(call(name), dialect).statement
    return functions.size === 0 && !volatile && opaque === undefined
  })
}

const treeOf = (name: string, dialect: Dialect) => readQueryTree(call(name), dialect)
const isAggregate = (name: string, dialect: Dialect) =>
  treeOf(name, dialect).root.outputs[0]?.isAggregated === true

describe.skipIf(postgresql?.skipped !== undefined)('the pure functions of PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgresql?.connect()) as Database
  }, TEST_MS)
  afterAll(() => database?.drop())

  async function named(condition: string): Promise<readonly string[]> {
    const rows = await database.query(
      `SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND ${condition}`,
    )
    return pureOf(
      rows.map(({ proname }) => String(proname)),
      'postgresql',
    )
  }

  it('are known to combine rows if they do', async () => {
    const names = await named("oid IN (SELECT aggfnoid FROM pg_aggregate WHERE aggkind <> 'h')")
    expect(names).toContain('jsonb_agg')
    expect(names.filter((name) => !isAggregate(name, 'postgresql'))).toEqual([])
  })

  it('are known to return several rows if they do', async () => {
    const names = await named('proretset')
    expect(names).toContain('unnest')
    expect(names.filter((name) => !returnsRows(treeOf(name, 'postgresql').tokens))).toEqual([])
  })
})

describe('the pure functions of SQLite', () => {
  it('are known to combine rows if they do', () => {
    const database = new Sqlite(':memory:')
    database.exec('CREATE TABLE t (x)')
    const rows = database
      .prepare("SELECT DISTINCT name FROM pragma_function_list WHERE type IN ('a', 'w')")
      .all()
    const isAllowed = (name: string) => {
      try {
        return database.prepare(call(name)).columns().length > 0
      } catch {
        // It has other arguments, or is a window function.
        return false
      }
    }
    const names = pureOf(
      rows.map((row) => (row as { readonly name: string }).name).filter(isAllowed),
      'sqlite',
    )
    expect(names).toContain('jsonb_group_array')
    expect(names.filter((name) => !isAggregate(name, 'sqlite'))).toEqual([])
    database.close()
  })
})
