import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  DatabaseSnapshot,
  TableSnapshot,
} from '../../../packages/core/src/database/inspectors/database-snapshot.ts'
import { inspectDatabase } from '../../../packages/core/src/database/inspectors/inspect-database.ts'
import { type Database, databases } from '../../support/databases.ts'
import { cities, inspectedSchemas } from '../../support/inspected-schemas.ts'
import { SOON } from '../../support/patience.ts'

const ANALYZE = { sqlite: 'ANALYZE', postgresql: 'ANALYZE', mysql: 'ANALYZE TABLE city, region, visit' }

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`inspectDatabase on ${name}`, () => {
    let database: Database
    let snapshot: DatabaseSnapshot
    const sent: string[] = []

    const table = (wanted: string): TableSnapshot | undefined =>
      snapshot.tables.find((candidate) => candidate.name === wanted)
    const column = (of: string, wanted: string) =>
      table(of)?.columns.find((candidate) => candidate.name === wanted)
    const index = (of: string, wanted: string) =>
      table(of)?.indexes.find((candidate) => candidate.name === wanted)
    const keys = (wanted: string) => index('city', wanted)?.keys

    beforeAll(async () => {
      database = await connect()
      await database.exec(inspectedSchemas[dialect])
      await database.exec(cities[dialect])
      if (dialect === 'postgresql') await database.exec('SELECT pg_stat_force_next_flush()')
      await database.exec(ANALYZE[dialect])
      snapshot = await inspectDatabase({
        dialect,
        query: (sql, params) => {
          sent.push(sql)
          return database.query(sql, params)
        },
      })
    })
    afterAll(() => database.drop())

    it('sends about 20 statements, regardless of the number of tables', () => {
      expect(sent.length).toBeLessThanOrEqual(22)
    })

    it('returns plain data', () => {
      expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
    })

    it('returns the version in parts', () => {
      expect(snapshot.version.startsWith(snapshot.versionParts.slice(0, 2).join('.'))).toBe(true)
      expect(snapshot.versionParts[0]).toBeGreaterThan(2)
    })

    it('lists tables and views, each with its kind', () => {
      const kinds = Object.fromEntries(snapshot.tables.map((each) => [each.name, each.kind]))
      const own = {
        sqlite: { named_city: 'view', tagged: 'table', words: 'virtual' },
        postgresql: {
          visit: 'partitioned',
          visit_2025: 'partition',
          visit_2026: 'partition',
          city_count: 'materialized-view',
        },
        mysql: { visit: 'partitioned' },
      }
      expect(kinds).toEqual({ region: 'table', city: 'table', big_city: 'view', ...own[dialect] })
    })

    it('reads the query of a view', () => {
      expect(table('big_city')?.definition).toMatch(/^select\b.*\bpopulation.?\s*>\s*1000\)?$/is)
      expect(table('city')?.definition).toBeUndefined()
    })

    it('counts rows, and measures tables and indexes', () => {
      // InnoDB estimates the rows from a sample of pages.
      expect(table('city')?.rows).toBeGreaterThan(1900)
      expect(table('city')?.rows).toBeLessThan(2100)
      expect(table('region')?.rows).toBe(10)
      const { bytes = 0, indexBytes = 0, indexes = [] } = table('city') ?? {}
      expect(bytes).toBeGreaterThan(40_000)
      expect(indexBytes).toBeGreaterThan(40_000)
      // On MySQL the primary key is the table, and it does not report the sizes of spatial and full-text
      // indexes separately.
      const measured = indexes.filter(
        (each) => each.bytes !== undefined && !(dialect === 'mysql' && each.isPrimary),
      )
      const sum = measured.reduce((all, each) => all + (each.bytes ?? 0), 0)
      if (dialect === 'mysql') expect(sum).toBeGreaterThan(indexBytes / 2)
      // Between two queries, autovacuum may add maps of free space.
      else expect(Math.abs(sum - indexBytes)).toBeLessThan(indexBytes / 10)
    })

    it('reads keys, foreign keys and the indexes of constraints', () => {
      expect(table('city')?.primaryKey).toEqual(['id'])
      expect(snapshot.foreignKeys).toMatchObject([
        { table: table('city')?.id, references: table('region')?.id, columns: ['region_id'] },
      ])
      const unique = table('city')?.indexes.find((each) => each.isUnique && !each.isPrimary)
      expect(unique).toMatchObject({
        keys: [{ column: 'code' }],
        isConstraint: true,
        isValid: true,
        isVisible: true,
      })
      expect(index('city', 'city_plain')).toMatchObject({
        isConstraint: false,
        isUnique: false,
        method: 'btree',
      })
    })

    it('reads columns with their types, and which are generated', () => {
      const code = { sqlite: 'varchar(8)', postgresql: 'character varying(8)', mysql: 'varchar(8)' }
      expect(column('city', 'code')).toMatchObject({
        type: 'text',
        databaseType: code[dialect],
        nullable: true,
      })
      expect(column('city', 'label')?.isGenerated).toBe(true)
      expect(column('city', 'name')?.isGenerated).toBeUndefined()
    })

    it('has only the gaps of this server', () => {
      const expected = { sqlite: [], postgresql: ['statements'], mysql: ['index use', 'statements'] }
      expect(snapshot.gaps.map(({ what }) => what)).toEqual(expected[dialect])
    })

    if (dialect === 'postgresql') {
      it('reads directions, and NULLS if they are not the default', () => {
        expect(keys('city_plain')).toEqual([
          { column: 'region_id' },
          { column: 'population', isDescending: true },
        ])
        expect(keys('city_nulls')).toEqual([
          { column: 'population', nulls: 'first' },
          { column: 'region_id', isDescending: true, nulls: 'last' },
        ])
      })

      it('reads expressions, and the column within', () => {
        expect(keys('city_lower')).toEqual([
          { column: 'name', expression: 'lower(name)' },
          { column: 'code' },
        ])
      })

      it('reads operator classes and collations if they are not the default', () => {
        expect(keys('city_pattern')).toEqual([{ column: 'name', operatorClass: 'text_pattern_ops' }])
        expect(keys('city_trigrams')).toEqual([{ column: 'name', operatorClass: 'gin_trgm_ops' }])
        expect(keys('city_tags')).toEqual([{ column: 'tags' }])
        expect(keys('city_collated')).toEqual([{ column: 'name', collation: 'POSIX' }])
        expect(column('city', 'code')?.collation).toBe('C')
        expect(column('city', 'name')?.collation).toBeUndefined()
      })

      it('reads conditions, carried columns and methods', () => {
        expect(index('city', 'city_partial')?.where).toBe('deleted_at IS NULL')
        expect(index('city', 'city_covering')).toMatchObject({
          keys: [{ column: 'region_id' }],
          include: ['name', 'population'],
        })
        const methods = ['city_hash', 'city_trigrams', 'city_brin', 'city_box_excl'].map(
          (each) => index('city', each)?.method,
        )
        expect(methods).toEqual(['hash', 'gin', 'brin', 'gist'])
        expect(index('city', 'city_box_excl')?.isConstraint).toBe(true)
        expect(index('city', 'city_covering')?.definition).toContain('INCLUDE (name, population)')
      })

      it('reads the parent of each partition', () => {
        expect(table('visit_2026')?.parent).toBe('public.visit')
        expect(index('visit', 'visit_at')).toMatchObject({ keys: [{ column: 'at' }], isValid: true })
      })

      it('reads statistics as the planner has them, and in a form that can be restored', () => {
        const statistics = column('city', 'region_id')?.statistics
        expect(statistics).toMatchObject({ distinct: 10, nullShare: 0, bounds: [] })
        expect(statistics?.common[0]).toEqual({ value: '1', share: 0.5 })
        expect(statistics?.raw).toMatchObject({
          n_distinct: 10,
          most_common_vals: expect.stringMatching(/^\{1,/),
          histogram_bounds: null,
        })
        expect(column('city', 'code')?.statistics).toMatchObject({
          distinct: 1000,
          nullShare: 0.5,
          raw: { n_distinct: -0.5 },
        })
        expect(column('city', 'id')?.statistics?.bounds).toHaveLength(101)
      })

      it('reports the time of the last ANALYZE and the writes since the counters began', async () => {
        await database.exec(
          `UPDATE city SET population = 5 WHERE id <= 50; SELECT pg_stat_force_next_flush()`,
        )
        const { tables } = await inspectDatabase(database)
        const city = tables.find((each) => each.name === 'city')
        expect(city).toMatchObject({ inserted: 2000, updated: 50, deadRows: 50, changedSinceAnalyze: 50 })
        expect(Math.abs(Date.now() - (city?.analyzedAt ?? 0))).toBeLessThan(120_000)
      })

      it('estimates rows from the counters or the pages before the first ANALYZE', async () => {
        const own = await connect()
        try {
          await own.exec(
            'CREATE TABLE plain (id integer, name text) WITH (autovacuum_enabled = false); INSERT INTO plain SELECT n, n::text FROM generate_series(1, 5000) n',
          )
          const rows = async () => (await inspectDatabase(own)).tables[0]?.rows
          expect(await rows()).toBeGreaterThan(1500)
          await own.exec('SELECT pg_stat_force_next_flush()')
          expect(await rows()).toBe(5000)
          expect((await inspectDatabase(own)).gaps).toContainEqual({
            what: 'statistics of public.plain',
            why: 'Never analyzed: run ANALYZE.',
          })
        } finally {
          await own.drop()
        }
      })

      it('records gaps if a role lacks privileges, and does not fail', async () => {
        const role = `reader_${Math.random().toString(36).slice(2, 10)}`
        await database.exec(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON region TO ${role}`)
        const url = new URL(database.url)
        url.username = role
        const client = new pg.Client({ connectionString: url.href })
        await client.connect()
        try {
          const seen = await inspectDatabase({
            dialect,
            query: async (sql, params = []) => (await client.query(sql, [...params])).rows,
          })
          const city = seen.tables.find((each) => each.name === 'city')
          expect(seen.tables.map((each) => each.name)).toEqual(snapshot.tables.map((each) => each.name))
          expect(city?.indexes.map((each) => each.name)).toEqual(
            table('city')?.indexes.map((each) => each.name),
          )
          expect(city?.rows).toBeGreaterThanOrEqual(2000)
          expect(city?.columns.every((each) => each.statistics === undefined)).toBe(true)
          expect(seen.tables.find((each) => each.name === 'region')?.columns[0]?.statistics?.distinct).toBe(
            10,
          )
          expect(seen.gaps).toContainEqual({
            what: 'statistics of public.city',
            why: expect.stringContaining('GRANT SELECT'),
          })
          expect(seen.gaps.find(({ what }) => what === 'connections')?.why).toContain(
            'GRANT pg_read_all_stats',
          )
        } finally {
          await client.end()
          await database.exec(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
        }
      })

      it('throws the database’s own error if not even the tables can be read', async () => {
        const failing = { dialect, query: () => Promise.reject(new Error('terminating connection')) }
        await expect(inspectDatabase(failing)).rejects.toThrow('terminating connection')
      })

      it('reports an index whose build failed', async () => {
        const own = await connect()
        try {
          await own.exec('CREATE TABLE twice (id integer); INSERT INTO twice VALUES (1), (1)')
          await expect(own.exec('CREATE UNIQUE INDEX CONCURRENTLY twice_id ON twice (id)')).rejects.toThrow()
          const { tables } = await inspectDatabase(own)
          expect(tables[0]?.indexes).toMatchObject([{ name: 'twice_id', isValid: false }])
        } finally {
          await own.drop()
        }
      })

      it('reads settings, extensions and sessions', () => {
        expect(snapshot.settings).toMatchObject({
          random_page_cost: '4',
          work_mem: '4MB',
          max_connections: '200',
          lc_collate: 'C',
        })
        expect(snapshot.extensions.installed).toContain('pg_trgm')
        expect(snapshot.extensions.available).toContain('pgstattuple')
        expect(snapshot.connections).toMatchObject({ max: 200 })
        expect(snapshot.connections?.active).toBeGreaterThanOrEqual(1)
      })
    }

    if (dialect === 'mysql') {
      it('reads directions, prefixes, methods, and indexes that the planner ignores', () => {
        expect(keys('city_plain')).toEqual([{ column: 'region_id' }, { column: 'population' }])
        expect(keys('city_order')).toEqual([{ column: 'population', isDescending: true }])
        expect(keys('city_prefix')).toEqual([{ column: 'body', prefixLength: 20 }])
        expect(index('city', 'city_text')).toMatchObject({
          keys: [{ column: 'name' }, { column: 'body' }],
          method: 'fulltext',
        })
        expect(index('city', 'city_place')).toMatchObject({ keys: [{ column: 'place' }], method: 'spatial' })
        expect(index('city', 'city_ignored')?.isVisible).toBe(false)
        expect(index('city', 'PRIMARY')).toMatchObject({
          isPrimary: true,
          isConstraint: true,
          isUnique: true,
        })
      })

      it('reads collations that differ from that of the database', () => {
        expect(column('city', 'code')?.collation).toBe('utf8mb4_bin')
        expect(column('city', 'name')?.collation).toBeUndefined()
      })

      it('reports the time of the last ANALYZE of a table', () => {
        expect(Math.abs(Date.now() - (table('city')?.analyzedAt ?? 0))).toBeLessThan(120_000)
      })

      it('reads settings and sessions', () => {
        expect(snapshot.product).toBe('mariadb')
        expect(snapshot.settings).toMatchObject({
          performance_schema: 'OFF',
          lower_case_table_names: '0',
          max_connections: '200',
        })
        expect(snapshot.settings.optimizer_switch).toContain('index_merge=on')
        expect(snapshot.connections).toMatchObject({ max: 200 })
      })

      it('counts sessions that are idle in a transaction', async () => {
        const client = await createConnection({ uri: database.url })
        try {
          await client.query('START TRANSACTION')
          await client.query('SELECT COUNT(*) FROM region')
          // InnoDB shows a state that may be up to 100 ms old.
          const idle = async () => (await inspectDatabase(database)).connections?.idleInTransaction
          await expect.poll(idle, { ...SOON, interval: 150 }).toBeGreaterThanOrEqual(1)
        } finally {
          await client.end()
        }
      })

      it('reports index usage if the server counts it per user', async () => {
        await database.exec('SET GLOBAL userstat = 1')
        try {
          await database.query('SELECT name FROM city WHERE population = 7')
          const { tables, gaps } = await inspectDatabase(database)
          const scans = tables
            .find((each) => each.name === 'city')
            ?.indexes.map((each) => [each.name, each.scans])
          expect(scans).toContainEqual(['city_order', 20])
          expect(scans).toContainEqual(['city_prefix', 0])
          expect(gaps.map(({ what }) => what)).toEqual(['statements'])
        } finally {
          await database.exec('SET GLOBAL userstat = 0')
        }
      })

      it('records gaps if a user lacks privileges, and does not fail', async () => {
        const user = `reader_${Math.random().toString(36).slice(2, 10)}`
        const url = new URL(database.url)
        await database.exec(`CREATE USER ${user}; GRANT SELECT ON ${url.pathname.slice(1)}.* TO ${user}`)
        url.username = user
        url.password = ''
        const client = await createConnection({ uri: url.href })
        try {
          const seen = await inspectDatabase({
            dialect,
            query: async (sql, params = []) =>
              (await client.query(sql, [...params]))[0] as Record<string, unknown>[],
          })
          expect(seen.tables.map((each) => each.name)).toEqual(snapshot.tables.map((each) => each.name))
          expect(seen.tables.find((each) => each.name === 'city')?.rows).toBe(table('city')?.rows)
          const whys = Object.fromEntries(seen.gaps.map(({ what, why }) => [what, why]))
          expect(whys[`what is selected of ${table('big_city')?.id}`]).toContain('GRANT SHOW VIEW')
          expect(whys['sizes of indexes, and when tables were analyzed']).toContain(
            'GRANT SELECT ON mysql.innodb_table_stats',
          )
          expect(whys.connections).toContain('GRANT PROCESS')
        } finally {
          await client.end()
          await database.exec(`DROP USER ${user}`)
        }
      })
    }

    if (dialect === 'sqlite') {
      it('reads directions, expressions, collations and conditions', () => {
        expect(keys('city_plain')).toEqual([
          { column: 'region_id' },
          { column: 'population', isDescending: true },
        ])
        expect(keys('city_own')).toEqual([{ column: 'name' }])
        expect(keys('city_binary')).toEqual([{ column: 'name', collation: 'BINARY' }])
        expect(keys('city_lower')).toEqual([
          { column: 'name', expression: 'lower(name)' },
          { column: 'code', isDescending: true, collation: 'NOCASE' },
        ])
        expect(index('city', 'city_partial')?.where).toBe(`deleted_at IS NULL AND code <> 'a;b'`)
        expect(column('city', 'name')?.collation).toBe('NOCASE')
      })

      it('preserves the column names that a view defines', () => {
        expect(table('named_city')?.definition).toBe(
          'WITH named (key, label) AS (SELECT id, name FROM city) SELECT * FROM named',
        )
        expect(table('named_city')?.columns.map((each) => each.name)).toEqual(['key', 'label'])
      })

      it('recognizes a table that is its primary key, and its rows since ANALYZE', async () => {
        expect(table('tagged')).toMatchObject({ isClustered: true, primaryKey: ['city_id', 'tag'], rows: 0 })
        expect(table('city')?.changedSinceAnalyze).toBe(0)
        await database.exec(
          `DELETE FROM region WHERE id = 10 AND id NOT IN (SELECT region_id FROM city); INSERT INTO region VALUES (11, 'x')`,
        )
        const { tables } = await inspectDatabase(database)
        expect(tables.find((each) => each.name === 'region')?.changedSinceAnalyze).toBe(1)
      })

      it('reads settings and compile options', () => {
        expect(snapshot.settings).toMatchObject({
          page_size: '4096',
          case_sensitive_like: '0',
          encoding: 'UTF-8',
        })
        expect(snapshot.settings.compile_options).toContain('ENABLE_DBSTAT_VTAB')
      })

      it('records gaps when nothing was analyzed and sizes are unavailable', async () => {
        const own = await connect()
        try {
          await own.exec(
            'CREATE TABLE a (id integer PRIMARY KEY, b text); CREATE INDEX a_b ON a (b); INSERT INTO a VALUES (1, NULL)',
          )
          const { tables, gaps } = await inspectDatabase({
            dialect,
            query: (sql, params) =>
              sql.includes('dbstat WHERE')
                ? Promise.reject(new Error('no such table: dbstat'))
                : own.query(sql, params),
          })
          expect(gaps.map(({ what }) => what)).toEqual(['sizes', 'statistics'])
          expect(gaps[0]?.why).toContain('SQLITE_ENABLE_DBSTAT_VTAB')
          expect(tables).toMatchObject([{ rows: 1, bytes: -1, indexBytes: -1 }])
        } finally {
          await own.drop()
        }
      })

      it('reads the tables although a view is broken', async () => {
        const own = await connect()
        try {
          await own.exec(
            'CREATE TABLE a (id integer PRIMARY KEY); CREATE VIEW b AS SELECT id FROM a; DROP TABLE a; CREATE TABLE c (id integer)',
          )
          const { tables, gaps } = await inspectDatabase(own)
          expect(tables.map((each) => each.name)).toEqual(['b', 'c'])
          expect(gaps.map(({ what }) => what)).toContain('columns of views')
        } finally {
          await own.drop()
        }
      })
    }
  })
}
