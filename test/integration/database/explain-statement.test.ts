import type { Connection } from '@sluice/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ExplainOptions,
  explainStatement,
} from '../../../packages/core/src/database/explain/explain-statement.ts'
import type { PlanSummary } from '../../../packages/core/src/database/explain/plan-summary.ts'
import type { DatabaseSnapshot } from '../../../packages/core/src/database/inspectors/database-snapshot.ts'
import { inspectDatabase } from '../../../packages/core/src/database/inspectors/inspect-database.ts'
import { type Database, databases } from '../../support/databases.ts'
import { cities, inspectedSchemas } from '../../support/inspected-schemas.ts'
import { withSession } from '../../support/with-session.ts'

/** A table of notes, and functions that write to it: one declared as volatile, and one declared wrongly. */
const FUNCTIONS = {
  sqlite: 'CREATE TABLE note (body text)',
  postgresql: `
    CREATE TABLE note (body text);
    CREATE SEQUENCE numbers;
    CREATE FUNCTION noted() RETURNS integer LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO note VALUES ('noted'); RETURN 1; END $$;
    CREATE FUNCTION lie() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN noted(); END $$;
    CREATE VIEW noting AS SELECT * FROM city WHERE id = lie()`,
  mysql: `
    CREATE TABLE note (body text);
    CREATE FUNCTION lie() RETURNS int DETERMINISTIC BEGIN INSERT INTO note VALUES ('noted'); RETURN 1; END;
    CREATE VIEW noting AS SELECT * FROM city WHERE id = (SELECT lie())`,
}

const TABLES = {
  sqlite: 'SELECT COUNT(*) AS tables FROM sqlite_schema',
  postgresql: 'SELECT COUNT(*) AS tables FROM pg_class',
  mysql: 'SELECT COUNT(*) AS tables FROM information_schema.tables WHERE table_schema = DATABASE()',
}

/** Statements that write when executed, or when parsed as a different kind of statement. */
const HARMFUL = {
  sqlite: [],
  postgresql: [
    'SELECT * INTO stolen FROM city',
    'CREATE TABLE stolen AS SELECT * FROM city',
    'EXECUTE something',
    `SELECT setval('numbers', 100)`,
    `SELECT nextval('numbers')`,
    'SELECT lie()',
    'SELECT * FROM city WHERE id = lie()',
    'SELECT * FROM noting',
    'WITH gone AS (DELETE FROM city RETURNING *) SELECT * FROM gone',
    `INSERT INTO note SELECT noted()::text`,
    '(ANALYZE) DELETE FROM city',
    "COPY city TO PROGRAM 'true'",
    'MERGE INTO note USING city ON false WHEN NOT MATCHED THEN INSERT VALUES (city.name)',
  ],
  mysql: [
    'SELECT name INTO @name FROM city LIMIT 1',
    `SELECT name INTO OUTFILE '/tmp/sluice-outfile' FROM city`,
    'SELECT lie()',
    'SELECT * FROM city WHERE id = lie()',
    'SELECT * FROM noting',
    'SELECT * FROM (SELECT lie() AS id) AS a',
    'INSERT INTO note SELECT lie()',
    'REPLACE INTO region VALUES (1, NULL)',
    'CALL something()',
    'SELECT /*! 1; DELETE FROM city; */ 1',
    '/*! ANALYZE */ DELETE FROM city',
    'FORMAT=JSON DELETE FROM city',
  ],
}
const HARMFUL_EVERYWHERE = [
  'DELETE FROM city',
  `UPDATE city SET name = 'x' WHERE id = 1`,
  `INSERT INTO note VALUES ('x')`,
  'INSERT INTO note SELECT name FROM city',
  'SELECT 1; DELETE FROM city',
  'SELECT 1;\n-- nothing\nDELETE FROM city;',
  'DELETE FROM city; SELECT 1',
  'ANALYZE DELETE FROM city',
  '/* only looking */ ANALYZE DELETE FROM city',
  'EXPLAIN DELETE FROM city',
  'DROP TABLE note',
  'COMMIT',
  'COMMIT; DELETE FROM city',
  '',
  ';',
]

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`explainStatement on ${name}`, () => {
    let database: Database
    let connection: Connection
    let snapshot: DatabaseSnapshot
    const sent: string[] = []
    const $ = (number: number) => (dialect === 'postgresql' ? `$${number}` : '?')
    const explain = (
      sql: string,
      bindings?: readonly unknown[],
      options?: ExplainOptions,
    ): Promise<PlanSummary> =>
      explainStatement(connection, sql, bindings, { tables: snapshot.tables, ...options })
    const id = (table: string) => snapshot.tables.find((each) => each.name === table)?.id
    const state = async () => {
      const counts = await database.query(
        'SELECT (SELECT COUNT(*) FROM city) AS cities, (SELECT COUNT(*) FROM note) AS notes, (SELECT COUNT(*) FROM region) AS regions',
      )
      const [sequence] =
        dialect === 'postgresql' ? await database.query('SELECT last_value, is_called FROM numbers') : []
      const [tables] = await database.query(TABLES[dialect])
      return { counts: counts.map((row) => Object.values(row).map(Number)), sequence, tables }
    }

    beforeAll(async () => {
      database = await connect()
      await database.exec(inspectedSchemas[dialect])
      await database.exec(FUNCTIONS[dialect])
      await database.exec(cities[dialect])
      await database.exec(dialect === 'mysql' ? 'ANALYZE TABLE city, region' : 'ANALYZE')
      snapshot = await inspectDatabase(database)
      const own = withSession(database)
      connection = withSession({
        dialect,
        query: (sql, params) => {
          sent.push(sql)
          return own.query(sql, params)
        },
      })
    })
    afterAll(() => database.drop())

    it('reports a full table scan and the rows that it reads', async () => {
      const plan = await explain(`SELECT * FROM city AS c WHERE c.label = ${$(1)}`, ['city 7!'])
      expect(plan.steps).toMatchObject([{ table: id('city'), name: 'c', access: 'full-scan' }])
      expect(plan.steps[0]?.index).toBeUndefined()
      expect(plan.rowsScanned).toBeGreaterThan(1900)
      expect(plan.rowsScanned).toBeLessThan(2100)
      expect(plan.executionTime).toBeUndefined()
      if (dialect === 'sqlite') expect(plan.cost).toBeUndefined()
      else expect(plan.cost).toBeGreaterThan(0)
    })

    it('reports an index and the columns that are searched by it', async () => {
      const plan = await explain(
        `SELECT id, name, code FROM city WHERE region_id = ${$(1)} AND population > ${$(2)}`,
        [3, 97],
      )
      const [step] = plan.steps
      expect(plan.steps).toHaveLength(1)
      expect(step?.searchedBy?.[0]).toBe('region_id')
      expect(step?.index).toMatch(/^city_/)
      expect(['index-search', 'bitmap']).toContain(step?.access)
      if (dialect !== 'sqlite') expect(plan.rowsScanned).toBeLessThan(200)
    })

    it('reports one row found by its key', async () => {
      const { steps, rowsScanned } = await explain(`SELECT name FROM city WHERE id = ${$(1)}`, [7])
      expect(steps).toMatchObject([{ table: id('city') }])
      expect(['key', 'index-search']).toContain(steps[0]?.access)
      expect(rowsScanned).toBe(1)
    })

    it('reports both sides of a join by their tables', async () => {
      const { steps } = await explain('SELECT c.name, r.name FROM region r JOIN city c ON c.region_id = r.id')
      expect(steps.map(({ table }) => table).sort()).toEqual([id('city'), id('region')].sort())
    })

    it('counts the sorts of a plan', async () => {
      const sorted = await explain('SELECT id, label FROM city ORDER BY label')
      const unsorted = await explain('SELECT id FROM city WHERE id > 5')
      expect([sorted.sorts, unsorted.sorts]).toEqual([1, 0])
    })

    it('counts temporary structures of a plan', async () => {
      const plan = await explain('SELECT label, COUNT(*) FROM city GROUP BY label')
      expect(plan.temporaryStructures).toBeGreaterThan(0)
    })

    it('plans writes without executing them', async () => {
      const before = await state()
      const { steps } = await explain(`UPDATE city SET population = 1 WHERE id = ${$(1)}`, [7])
      expect(steps).toMatchObject([{ table: id('city') }])
      await explain("DELETE FROM city WHERE label = 'x'")
      await explain(`INSERT INTO note VALUES (${$(1)})`, ['x'])
      expect(await state()).toEqual(before)
    })

    it.each([...HARMFUL_EVERYWHERE, ...HARMFUL[dialect]])(
      'writes nothing when it explains: %s',
      async (sql) => {
        const before = await state()
        for (const analyze of [false, true]) {
          const error = await explain(sql, undefined, { analyze }).then(
            () => undefined,
            (reason: unknown) => reason as { readonly code?: string },
          )
          if (analyze) expect(error).toBeDefined()
          expect(await state()).toEqual(before)
        }
      },
    )

    it('releases the session with its settings unchanged', async () => {
      const settings = {
        sqlite: 'SELECT 1',
        postgresql: `SELECT current_setting('statement_timeout') AS t, current_setting('transaction_read_only') AS r, current_setting('plan_cache_mode') AS p,
          (SELECT COUNT(*) FROM pg_prepared_statements WHERE name LIKE 'sluice%') AS s`,
        mysql: 'SELECT @@max_statement_time AS t, @@in_transaction AS r, @@tx_read_only AS p',
      }
      const before = await database.query(settings[dialect])
      await explain('SELECT * FROM city')
      await explain(`SELECT * FROM city WHERE id = ${$(1)}`, dialect === 'mysql' ? [1] : undefined)
      await explain('SELECT * FROM nowhere').catch(() => {})
      expect(await database.query(settings[dialect])).toEqual(before)
      await database.exec(`INSERT INTO note VALUES ('still writes'); DELETE FROM note`)
    })

    it('passes the error of the database through', async () => {
      await expect(explain('SELECT * FROM nowhere')).rejects.toThrow(/nowhere/)
    })

    if (dialect === 'sqlite') {
      it('plans without values if none are given, and with parameters of any kind', async () => {
        expect((await explain('SELECT * FROM city WHERE id = ?')).steps).toMatchObject([{ access: 'key' }])
        expect(
          (await explain('SELECT * FROM city WHERE code = :code AND id > ?1', [1, 'c2'])).steps,
        ).toMatchObject([{ access: 'index-search' }])
      })

      it('distinguishes index scans, index-only searches and automatic indexes', async () => {
        expect((await explain('SELECT code FROM city ORDER BY code')).steps).toMatchObject([
          { access: 'index-only-scan', index: 'sqlite_autoindex_city_1' },
        ])
        const search = await explain('SELECT population FROM city WHERE region_id = 3')
        expect(search.steps).toMatchObject([
          { access: 'index-only-scan', index: 'city_plain', searchedBy: ['region_id'] },
        ])
        const joined = await explain('SELECT * FROM city a JOIN city b ON a.label = b.label')
        expect(joined.steps.map(({ access }) => access)).toEqual(['full-scan', 'automatic-index'])
        const either = await explain('SELECT * FROM city WHERE code = ? OR region_id = ?', ['a', 1])
        expect(either.steps.map(({ index }) => index)).toEqual([
          'sqlite_autoindex_city_1',
          expect.stringMatching(/^city_/),
        ])
      })

      it('recognizes tables within subqueries and views', async () => {
        const { steps } = await explain(
          'WITH x AS (SELECT region_id FROM city WHERE label = 1) SELECT * FROM region WHERE id IN (SELECT region_id FROM x)',
        )
        expect(steps.map(({ table }) => table).sort()).toEqual(['main.city', 'main.region'])
      })

      it('rejects measuring a statement on SQLite', async () => {
        await expect(explain('SELECT 1 FROM city', [], { analyze: true })).rejects.toMatchObject({
          code: 'SLUICE_NOT_EXPLAINABLE',
        })
      })
    } else {
      it('measures a read in a read-only transaction', async () => {
        sent.length = 0
        const plan = await explain(`SELECT id FROM city WHERE label LIKE ${$(1)}`, ['city 1%'], {
          analyze: true,
        })
        expect(plan).toMatchObject({ rowsScanned: 2000, rowsReturned: 1111 })
        expect(plan.executionTime).toBeGreaterThan(0)
        expect(sent.findIndex((sql) => /READ ONLY/.test(sql))).toBeLessThan(
          sent.findIndex((sql) => /ANALYZE/.test(sql)),
        )
        expect(sent.some((sql) => sql === 'ROLLBACK')).toBe(true)
      })

      it('aborts a statement that exceeds the time limit', async () => {
        const slow =
          'SELECT COUNT(*) FROM city a, city b, city c WHERE a.label <> b.label AND b.label <> c.label'
        await expect(explain(slow, [], { analyze: true, timeoutMs: 100 })).rejects.toThrow(
          /timeout|max_statement_time/i,
        )
      })

      it('does not execute a statement that locks, calls unknown functions or depends on the clock', async () => {
        const texts = [
          'SELECT * FROM city FOR UPDATE',
          'SELECT lie()',
          'SELECT * FROM city WHERE deleted_at < NOW()',
          'DELETE FROM city',
        ]
        for (const sql of texts) {
          await expect(explain(sql, [], { analyze: true })).rejects.toMatchObject({
            code: 'SLUICE_NOT_EXPLAINABLE',
          })
        }
      })

      it('requires a separate session', async () => {
        const { query } = database
        await expect(explainStatement({ dialect, query }, 'SELECT * FROM city')).rejects.toMatchObject({
          code: 'SLUICE_NOT_EXPLAINABLE',
        })
      })
    }

    if (dialect === 'postgresql') {
      it('detects that the planner itself would write', async () => {
        await database.exec('EXPLAIN SELECT lie()')
        expect(await database.query('SELECT COUNT(*)::int AS notes FROM note')).toEqual([{ notes: 1 }])
        await database.exec('DELETE FROM note')
        await expect(explain('SELECT lie()')).rejects.toThrow(/read-only transaction/)
      })

      it('rejects strings that the session parses differently', async () => {
        await database.exec('SET standard_conforming_strings = off; SET escape_string_warning = off')
        try {
          const before = await state()
          await expect(explain(`SELECT 'a\\''; DELETE FROM city; --'`)).rejects.toMatchObject({
            code: 'SLUICE_NOT_EXPLAINABLE',
          })
          expect(await state()).toEqual(before)
        } finally {
          await database.exec('RESET standard_conforming_strings; RESET escape_string_warning')
        }
      })

      it('plans with the given values, and generically without values', async () => {
        const sql = 'SELECT * FROM city WHERE region_id = $1'
        const rows = async (bindings?: readonly unknown[]) => (await explain(sql, bindings)).rowsReturned
        expect([await rows([1]), await rows(['3']), await rows()]).toEqual([1000, 112, 200])
      })

      it('reads the row counts of tables that the caller did not describe', async () => {
        const plan = await explainStatement(connection, `SELECT * FROM city WHERE label = 'x'`)
        expect(plan.rowsScanned).toBe(2000)
      })

      it('counts the rows that a LIMIT saves and those that a loop repeats', async () => {
        const first = await explain('SELECT * FROM city WHERE population >= 0 LIMIT 20')
        expect(first.rowsScanned).toBeLessThan(30)
        const loop = await explain(
          `SELECT * FROM region r, LATERAL (SELECT * FROM city c WHERE c.region_id = r.id OFFSET 0) x`,
        )
        const inner = loop.steps.find(({ table }) => table === 'public.city')
        expect(inner?.loops).toBe(10)
      })
    }

    if (dialect === 'mysql') {
      it('recognizes an index-only search and a union of two indexes', async () => {
        const alone = await explain('SELECT region_id FROM city WHERE region_id = 3 AND population = 7')
        expect(alone.steps).toMatchObject([
          { access: 'index-only-scan', index: 'city_plain', searchedBy: ['region_id', 'population'] },
        ])
        const either = await explain(`SELECT * FROM city WHERE code = 'c2' OR id = 9`)
        expect(either.steps).toMatchObject([{ table: id('city'), access: 'bitmap' }])
      })

      it('omits returned rows when the plan does not contain them', async () => {
        expect((await explain('SELECT COUNT(*) FROM city WHERE label = 1')).rowsReturned).toBeUndefined()
        expect((await explain('SELECT * FROM region')).rowsReturned).toBe(10)
      })

      it('detects that the planner itself would write, and plans no write that may call a function', async () => {
        await database.query('EXPLAIN FORMAT=JSON SELECT * FROM noting')
        expect(await database.query('SELECT COUNT(*) > 0 AS written FROM note')).toEqual([{ written: 1 }])
        await database.exec('DELETE FROM note')
        await expect(explain('SELECT * FROM noting')).rejects.toThrow(/READ ONLY transaction/)
        for (const sql of ['INSERT INTO note SELECT name FROM noting', 'DELETE FROM city WHERE id = lie()']) {
          await expect(explain(sql)).rejects.toMatchObject({ code: 'SLUICE_NOT_EXPLAINABLE' })
        }
      })

      it('plans with values only', async () => {
        await expect(explain('SELECT * FROM city WHERE id = ?')).rejects.toMatchObject({
          code: 'SLUICE_NOT_EXPLAINABLE',
        })
      })

      it('rejects quoted names that it parses as strings', async () => {
        await database.exec(`SET sql_mode = 'ANSI_QUOTES'`)
        try {
          await expect(explain('SELECT "name" FROM city')).rejects.toMatchObject({
            code: 'SLUICE_NOT_EXPLAINABLE',
          })
        } finally {
          await database.exec('SET sql_mode = DEFAULT')
        }
      })
    }
  })
}
