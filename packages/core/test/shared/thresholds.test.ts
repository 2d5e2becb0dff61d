import { createSluice } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hostOf } from '../../src/sluice/sluice-host.ts'
import { testSnapshot } from '../database/test-snapshot.ts'
import { ManualClock } from '../monitoring/manual-clock.ts'

// Each question has one answer, whichever engine is asked.

describe('the size of a pool', () => {
  it.each([
    [80, 4],
    [120, 12],
    [60, 150],
  ])(
    'is the same in both engines if requests wait %i ms, and %i of them at one time',
    async (ms, mostWaiting) => {
      const clock = new ManualClock()
      const sluice = createSluice({ clock })
      onTestFinished(() => sluice.close())
      const { database, monitor } = sluice
      database?.useSnapshot({
        ...testSnapshot('postgresql', {}),
        connections: { max: 1_000, used: 10, active: 0, idle: 10, idleInTransaction: 0, blocked: 0 },
      })
      const host = hostOf(sluice)
      const state = { min: 0, max: 10, used: 10, idle: 0, waiting: mostWaiting }
      host.attachPool('db1', () => state)
      for (let second = 0; second < 60; second += 1) {
        host.poolWaited('db1', ms, true, 100)
        clock.advance(1_000)
      }
      const lines = database?.getConnectionPoolRecommendations() ?? []
      const [, raised] = /raise max from 10 to (\d+)/.exec(lines.join('\n')) ?? []
      const report = await monitor?.getPerformanceReport()
      const advice = report?.advice.find(({ kind }) => kind === 'poolSize')
      expect(Number(raised)).toBeGreaterThan(10)
      expect(advice?.to).toBe(Number(raised))
    },
  )
})

describe('an N+1', () => {
  const byId = (ids: readonly number[]) => ids.map((id) => `SELECT name FROM users WHERE id = ${id}`)
  const WRITE = 'UPDATE users SET name = 1'

  it.each([
    ['different keys', byId([1, 2, 3, 4, 5])],
    ['too few keys', byId([1, 2, 3, 4])],
    ['equal keys', byId([1, 1, 1])],
    ['too few equal keys', byId([1, 1])],
    ['mostly equal keys', byId([1, 1, 1, 1, 2])],
    ['keys that a write separates', [...byId([1, 1]), WRITE, ...byId([1, 1])]],
    ['bound keys', Array<string>(5).fill('SELECT name FROM users WHERE id = $1')],
    ['no keys', Array<string>(3).fill('SELECT count(*) FROM users')],
  ])('is the same in both engines for %s', (_what, statements) => {
    const sluice = createSluice({ clock: new ManualClock() })
    onTestFinished(() => sluice.close())
    const { queries, database } = sluice
    for (const sql of statements) queries.analyzeQuery(sql, 10)
    database?.observe({ sql: byId([9])[0] ?? '', executionTime: 10 })
    const advice = queries.getQueryRecommendations().flatMap((text) => {
      const [, problem] = /^((?:N\+1|Duplicate query).*Instead: .*?)\.?$/.exec(text) ?? []
      return problem === undefined ? [] : [problem.replace(/ at [^ ]+:\d+:\d+:/, ':')]
    })
    const problems = database?.detectNPlusOneProblems(statements) ?? []
    expect(problems.map((text) => text.replace(/\. That saves.*/, ''))).toEqual(advice)
    const saved = queries.getNPlusOnePatterns().map(({ estimatedSaving }) => estimatedSaving)
    expect(problems.map((text) => Number(/saves (\d+) queries/.exec(text)?.[1]))).toEqual(
      saved.map(({ queries: count }) => count),
    )
    for (const [at, text] of problems.entries())
      if (text.includes('about')) expect(Number(/about ([\d.]+) ms/.exec(text)?.[1])).toBe(saved[at]?.ms)
  })

  it('has the thresholds of the option "detection" in both engines', () => {
    const sluice = createSluice({ detection: { threshold: 2, repeats: 4 } })
    onTestFinished(() => sluice.close())
    for (const sql of byId([1, 2])) sluice.queries.detectNPlusOne(sql)
    expect(sluice.queries.getNPlusOnePatterns()).toHaveLength(1)
    expect(sluice.database?.detectNPlusOneProblems(byId([1, 2]))).toHaveLength(1)
  })
})

describe('a slow query', () => {
  const sql = 'SELECT name FROM users WHERE age > 5'

  it.each([
    [999, 0],
    [1_000, 1],
  ])('of %i ms is the same in both engines', (ms, slow) => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    sluice.queries.analyzeQuery(sql, ms)
    const advice = sluice.queries.getQueryRecommendations().filter((text) => text.startsWith('Slow'))
    const analysis = sluice.database?.analyzeQuery(sql, ms, 1, 1)
    expect(advice).toHaveLength(slow)
    expect(analysis?.warnings.filter((text) => text.startsWith('Takes'))).toHaveLength(slow)
    expect(sluice.database?.getSlowQueries()).toHaveLength(slow)
  })
})

describe('the number of joins', () => {
  const joined = (count: number) =>
    Array.from({ length: count }, (_, at) => `JOIN t${at} ON t${at}.id = t.id`).join(' ')

  it.each([
    ['5 joins', `SELECT t.a FROM t ${joined(5)}`, undefined],
    ['6 joins', `SELECT t.a FROM t ${joined(6)}`, '6'],
    ['commas', 'SELECT t.a FROM t, b, c, d, e, f, g', '6'],
    ['a subquery', `SELECT t.a FROM t ${joined(3)} WHERE t.b IN (SELECT t.b FROM t ${joined(3)})`, '6'],
    ['an update', `UPDATE t SET a = 1 FROM b ${joined(5)}`, '6'],
  ])('is the same in both engines for %s', (_what, sql, count) => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    const counted = (texts: readonly string[] = []) => /(\d+) joins/.exec(texts.join('\n'))?.[1]
    expect(counted(sluice.queries.analyzeQuery(sql, 1).optimization)).toBe(count)
    expect(counted(sluice.queries.getQueryRecommendations())).toBe(count)
    expect(counted(sluice.database?.analyzeQuery(sql, 1, 1, 1).recommendations)).toBe(count)
  })
})

describe('the rows of a table', () => {
  it('are those of the inspection in both engines', () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    const { queries, database } = sluice
    const rows = () => queries.analyzeQuery('SELECT name FROM city', 1).rowsToScan
    expect(rows()).toBe(10_000)
    const snapshot = testSnapshot('postgresql', { city: 'id integer!, name text' })
    database?.useSnapshot({
      ...snapshot,
      tables: snapshot.tables.map((table) => ({ ...table, rows: 2_500 })),
    })
    expect(rows()).toBe(2_500)
    expect(database?.collectTableStatistics('city').rowCount).toBe(2_500)
  })
})
