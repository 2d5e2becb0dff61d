import { analyzeSql, type Connection, type Dialect } from '@sluice/core'
import {
  type AdvisorTools,
  analyzeDatabase,
  type DatabaseAnalysis,
  type DatabaseFinding,
  inspectDatabase,
  type WorkloadEntry,
} from '@sluice/core/database'
import openSqlite from 'better-sqlite3'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgresWithHypopg } from '../../services/postgres.ts'
import { ServiceUnavailableError, type TestService } from '../../services/service.ts'
import { type Database, databases } from '../../support/databases.ts'
import { keepBusy } from '../../support/keep-busy.ts'
import { TEST_MS } from '../../support/patience.ts'
import { type PinnedConnection, pinnedConnection } from '../../support/pinned-connection.ts'
import { createShop } from '../../support/shop.ts'

const ANALYZE = {
  sqlite: 'ANALYZE',
  postgresql: 'VACUUM (ANALYZE)',
  mysql: 'ANALYZE TABLE customers, orders',
}

/** With `?`, which becomes `$1`, `$2`, … in PostgreSQL. */
const statements: readonly (readonly [
  sql: string,
  calls: number,
  samples: readonly (readonly unknown[])[],
])[] = [
  [
    'SELECT id, total FROM orders WHERE customer_id = ? ORDER BY placed_at DESC LIMIT ?',
    500,
    [
      [7, 10],
      [40, 10],
    ],
  ],
  ['SELECT * FROM customers WHERE email = ?', 300, [['c7@example.org']]],
  ["SELECT id, placed_at FROM orders WHERE status = 'open' ORDER BY placed_at LIMIT ?", 200, [[50]]],
  [
    'SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.country = ? AND o.total > ?',
    20,
    [['C3', 900]],
  ],
  ['SELECT status, count(*) FROM orders GROUP BY status', 2, [[]]],
  ['SELECT * FROM orders WHERE id = ?', 9_000, [[3]]],
  ['INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)', 50, []],
  ['SELECT nonsense FROM (', 1, []],
  ['SELECT * FROM gone WHERE id = ?', 1, [[1]]],
]

function workloadOf(dialect: Dialect): WorkloadEntry[] {
  return statements.map(([text, calls, samples]) => {
    let place = 0
    const sql = dialect === 'postgresql' ? text.replaceAll('?', () => `$${++place}`) : text
    const { fingerprint } = analyzeSql(sql, dialect)
    const kind = sql.startsWith('INSERT') ? 'write' : 'read'
    const times = { totalMs: calls * 4, maxMs: 9, firstSeenAt: 0, lastSeenAt: 0 }
    return {
      fingerprint,
      dialect,
      sql,
      kind,
      calls,
      rows: calls,
      callSites: [],
      samples,
      source: 'app',
      ...times,
    }
  })
}

/** Every object in the database: an analysis must not change them. */
const OBJECTS: Readonly<Record<Dialect, string>> = {
  sqlite: 'SELECT type, name, sql FROM sqlite_schema ORDER BY name',
  postgresql:
    "SELECT c.relname AS name, c.relkind::text AS kind FROM pg_class c WHERE c.relnamespace::regnamespace::text !~ '^pg_(catalog|toast)|information_schema' UNION ALL SELECT extname, 'extension' FROM pg_extension ORDER BY 1, 2",
  mysql:
    "SELECT table_name AS name, 'table' AS kind FROM information_schema.tables WHERE table_schema = DATABASE() UNION ALL SELECT CONCAT(table_name, '.', index_name), column_name FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1, 2",
}

const sqliteTools: AdvisorTools = {
  sqliteScratch: async () => {
    const file = openSqlite(':memory:')
    const query: Connection['query'] = async (sql, params = []) => {
      const statement = file.prepare<unknown[], Record<string, unknown>>(sql)
      if (statement.reader) return statement.all(...params)
      statement.run(...params)
      return []
    }
    return { dialect: 'sqlite', query, close: async () => void file.close() }
  },
}

function missing({ findings }: DatabaseAnalysis): DatabaseFinding[] {
  return findings.filter(({ code }) => code === 'MISSING_INDEX')
}

function titles(analysis: DatabaseAnalysis): string[] {
  return missing(analysis)
    .map(({ title }) => title)
    .sort()
}

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`analyzeDatabase on ${name}`, () => {
    let database: Database
    let connection: PinnedConnection
    let analysis: DatabaseAnalysis
    let before: unknown
    let after: unknown

    beforeAll(async () => {
      database = await connect()
      await createShop(database, dialect)
      await database.exec(ANALYZE[dialect])
      connection = await pinnedConnection(database)
      before = await connection.query(OBJECTS[dialect])
      const snapshot = await inspectDatabase(connection)
      analysis = await analyzeDatabase({
        connection,
        snapshot,
        workload: workloadOf(dialect),
        tools: sqliteTools,
      })
      after = await connection.query(OBJECTS[dialect])
    }, TEST_MS)
    afterAll(async () => {
      await connection?.close()
      await database?.drop()
    })

    it('finds the indexes that the statements lack', () => {
      const found = titles(analysis)
      expect(found).toContain('customers(email)')
      expect(found.some((title) => title.startsWith('orders(customer_id'))).toBe(true)
      expect(
        found.some(
          (title) => title.startsWith('orders(status') || title.includes('WHERE "status" = \'open\''),
        ),
      ).toBe(true)
      expect(found.length, found.join()).toBeLessThanOrEqual(5)
    })

    it('reports how each index was validated', () => {
      const expected = { sqlite: ['clone'], postgresql: ['none'], mysql: ['sample'] }[dialect]
      expect([...new Set(missing(analysis).map(({ validation }) => validation))]).toEqual(expected)
      const measured = missing(analysis).filter((finding) => finding.measured !== undefined)
      expect(measured).toHaveLength(dialect === 'postgresql' ? 0 : missing(analysis).length)
      if (dialect === 'postgresql')
        expect(analysis.gaps.some(({ what }) => what === 'validation of indexes')).toBe(true)
    })

    it.skipIf(dialect !== 'sqlite')(
      'measures again if a busy machine may have decided the result',
      async () => {
        let slow = 3
        const sqliteScratch: typeof sqliteTools.sqliteScratch = async () => {
          const scratch = (await sqliteTools.sqliteScratch?.()) as NonNullable<
            Awaited<ReturnType<NonNullable<AdvisorTools['sqliteScratch']>>>
          >
          const query: Connection['query'] = async (sql, params) => {
            if (/^SELECT \* FROM customers WHERE email/.test(sql) && slow > 0) {
              slow -= 1
              keepBusy(40)
            }
            return scratch.query(sql, params)
          }
          return { ...scratch, query }
        }
        const again = await analyzeDatabase({
          connection,
          snapshot: await inspectDatabase(connection),
          workload: workloadOf(dialect),
          tools: { ...sqliteTools, sqliteScratch },
        })
        expect(slow).toBe(0)
        expect(titles(again)).toContain('customers(email)')
      },
    )

    it('returns SQL that creates each missing index', async () => {
      for (const { sql = [], changes } of missing(analysis)) {
        for (const statement of sql) await database.exec(statement)
        const undo = dialect === 'mysql' ? ` ON ${sql[0]?.match(/TABLE `?(\w+)/)?.[1]}` : ''
        await database.exec(`DROP INDEX ${changes[0]?.name}${undo}`)
      }
    })

    it('lists unreadable statements and unknown tables, and continues', () => {
      expect(analysis.left.filter(({ kind }) => kind !== 'cheap').map(({ kind }) => kind)).toEqual([
        'unreadable',
        'unknown-table',
      ])
    })

    it('leaves the database unchanged', () => {
      expect(after).toEqual(before)
    })

    it('is plain data', () => {
      expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis)
    })

    it('finds no additional indexes after the missing ones are created', { timeout: TEST_MS }, async () => {
      for (const { sql = [] } of missing(analysis))
        for (const statement of sql) await database.exec(statement)
      await database.exec(ANALYZE[dialect])
      const snapshot = await inspectDatabase(connection)
      const again = await analyzeDatabase({
        connection,
        snapshot,
        workload: workloadOf(dialect),
        tools: sqliteTools,
      })
      expect(titles(again)).toEqual([])
    })
  })
}

describe('analyzeDatabase with HypoPG', () => {
  let service: TestService | undefined
  let client: pg.Client | undefined
  let connection: Connection

  beforeAll(async () => {
    try {
      service = await startPostgresWithHypopg()
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error
      return
    }
    client = new pg.Client({ connectionString: service.url })
    await client.connect()
    const own = client
    const exec = (sql: string) => own.query(sql)
    await createShop({ exec }, 'postgresql')
    await exec('CREATE EXTENSION hypopg')
    await exec(ANALYZE.postgresql)
    const query: Connection['query'] = async (sql, params = []) =>
      (await own.query<Record<string, unknown>>(sql, [...params])).rows
    connection = { dialect: 'postgresql', query, session: (work) => work({ dialect: 'postgresql', query }) }
  }, TEST_MS)
  afterAll(async () => {
    await client?.end()
    await service?.stop()
  })

  it('uses the planner of the database itself', { timeout: TEST_MS }, async ({ skip }) => {
    if (service === undefined) return skip('no PostgreSQL with HypoPG')
    const snapshot = await inspectDatabase(connection)
    const analysis = await analyzeDatabase({ connection, snapshot, workload: workloadOf('postgresql') })
    expect(new Set(missing(analysis).map(({ validation }) => validation))).toEqual(new Set(['hypopg']))
    expect(titles(analysis)).toContain('customers(email)')
    expect(titles(analysis).some((title) => title.startsWith('orders(customer_id'))).toBe(true)
    expect(await connection.query('SELECT * FROM hypopg()')).toEqual([])
  })
})
