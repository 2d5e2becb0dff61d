import {
  createSluice,
  getQueryOptimizationEngine,
  InvalidArgumentError,
  InvalidOptionError,
  QueryOptimizationEngine,
} from '@sluice/core'
import { type RowLoader, SchemaCatalog } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { FakeClock, read } from '../helpers.ts'
import { shop } from './shop-catalog.ts'

const byAuthor = (id: number) => `SELECT * FROM comments WHERE author_id = ${id}`

describe('QueryOptimizationEngine', () => {
  it('can be created alone, and is what the getter returns', () => {
    expect(new QueryOptimizationEngine().getStats().seen).toBe(0)
    expect(getQueryOptimizationEngine()).toBeInstanceOf(QueryOptimizationEngine)
  })

  it('throws for unknown options', () => {
    expect(() => new QueryOptimizationEngine({ dialect: 'oracle' as 'mysql' })).toThrow(InvalidOptionError)
    expect(() => new QueryOptimizationEngine({ threshold: 1 })).toThrow('threshold')
  })

  it('returns nothing before it has observed anything', () => {
    const engine = new QueryOptimizationEngine()
    expect([engine.getQueryRecommendations(), engine.getAnomalies(), engine.getNPlusOnePatterns()]).toEqual([
      [],
      [],
      [],
    ])
  })
})

describe('analyzeQuery', () => {
  it('plans a query, with the dialect that can parse it by default', () => {
    const engine = new QueryOptimizationEngine()
    expect(
      engine.analyzeQuery('SELECT DISTINCT `name` FROM `users` WHERE `age` > 30 ORDER BY `name`', 12),
    ).toMatchObject({
      query: 'SELECT DISTINCT `name` FROM `users` WHERE `age` > 30 ORDER BY `name`',
      estimatedCost: 145,
      rowsToScan: 10_000,
      indexes: [],
      filters: ['age > ?'],
    })
  })

  it.each([
    ['', 1],
    [' ', 1],
    [7 as unknown as string, 1],
    ['select 1', -1],
    ['select 1', Number.NaN],
    ['select 1', Number.POSITIVE_INFINITY],
    ['select 1', '3' as unknown as number],
  ])('throws for %j with %j', (query, time) => {
    expect(() => new QueryOptimizationEngine().analyzeQuery(query, time)).toThrow(InvalidArgumentError)
  })

  it('passes queries to anomaly and N+1 detection', () => {
    const engine = new QueryOptimizationEngine({ clock: new FakeClock() })
    for (let id = 0; id < 5; id++) engine.analyzeQuery(byAuthor(id), 2)
    engine.analyzeQuery("SELECT 1 FROM users WHERE name = '' OR 1=1", 1)
    expect(engine.getAnomalies().map(({ kind }) => kind)).toEqual(['tautology', 'concatenation'])
    expect(engine.getNPlusOnePatterns()).toMatchObject([
      { count: 5, databaseMs: 10, estimatedSaving: { queries: 4, ms: 7.2 } },
    ])
  })
})

describe('detectNPlusOne', () => {
  const loop = (times: number, engine = new QueryOptimizationEngine({ clock: new FakeClock() })) => {
    engine.detectNPlusOne('SELECT id FROM users LIMIT 10')
    for (let id = 0; id < times; id++) engine.detectNPlusOne(byAuthor(id))
    return engine
  }

  it('finds a repeated normalized query with its call site, parent query and fix', () => {
    const [found, ...more] = loop(12).getNPlusOnePatterns()
    expect(more).toEqual([])
    expect(found).toMatchObject({
      code: 'N_PLUS_ONE',
      label: 'SELECT * FROM comments WHERE author_id = ?',
      count: 12,
      severity: 'low',
      parent: { label: 'SELECT id FROM users LIMIT ?' },
      fix: 'SELECT * FROM comments WHERE author_id IN (?)',
      queries: 13,
      queriesPossible: 2,
      estimatedSaving: { queries: 11, ms: 0 },
    })
    expect(found?.callSite?.file).toContain('query-optimization-engine.test.ts')
  })

  it('finds nothing below the threshold, and nothing for writes', () => {
    expect(loop(4).getNPlusOnePatterns()).toEqual([])
    const engine = new QueryOptimizationEngine({ threshold: 2 })
    for (const id of [1, 2, 3]) engine.detectNPlusOne(`INSERT INTO users (id) VALUES (${id})`)
    expect(engine.getNPlusOnePatterns()).toEqual([])
  })

  it('derives the severity from the time that a fix would save, not from the count', () => {
    expect(loop(500).getNPlusOnePatterns()[0]?.severity).toBe('low')
    const severityOf = (ms: number) => {
      const engine = new QueryOptimizationEngine({ clock: new FakeClock() })
      for (let id = 0; id < 5; id++) engine.analyzeQuery(byAuthor(id), ms)
      return engine.getNPlusOnePatterns()[0]?.severity
    }
    // An N+1 of 5 queries could be one that takes 1.4 times as long.
    expect([27, 28, 277, 278].map(severityOf)).toEqual(['low', 'medium', 'medium', 'high'])
  })

  it('adds up the savings of all loops that reached the threshold', () => {
    const clock = new FakeClock()
    const engine = new QueryOptimizationEngine({ clock })
    const pass = (times: number) => {
      for (let id = 0; id < times; id++) engine.analyzeQuery(byAuthor(id), 10)
      clock.advance(60_000)
    }
    for (const times of [5, 4, 7]) pass(times)
    expect(engine.getNPlusOnePatterns()).toMatchObject([
      { occurrences: 2, impact: { occurrences: 2, savedMs: 90, seenMs: 120_000, savedMsPerMinute: 45 } },
    ])
  })

  it('starts again after a pause, and in a different scope', async () => {
    const clock = new FakeClock()
    const engine = new QueryOptimizationEngine({ clock })
    loop(4, engine)
    clock.advance(1_001)
    loop(4, engine)
    expect(engine.getNPlusOnePatterns()).toEqual([])
    const { queries, run } = (() => {
      const sluice = createSluice({ detection: { threshold: 3 } })
      return {
        queries: sluice.queries,
        run: (name: string, times: number) => sluice.run(() => void loop(times, sluice.queries), { name }),
      }
    })()
    await run('a', 2)
    await run('b', 3)
    expect(queries.getNPlusOnePatterns()).toMatchObject([{ scope: 'b', count: 3 }])
  })

  it('reports a list of keys as already batched', () => {
    const engine = new QueryOptimizationEngine()
    for (let id = 0; id < 5; id++) engine.detectNPlusOne(`SELECT * FROM t WHERE id IN (${id}, 7)`)
    expect(engine.getNPlusOnePatterns()[0]?.fix).toBe('already batched')
  })

  it('throws for an empty query', () => {
    expect(() => new QueryOptimizationEngine().detectNPlusOne('')).toThrow(InvalidArgumentError)
  })
})

describe('createBatchQuery', () => {
  it('estimates the time from observed queries, and returns the saving', () => {
    const engine = new QueryOptimizationEngine()
    const queries = Array.from({ length: 11 }, (_, id) => byAuthor(id))
    expect(engine.createBatchQuery(queries)).toMatchObject({
      expectedTime: undefined,
      expectedSaving: undefined,
    })
    for (const query of queries) engine.analyzeQuery(query, 10)
    const batch = engine.createBatchQuery(queries)
    expect(batch).toMatchObject({ expectedTime: 20, expectedSaving: 90, originalQueries: queries })
    expect(engine.createBatchQuery(queries, 15)).toMatchObject({ expectedTime: 15, expectedSaving: 95 })
    engine.analyzeQuery(batch.query, 12)
    expect(engine.createBatchQuery(queries)).toMatchObject({ expectedTime: 12, expectedSaving: 98 })
  })

  it.each([
    [[], undefined],
    ['x' as unknown as string[], undefined],
    [[byAuthor(1)], -1],
    [[byAuthor(1)], Number.NaN],
  ])('throws for %j with %j', (queries, time) => {
    expect(() => new QueryOptimizationEngine().createBatchQuery(queries, time)).toThrow(InvalidArgumentError)
  })
})

describe('cacheResult', () => {
  it('caches copies for the ttl in the cache of the Sluice', () => {
    const clock = new FakeClock()
    const { queries, cache } = createSluice({ clock })
    const rows = [{ id: 1, tags: ['a'] }]
    queries.cacheResult('select 1', rows, 2)
    rows[0]?.tags.push('changed')
    const first = queries.getCachedResult('select 1') as { tags: string[] }[]
    first[0]?.tags.push('changed')
    expect(queries.getCachedResult('select 1')).toEqual([{ id: 1, tags: ['a'] }])
    expect(cache?.getStats().itemCount).toBe(1)
    expect(queries.getCachedResult('select 2')).toBeNull()
    clock.advance(2_001)
    expect(queries.getCachedResult('select 1')).toBeNull()
  })

  it('does nothing if caching is disabled, and in a separate engine', () => {
    for (const engine of [createSluice({ cache: false }).queries, new QueryOptimizationEngine()]) {
      engine.cacheResult('select 1', [1])
      expect(engine.getCachedResult('select 1')).toBeNull()
    }
  })

  it.each([
    ['', [], 1],
    ['select 1', {} as unknown[], 1],
    ['select 1', [() => 1], 1],
    ['select 1', [], 0],
    ['select 1', [], Number.NaN],
  ])('throws for %j, %j, %j', (query, rows, ttl) => {
    expect(() => createSluice().queries.cacheResult(query, rows, ttl)).toThrow(InvalidArgumentError)
  })
})

describe('getQueryRecommendations', () => {
  it('ranks recommendations by the time that they save, without duplicates', () => {
    const engine = new QueryOptimizationEngine({
      clock: new FakeClock(),
      catalog: new SchemaCatalog(shop('postgresql')),
    })
    for (let id = 0; id < 20; id++) engine.analyzeQuery(`select id from orders where customer_id = ${id}`, 5)
    for (let id = 0; id < 3; id++)
      engine.analyzeQuery(`select id from customers where name like '${id}%'`, 1_100)
    engine.analyzeQuery('select id from customers where id = 1', 1)
    const found = engine.getQueryRecommendations()
    expect(found).toEqual([
      expect.stringMatching(
        /^Slow: select id from customers where name like \? takes 1100 ms on average \(3 ×\)/,
      ),
      expect.stringMatching(/^No index is known on orders\(customer_id\)/),
      expect.stringMatching(
        /^N\+1 at .+: 20 × .+ Instead: select id, customer_id from orders where customer_id IN \(\?\)$/,
      ),
    ])
  })

  it('includes queries of scopes', async () => {
    const clock = new FakeClock()
    const sluice = createSluice({ clock, cache: false })
    const run = async () => {
      clock.advance(1_000)
      return []
    }
    await sluice.run(async () => {
      await hostOf(sluice).execute(read({ label: 'City.findMany', run }))
    })
    expect(sluice.queries.getQueryRecommendations()).toEqual([
      expect.stringContaining('City.findMany takes 1000 ms'),
    ])
  })
})

describe('setTableRows and setTableIndexes', () => {
  it('change estimates from then on', () => {
    const engine = new QueryOptimizationEngine()
    engine.setTableRows('users', 70)
    expect(engine.analyzeQuery('select name from users where id = 1', 1)).toMatchObject({
      rowsToScan: 70,
      estimatedCost: 100,
    })
    engine.setTableIndexes('users', [['id']])
    expect(engine.analyzeQuery('select name from users where id = 1', 1)).toMatchObject({
      rowsToScan: 1,
      estimatedCost: 0,
    })
  })

  it('throw for invalid values', () => {
    const engine = new QueryOptimizationEngine()
    expect(() => engine.setTableRows('', 1)).toThrow(InvalidArgumentError)
    expect(() => engine.setTableRows('t', 1.5)).toThrow(InvalidArgumentError)
    expect(() => engine.setTableIndexes('t', [[]])).toThrow(InvalidArgumentError)
    expect(() => engine.setTableIndexes('t', 'id' as unknown as string[][])).toThrow(InvalidArgumentError)
  })
})

describe('eagerLoadRelationships', () => {
  const rows = [
    { id: 1, owner: 1n },
    { id: 2, owner: '2' },
    { id: 3, owner: 2 },
  ]

  function attached(
    loaded: unknown[][],
    type: 'integer' | 'text' = 'integer',
    found: (keys: readonly unknown[]) => object[] = () => rows,
  ) {
    const sluice = createSluice()
    const loader: RowLoader = {
      dialect: 'sqlite',
      target: async (table, field) =>
        table !== 'posts' || field !== 'owner'
          ? undefined
          : {
              type,
              keyOf: (row) => row.owner,
              load: async (keys) => {
                loaded.push([...keys])
                return found(keys) as Record<string, unknown>[]
              },
            },
    }
    hostOf(sluice).attachLoader('test1', loader)
    return sluice.queries
  }

  it('queries once, and assigns rows to IDs with the types of the caller', async () => {
    const loaded: unknown[][] = []
    const found = await attached(loaded).eagerLoadRelationships('posts', ['1', '2', '9', null, '1'], 'owner')
    expect([...found]).toEqual([
      ['1', [rows[0]]],
      ['2', [rows[1], rows[2]]],
      ['9', []],
      [null, []],
    ])
    expect(loaded).toEqual([[1, 2, 9]])
  })

  it('splits keys into chunks for the database, and does not query without keys', async () => {
    const loaded: unknown[][] = []
    const queries = attached(loaded, 'integer', () => [])
    await queries.eagerLoadRelationships(
      'posts',
      Array.from({ length: 1_801 }, (_, id) => id),
      'owner',
    )
    expect(loaded.map((keys) => keys.length)).toEqual([900, 900, 1])
    expect(await queries.eagerLoadRelationships('posts', [null], 'owner')).toEqual(new Map([[null, []]]))
    expect(loaded).toHaveLength(3)
  })

  it('queries keys individually if a collation may treat different strings as equal', async () => {
    const loaded: unknown[][] = []
    const table = [{ owner: 'ann' }, { owner: 'ANN' }, { owner: 'bob' }]
    const same = (key: unknown) =>
      table.filter(({ owner }) => owner.toLowerCase() === String(key).toLowerCase())
    const queries = attached(loaded, 'text', (keys) => [...new Set(keys.flatMap(same))])
    const found = await queries.eagerLoadRelationships('posts', ['Ann', 'bob', 'eve'], 'owner')
    expect([...found]).toEqual([
      ['Ann', [table[0], table[1]]],
      ['bob', [table[2]]],
      ['eve', []],
    ])
    expect(loaded).toEqual([['Ann', 'bob', 'eve'], ['Ann'], ['eve']])
  })

  it('throws for an unknown field, a value that is not a list, and a Sluice without adapters', async () => {
    const queries = attached([])
    await expect(queries.eagerLoadRelationships('posts', [1], 'nope')).rejects.toThrow(InvalidArgumentError)
    await expect(queries.eagerLoadRelationships('nope', [1], 'owner')).rejects.toThrow(InvalidArgumentError)
    await expect(queries.eagerLoadRelationships('', [1], 'owner')).rejects.toThrow(InvalidArgumentError)
    await expect(queries.eagerLoadRelationships('posts', 1 as unknown as number[], 'owner')).rejects.toThrow(
      InvalidArgumentError,
    )
    await expect(
      new QueryOptimizationEngine().eagerLoadRelationships('posts', [1], 'owner'),
    ).rejects.toMatchObject({
      code: 'SLUICE_NO_CLIENT',
    })
  })
})
