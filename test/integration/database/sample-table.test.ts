import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TableSnapshot } from '../../../packages/core/src/database/inspectors/database-snapshot.ts'
import { inspectDatabase } from '../../../packages/core/src/database/inspectors/inspect-database.ts'
import { sampleTable } from '../../../packages/core/src/database/sampling/sample-table.ts'
import { statisticsFromSample } from '../../../packages/core/src/database/sampling/statistics-from-sample.ts'
import { type Database, databases } from '../../support/databases.ts'

/** 100,000 rows: every column repeats with a period that steps of equal width would coincide with. */
const SCHEMAS = {
  sqlite: `
    CREATE TABLE event (id INTEGER PRIMARY KEY, kind INTEGER, owner INTEGER, at TEXT, note TEXT);
    WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 100000)
    INSERT INTO event SELECT v, v % 10, v % 2500, '2026-01-01', CASE WHEN v % 4 = 0 THEN NULL WHEN v = 3 THEN printf('%.*c', 1000, 'x') ELSE 'n' || v END FROM n;
    CREATE TABLE keyed (code TEXT PRIMARY KEY, kind INTEGER) WITHOUT ROWID;
    INSERT INTO keyed SELECT printf('%06d', id), kind FROM event;
    CREATE TABLE small (id INTEGER PRIMARY KEY, kind INTEGER);
    INSERT INTO small SELECT id, kind FROM event WHERE id <= 500;
    CREATE TABLE sparse (id INTEGER PRIMARY KEY, kind INTEGER);
    INSERT INTO sparse SELECT CASE WHEN id > 60000 THEN id * 1000000 ELSE id END, kind FROM event`,
  mysql: `
    CREATE TABLE event (id int PRIMARY KEY, kind int, owner int, at datetime, note text);
    INSERT INTO event SELECT seq, seq % 10, seq % 2500, '2026-01-01',
      CASE WHEN seq % 4 = 0 THEN NULL WHEN seq = 3 THEN repeat('x', 1000) ELSE concat('n', seq) END FROM seq_1_to_100000;
    CREATE TABLE keyed (code varchar(20) PRIMARY KEY, kind int);
    INSERT INTO keyed SELECT lpad(id, 6, '0'), kind FROM event;
    CREATE TABLE small (id int PRIMARY KEY, kind int);
    INSERT INTO small SELECT id, kind FROM event WHERE id <= 500;
    CREATE TABLE sparse (id bigint PRIMARY KEY, kind int);
    INSERT INTO sparse SELECT CASE WHEN id > 60000 THEN id * 1000000 ELSE id END, kind FROM event;
    ANALYZE TABLE event, keyed, small, sparse`,
}

for (const { name, dialect, skipped, connect } of databases()) {
  if (dialect === 'postgresql') continue
  describe.skipIf(skipped !== undefined)(`sampleTable on ${name}`, () => {
    let database: Database
    let tables: readonly TableSnapshot[]
    const table = (wanted: string) => tables.find((each) => each.name === wanted) as TableSnapshot

    beforeAll(async () => {
      database = await connect()
      await database.exec(SCHEMAS[dialect])
      ;({ tables } = await inspectDatabase(database))
    })
    afterAll(() => database.drop())

    it('takes all rows of a small table', async () => {
      const sample = await sampleTable(database, table('small'), ['kind', 'id'])
      expect(sample.rows).toHaveLength(500)
      expect(sample.rows[0]).toEqual([1, 1])
      expect(sample.share).toBe(1)
    })

    it('spreads evenly over a large table, regardless of periodic values', async () => {
      const sample = await sampleTable(database, table('event'), ['id', 'kind', 'owner', 'note'], {
        maxRows: 2_000,
      })
      const ids = sample.rows.map(([id]) => Number(id))
      expect(ids.length).toBeGreaterThan(1_800)
      expect(ids.length).toBeLessThanOrEqual(2_000)
      expect(new Set(ids).size).toBe(ids.length)
      expect(sample.share).toBeCloseTo(0.02, 2)
      for (let from = 0; from < 100_000; from += 10_000) {
        const within = ids.filter((id) => id > from && id <= from + 10_000).length
        expect(within / ids.length).toBeCloseTo(0.1, 1)
      }
      const { columns } = statisticsFromSample(sample, table('event'))
      expect(columns.get('kind')?.distinct).toBe(10)
      for (const { share } of columns.get('kind')?.common ?? []) expect(share).toBeCloseTo(0.1, 1)
      expect(columns.get('kind')?.common).toHaveLength(10)
      expect(columns.get('owner')?.distinct).toBeGreaterThan(1_500)
      expect(columns.get('owner')?.distinct).toBeLessThan(4_000)
      expect(columns.get('note')?.nullShare).toBeCloseTo(0.25, 1)
    })

    it('returns the same sample for the same call', async () => {
      const take = () => sampleTable(database, table('event'), ['id'], { maxRows: 300 })
      expect(await take()).toEqual(await take())
    })

    it('samples a table that has no row numbers', async () => {
      const sample = await sampleTable(database, table('keyed'), ['code', 'kind'], { maxRows: 1_000 })
      expect(sample.rows.length).toBeGreaterThan(800)
      const codes = sample.rows.map(([code]) => Number(code))
      expect(codes.filter((code) => code > 50_000).length / codes.length).toBeCloseTo(0.5, 0)
      expect(statisticsFromSample(sample, table('keyed')).distinctOf(['code'])).toBeGreaterThan(90_000)
    })

    it('finds rows despite gaps in their numbers', async () => {
      const sample = await sampleTable(database, table('sparse'), ['id', 'kind'], { maxRows: 2_000 })
      expect(sample.rows.length).toBeGreaterThan(500)
      expect(statisticsFromSample(sample, table('sparse')).columns.get('kind')?.distinct).toBe(10)
    })

    it('truncates long strings and returns dates as strings', async () => {
      const sample = await sampleTable(database, table('event'), ['note', 'at'], { maxRows: 200_000 })
      const [note, at] = sample.rows.find(([text]) => String(text).startsWith('xxx')) ?? []
      expect(note).toHaveLength(200)
      expect(String(at)).toMatch(/^2026-01-01/)
    })
  })
}
