import {
  createSluice,
  DatabaseOptimizationEngine,
  type DatabaseOptions,
  getDatabaseOptimizationEngine,
  getDefaultSluice,
  InvalidArgumentError,
  InvalidOptionError,
} from '@sluice/core'
import type { PoolState } from '@sluice/core/adapter'
import type { DatabaseSnapshot } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../helpers.ts'
import { columnOf, indexOf, primary, snapshotOf, tableOf } from './snapshots.ts'

function open(snapshot?: DatabaseSnapshot, options: DatabaseOptions = {}) {
  const clock = new FakeClock()
  const engine = new DatabaseOptimizationEngine(options, { clock })
  if (snapshot !== undefined) engine.useSnapshot(snapshot)
  return { clock, engine }
}

const cities = tableOf('cities', {
  rows: 100_000,
  primaryKey: ['id'],
  columns: [
    columnOf('id'),
    columnOf('region_id'),
    columnOf('name', { type: 'text', databaseType: 'text' }),
    columnOf('population'),
  ],
  indexes: [primary('cities_pkey', ['id'])],
})

describe('DatabaseOptimizationEngine', () => {
  it('reports the time and age of the last inspection', () => {
    const { clock, engine } = open()
    expect([engine.inspectedAt, engine.age, engine.snapshot]).toEqual([undefined, undefined, undefined])
    const takenAt = clock.wall()
    engine.useSnapshot(snapshotOf([], { takenAt }))
    clock.advance(500)
    expect([engine.inspectedAt, engine.age]).toEqual([takenAt, 500])
  })

  it('returns quantiles of the execution times of a normalized query', () => {
    const { engine } = open()
    for (let at = 0; at < 20; at += 1)
      engine.observe({ sql: 'SELECT * FROM cities WHERE id = 1', executionTime: at === 19 ? 40 : 3 })
    const [{ fingerprint, dialect } = { fingerprint: '', dialect: 'sqlite' as const }] = engine.getWorkload()
    expect(engine.getWorkloadQuantile(fingerprint, dialect, 0.95)).toBe(5)
    expect(engine.getWorkloadQuantile(fingerprint, dialect, 1)).toBe(40)
    expect(engine.getWorkloadQuantile('other', dialect, 0.5)).toBeUndefined()
    expect(() => engine.getWorkloadQuantile(fingerprint, dialect, 1.1)).toThrow(InvalidArgumentError)
  })

  it('returns nothing for a database that was not inspected', async () => {
    const { engine } = open()
    expect(engine.getFragmentationStatus()).toEqual([])
    expect(engine.getPartitionRecommendations()).toEqual([])
    expect(engine.getUnusedIndexes()).toEqual([])
    expect(engine.getDuplicateIndexes()).toEqual([])
    expect(engine.getMissingForeignKeyIndexes()).toEqual([])
    expect(engine.getConnectionPoolRecommendations()).toEqual([])
    await expect(engine.inspect()).rejects.toMatchObject({ code: 'SLUICE_NO_CLIENT' })
    await expect(engine.explain('select 1')).rejects.toMatchObject({ code: 'SLUICE_NO_CLIENT' })
  })

  describe('getRecommendedIndexes', () => {
    const shown = (engine: DatabaseOptimizationEngine, table: string) =>
      engine
        .getRecommendedIndexes(table)
        .map(({ type, unique, columns }) => `${type}${unique ? ' unique' : ''} ${columns.join()}`)

    it('returns presets for the example domain', () => {
      const { engine } = open()
      expect(shown(engine, 'tiles')).toEqual([
        'btree unique id',
        'btree domain',
        'btree createdBy',
        'btree createdAt',
        'btree domain,createdAt',
        'fulltext title,content',
      ])
      expect(shown(engine, 'inferences')).toEqual([
        'btree unique id',
        'btree createdBy',
        'btree domains',
        'btree createdAt',
      ])
      expect(shown(engine, 'users')).toEqual([
        'btree unique id',
        'btree unique email',
        'btree organizationId',
      ])
      expect(shown(engine, 'audit_logs')).toEqual([
        'btree unique id',
        'btree userId',
        'btree timestamp',
        'btree organizationId,timestamp',
      ])
      expect(shown(engine, 'elsewhere')).toEqual([])
    })

    it('returns a preset as a complete index recommendation', () => {
      const { engine } = open()
      expect(engine.getRecommendedIndexes('tiles')[4]).toEqual({
        table: 'tiles',
        columns: ['domain', 'createdAt'],
        indexName: 'tiles_domain_createdAt_idx',
        type: 'btree',
        unique: false,
        sparse: false,
        indexSize: 0,
        reason: expect.stringContaining('preset'),
        queries: [],
        estimatedGain: 0,
        writeCost: 0,
        ddl: 'CREATE INDEX CONCURRENTLY "tiles_domain_createdAt_idx" ON "tiles" ("domain", "createdAt");',
        fix: {
          kind: 'create-index',
          name: 'tiles_domain_createdAt_idx',
          index: {
            table: 'tiles',
            keys: [{ column: 'domain' }, { column: 'createdAt' }],
            method: 'btree',
            isUnique: false,
          },
        },
      })
      expect(engine.getRecommendedIndexes('tiles')[5]?.ddl).toBe(
        `CREATE INDEX CONCURRENTLY "tiles_title_content_fulltext" ON "tiles" USING gin ((to_tsvector('simple'::regconfig, coalesce("title", '') || ' ' || coalesce("content", ''))));`,
      )
    })

    it('writes presets for the inspected database', () => {
      const fulltext = (dialect: 'mysql' | 'sqlite') =>
        open(snapshotOf([], { dialect })).engine.getRecommendedIndexes('tiles').at(-1)?.ddl
      expect(fulltext('mysql')).toBe(
        'CREATE FULLTEXT INDEX `tiles_title_content_fulltext` ON `tiles` (`title`, `content`);',
      )
      expect(fulltext('sqlite')).toBe(
        `CREATE VIRTUAL TABLE "tiles_title_content_fulltext" USING fts5("title", "content", content='tiles');`,
      )
    })

    it('uses custom presets, and omits indexes that the table has', () => {
      const { engine } = open()
      engine.registerPresets('cities', [
        { columns: ['id'], primaryKey: true },
        { columns: ['region_id'] },
        { columns: ['name'], where: 'population > 0' },
      ])
      expect(shown(engine, 'cities')).toEqual(['btree unique id', 'btree region_id', 'btree name'])
      expect(engine.getRecommendedIndexes('cities')[2]?.sparse).toBe(true)
      engine.useSnapshot(
        snapshotOf([{ ...cities, indexes: [...cities.indexes, indexOf('i', ['region_id', 'name'])] }]),
      )
      expect(shown(engine, 'cities')).toEqual(['btree name'])
      expect(() => engine.registerPresets('', [])).toThrow(InvalidArgumentError)
      expect(() => engine.registerPresets('a', [{ columns: [] }])).toThrow(InvalidOptionError)
      expect(() => engine.registerPresets('a', [{ columns: ['b'], kind: 'gin' } as never])).toThrow(
        'preset.kind',
      )
      expect(() => engine.registerPresets('a', [{} as never])).toThrow('preset.columns')
    })

    it('recommends indexes for conditions of the query workload that no index serves, most expensive first', () => {
      const { engine } = open(snapshotOf([cities]))
      const see = (sql: string, executionTime: number) =>
        engine.observe({ sql, executionTime, bindings: [1] })
      see('select * from cities where name = $1', 10)
      see('select * from "cities" where "region_id" = $1 and population > $2', 30)
      see('delete from cities where name = $1', 30)
      see('select * from cities where id = $1 and population = 3', 500)
      see('select * from cities c join regions r on r.id = c.region_id where c.population = $1', 500)
      see('select * from other where name = $1', 500)
      see('select * from cities where region_id = $1 or name = $2', 500)
      const found = engine.getRecommendedIndexes('cities')
      expect(found.map(({ columns }) => columns)).toEqual([['name'], ['region_id', 'population']])
      expect(found[0]).toMatchObject({
        indexName: 'cities_name_idx',
        ddl: 'CREATE INDEX CONCURRENTLY "cities_name_idx" ON "cities" ("name");',
        reason: expect.stringContaining('2 statements, 40 ms in total'),
      })
      expect(found[0]?.queries).toHaveLength(2)
      expect(found[0]?.indexSize).toBeGreaterThan(1_000_000)
      expect(engine.getRecommendedIndexes('public.cities')).toEqual(found)
      engine.useSnapshot(snapshotOf([{ ...cities, indexes: [indexOf('i', ['name'])] }]))
      expect(engine.getRecommendedIndexes('cities').map(({ columns }) => columns.join())).not.toContain(
        'name',
      )
      engine.useSnapshot(snapshotOf([{ ...cities, rows: 400 }]))
      expect(engine.getRecommendedIndexes('cities')).toEqual([])
    })
  })

  describe('analyzeQuery', () => {
    it('infers a full scan from row counts and SQL, and marks it as inferred', () => {
      const { engine } = open()
      expect(engine.analyzeQuery('SELECT * FROM tiles WHERE domain = $1', 250, 100_000, 20)).toMatchObject({
        query: 'SELECT * FROM tiles WHERE domain = $1',
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        executionTime: 250,
        rowsScanned: 100_000,
        rowsReturned: 20,
        scanRatio: 5000,
        fullTableScan: true,
        isInferred: true,
        indexesUsed: [],
        severity: 'high',
        recommendations: [
          'Add an index, if there is none, on tiles (domain): the query filters by this column.',
          expect.stringContaining('SELECT *'),
        ],
      })
    })

    it('warns when at least 100 rows are read for each returned row', () => {
      const { engine } = open()
      const warns = (scanned: number, returned: number) =>
        engine.analyzeQuery('select a from t where b = 1', 1, scanned, returned).warnings
      expect(warns(990, 10)).toEqual([])
      expect(warns(1000, 10)[0]).toContain('Reads 1,000 rows and returns 10: 100 for each')
      expect(warns(100, 0)[0]).toContain('100 for each')
      expect(warns(0, 0)).toEqual([])
    })

    it.each([
      ['low', 5, 10, 10],
      ['medium', 100, 10, 10],
      ['medium', 5, 1_000, 10],
      ['high', 1_000, 10, 10],
      ['high', 5, 100_000, 10],
      ['critical', 5_000, 10, 10],
      ['critical', 5, 1_000_000, 10],
    ])('rates a query as %s after %d ms, %d rows read and %d returned', (severity, ms, scanned, returned) => {
      expect(open().engine.analyzeQuery('select a from t where b = 1', ms, scanned, returned).severity).toBe(
        severity,
      )
    })

    it('uses the inspected tables', () => {
      const { engine } = open(snapshotOf([cities]))
      const advice = (sql: string, scanned = 100_000) => engine.analyzeQuery(sql, 1, scanned, 5_000)
      expect(advice('select name from cities where region_id = $1')).toMatchObject({
        fullTableScan: true,
        recommendations: ['Add an index on cities (region_id): the query filters by this column.'],
      })
      expect(advice('select name from cities where id = $1').recommendations).toEqual([])
      expect(
        engine.analyzeQuery('select name from cities where region_id > $1', 1, 95_000, 60_000).fullTableScan,
      ).toBe(true)
      expect(
        engine.analyzeQuery('select name from cities where region_id > $1', 1, 60_000, 60_000).fullTableScan,
      ).toBe(false)
    })

    it.each([
      [`select a from t where name like '%x'`, 'wildcard'],
      ['select a from t where lower(name) = $1', 'An index on name does not serve lower(name)'],
      ['select a from t where b = 1 order by c limit 10', 'on t (b, c) returns the rows in order'],
      ['select a from t where b = 1 limit 10 offset 20', 'keyset'],
      ['select count(*) from t', 'maintain the total'],
      ['select a from t', 'neither a condition nor a limit'],
      ['select a from t where b = 1 or c = 2', 'Each side of OR'],
    ])('recommends for the statement: %s', (sql, advice) => {
      expect(open().engine.analyzeQuery(sql, 1, 100_000, 10).recommendations.join('\n')).toContain(advice)
    })

    it('returns no warnings for a query without problems', () => {
      expect(open().engine.analyzeQuery('select a from t where id = $1', 1, 1, 1)).toMatchObject({
        fullTableScan: false,
        scanRatio: 1,
        warnings: [],
        recommendations: [],
        severity: 'low',
      })
    })

    it.each([
      ['query', ['', 1, 1, 1]],
      ['executionTime', ['select 1', -1, 1, 1]],
      ['rowsScanned', ['select 1', 1, Number.NaN, 1]],
      ['rowsReturned', ['select 1', 1, 1, '1']],
    ])('includes the argument %s in its error', (argument, values) => {
      expect(() => open().engine.analyzeQuery(...(values as [string, number, number, number]))).toThrow(
        expect.objectContaining({ argument }),
      )
    })
  })

  describe('getSlowQueries', () => {
    it('returns normalized queries with a slow execution, by total time', () => {
      const { engine } = open()
      engine.observe({
        sql: 'select * from a',
        executionTime: 2000,
        rows: 10,
        stack: () => ({ stack: 'Error\n    at f (/app/a.ts:3:5)' }),
      })
      for (let at = 0; at < 4; at += 1)
        engine.analyzeQuery(`select b from b where c = ${at}`, at === 3 ? 1500 : 500, 1000, 10)
      engine.observe({ sql: 'select * from quick', executionTime: 999 })
      const found = engine.getSlowQueries()
      expect(found).toMatchObject([
        {
          query: 'select b from b where c = 0',
          calls: 4,
          totalTime: 3000,
          maxTime: 1500,
          executionTime: 750,
          rowsScanned: 1000,
          scanRatio: 100,
        },
        {
          query: 'select * from a',
          calls: 1,
          totalTime: 2000,
          rowsScanned: -1,
          scanRatio: -1,
          callSite: { file: '/app/a.ts', line: 3 },
        },
      ])
      expect(found[1]?.recommendations.join()).toContain('SELECT *')
      expect(engine.getSlowQueries(1, 2)).toHaveLength(2)
      expect(engine.getSlowQueries(900).map(({ query }) => query)).toContain('select * from quick')
      expect(() => engine.getSlowQueries(-1)).toThrow('threshold')
    })

    it('adds statistics of the server and row counts of analyzeQuery', () => {
      const statements = [
        { sql: 'select * from a', calls: 5, totalMs: 50_000, rows: 5 },
        { sql: 'select * from server', calls: 2, totalMs: 3000, rows: 4, rowsExamined: 400 },
      ]
      const { engine } = open(snapshotOf([], { statements }))
      engine.observe({ sql: 'select * from a', executionTime: 2000 })
      engine.analyzeQuery('select * from a', 10, 500, 5)
      expect(engine.getSlowQueries()).toMatchObject([
        {
          query: 'select * from server',
          calls: 2,
          executionTime: 1500,
          rowsScanned: 200,
          rowsReturned: 2,
          scanRatio: 100,
        },
        { query: 'select * from a', calls: 1, totalTime: 2000, rowsScanned: 500 },
      ])
    })
  })

  describe('collectTableStatistics', () => {
    it('returns the given values', () => {
      const { clock, engine } = open()
      expect(engine.collectTableStatistics('tiles', 1000, 500_000)).toEqual({
        table: 'tiles',
        rowCount: 1000,
        totalSize: 500_000,
        indexSize: 0,
        averageRowSize: 500,
        lastAnalyzed: undefined,
        collectedAt: clock.wall(),
      })
      expect(engine.collectTableStatistics('tiles')).toMatchObject({ rowCount: 0, averageRowSize: 0 })
      expect(() => engine.collectTableStatistics('tiles', -1)).toThrow('rowCount')
    })

    it('returns the inspected values by default', () => {
      const { engine } = open(
        snapshotOf([tableOf('t', { rows: 100, bytes: 8000, indexBytes: 2000, analyzedAt: 5 })]),
      )
      expect(engine.collectTableStatistics('t')).toEqual({
        table: 't',
        rowCount: 100,
        totalSize: 10_000,
        indexSize: 2000,
        averageRowSize: 80,
        lastAnalyzed: 5,
        collectedAt: Date.UTC(2026, 4, 15),
      })
    })
  })

  it('recommends partitions for tables whose size was given', () => {
    const { engine } = open()
    engine.collectTableStatistics('tiles', 2_000_000)
    engine.collectTableStatistics('audit_logs', 3_000_000)
    engine.collectTableStatistics('users', 9_000_000)
    expect(engine.getPartitionRecommendations()).toMatchObject([
      { table: 'audit_logs', column: 'timestamp', strategy: 'time-range' },
      { table: 'tiles', column: 'createdAt', strategy: 'quarter' },
    ])
    const created = columnOf('created_at', { type: 'datetime', databaseType: 'timestamp' })
    engine.useSnapshot(snapshotOf([tableOf('t', { rows: 5, columns: [created] })]))
    expect(engine.getPartitionRecommendations()).toHaveLength(2)
    engine.collectTableStatistics('t', 1_000_001)
    expect(engine.getPartitionRecommendations().map(({ table }) => table)).toEqual([
      'audit_logs',
      'tiles',
      't',
    ])
  })

  describe('detectNPlusOneProblems', () => {
    it('includes the normalized query, the count and the saving', () => {
      const { engine } = open()
      const queries = Array.from({ length: 11 }, (_, at) => `SELECT * FROM tiles WHERE user_id = ${at}`)
      engine.observe({ sql: 'SELECT * FROM tiles WHERE user_id = 99', executionTime: 10 })
      expect(
        engine.detectNPlusOneProblems([...queries, 'select 1', ...Array(6).fill('select * from settings')]),
      ).toEqual([
        'N+1: 11 × SELECT * FROM tiles WHERE user_id = ?. Instead: SELECT * FROM tiles WHERE user_id IN (?). That saves 10 queries and about 90 ms.',
        'Duplicate query: 6 × select * from settings. Instead: query once and reuse the result. That saves 5 queries.',
      ])
    })

    it('classifies a loop that mostly repeats one query as the detector does', () => {
      const { engine } = open()
      const repeated = Array(6).fill('SELECT * FROM tiles WHERE user_id = 1')
      expect(engine.detectNPlusOneProblems([...repeated, 'SELECT * FROM tiles WHERE user_id = 2'])).toEqual([
        'Duplicate query: 6 × SELECT * FROM tiles WHERE user_id = ?. Instead: query once and reuse the result. That saves 5 queries.',
      ])
    })

    it('ignores writes, fewer than 5 queries, and fewer than 3 identical ones', () => {
      const { engine } = open()
      expect(
        engine.detectNPlusOneProblems([1, 1, 2, 3].map((b) => `select * from a where b = ${b}`)),
      ).toEqual([])
      expect(engine.detectNPlusOneProblems(Array(9).fill('update a set b = 1 where c = 2'))).toEqual([])
      expect(
        engine.detectNPlusOneProblems(
          Array(9).fill('with x as (insert into a values (1) returning *) select * from x'),
        ),
      ).toEqual([])
      expect(() => engine.detectNPlusOneProblems('select 1' as never)).toThrow(InvalidArgumentError)
    })
  })

  it('observes attached pools while statements are sent', () => {
    const { engine } = open(
      snapshotOf([], {
        connections: { max: 100, used: 10, active: 0, idle: 0, idleInTransaction: 0, blocked: 0 },
      }),
      {
        instances: 2,
      },
    )
    let state: PoolState | undefined = { min: 0, max: 4, used: 1, idle: 0, waiting: 0 }
    const detach = engine.attachPool('db', () => state)
    state = { min: 0, max: 4, used: 4, idle: 0, waiting: 3 }
    for (let at = 0; at < 32; at += 1) engine.observe({ sql: 'select 1', executionTime: 1 })
    state = { min: 0, max: 4, used: 0, idle: 4, waiting: 0 }
    const lines = engine.getConnectionPoolRecommendations()
    expect(lines[0]).toBe(
      'Pool db: min 0, max 4, 0 in use, 4 idle, 0 waiting; at most 4 were in use, and 3 waiting.',
    )
    expect(lines.at(-1)).toContain('raise max from 4 to 6')
    state = undefined
    expect(engine.getConnectionPoolRecommendations()).toEqual([])
    state = { min: 0, max: 4, used: 0, idle: 4, waiting: 0 }
    detach()
    expect(engine.getConnectionPoolRecommendations()).toEqual([])
  })

  it('belongs to a Sluice unless it is disabled', () => {
    expect(createSluice().database).toBeInstanceOf(DatabaseOptimizationEngine)
    expect(createSluice({ database: false }).database).toBeUndefined()
    expect(getDatabaseOptimizationEngine()).toBe(getDefaultSluice().database)
  })

  it.each([
    ['database', { database: true }],
    ['database.workload', { database: { workload: true } }],
    ['database.workload.maxBytes', { database: { workload: { maxBytes: 1 } } }],
    ['database.workload.redact', { database: { workload: { redact: 'yes' } } }],
    ['database.instances', { database: { instances: 0 } }],
    ['database.speed', { database: { speed: 1 } }],
  ])('includes the option %s in its error', (option, options) => {
    expect(() => createSluice(options as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option }),
    )
  })
})
