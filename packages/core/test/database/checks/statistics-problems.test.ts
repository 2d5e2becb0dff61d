import type { DatabaseSnapshot } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { analyzeDatabase } from '../../../src/database/analysis/analyze-database.ts'
import {
  otherGaps,
  staleTables,
  statementsProblem,
} from '../../../src/database/checks/statistics-problems.ts'
import { columnOf, snapshotOf, tableOf } from '../snapshots.ts'

const counted = [{ sql: 'SELECT 1', calls: 1, totalMs: 1, rows: 1 }]
const gap = { what: 'statements', why: 'The server does not count them.' }

describe('statementsProblem', () => {
  it.each<[string, Partial<DatabaseSnapshot>, string | undefined]>([
    ['counted statements', { statements: counted }, undefined],
    ['no counted statements', {}, 'pg_stat_statements has counted no statements of this database'],
    [
      'hidden statements',
      { statements: counted, gaps: [gap] },
      'pg_stat_statements: not all statements are visible',
    ],
    [
      'a missing extension',
      { gaps: [gap] },
      'pg_stat_statements is missing: without it, an analysis needs the workload of the app',
    ],
    [
      'a loaded extension that is not installed',
      { gaps: [gap], settings: { shared_preload_libraries: 'auto_explain,pg_stat_statements' } },
      'pg_stat_statements is loaded, but not installed in this database',
    ],
    [
      'MySQL without counters',
      { dialect: 'mysql', gaps: [gap] },
      'performance_schema is missing: without it, an analysis needs the workload of the app',
    ],
    ['SQLite, which has no counters', { dialect: 'sqlite' }, undefined],
  ])('returns the problem of %s', (_what, given, text) => {
    expect(statementsProblem(snapshotOf([], given))?.text).toBe(text)
  })

  it('is the gap of an analysis', async () => {
    const settings = { shared_preload_libraries: 'pg_stat_statements' }
    const snapshot = snapshotOf([], { gaps: [gap, { what: 'settings', why: 'Denied.' }], settings })
    const connection = { dialect: 'postgresql', query: async () => [] } as const
    const { gaps } = await analyzeDatabase({ connection, snapshot })
    expect(gaps.filter(({ what }) => what !== 'validation of indexes')).toEqual([
      {
        what: 'statements',
        why: 'pg_stat_statements is loaded, but not installed in this database. CREATE EXTENSION pg_stat_statements',
      },
      { what: 'settings', why: 'Denied.' },
    ])
  })
})

describe('staleTables', () => {
  const names = (snapshot: DatabaseSnapshot) => {
    const { neverAnalyzed, changed } = staleTables(snapshot)
    return [neverAnalyzed.map(({ name }) => name), changed.map(({ name }) => name)]
  }
  const statistics = { distinct: 1, nullShare: 0, common: [], bounds: [] }
  const tables = [
    tableOf('never', { columns: [columnOf('id')], changedSinceAnalyze: 10_000 }),
    tableOf('small', { columns: [columnOf('id')], rows: 999 }),
    tableOf('view', { kind: 'view', columns: [columnOf('id')] }),
    tableOf('materialized', { kind: 'materialized-view', columns: [columnOf('id')] }),
    tableOf('fresh', { analyzedAt: 1, changedSinceAnalyze: 2_000 }),
    tableOf('changed', { columns: [columnOf('id', { statistics })], changedSinceAnalyze: 2_001 }),
  ]

  it('distinguishes tables without statistics from tables that changed', () => {
    expect(names(snapshotOf(tables))).toEqual([['never', 'materialized'], ['changed']])
  })

  it('does not call a table never analyzed if the statistics cannot be read', () => {
    const gaps = [{ what: 'statistics', why: 'The database reported: permission denied.' }]
    expect(names(snapshotOf(tables, { gaps }))).toEqual([[], ['changed']])
  })

  it('is empty on MySQL', () => {
    expect(names(snapshotOf(tables, { dialect: 'mysql' }))).toEqual([[], []])
  })
})

describe('otherGaps', () => {
  it('retains gaps that no other problem reports, such as missing permissions', () => {
    const denied = { what: 'statistics of public.city', why: 'This role may not read the tables.' }
    const gaps = [gap, { what: 'statistics of public.a', why: 'Never analyzed: run ANALYZE.' }, denied]
    expect(otherGaps(gaps, { dialect: 'postgresql' })).toEqual([denied])
    const missing = { what: 'statistics', why: 'The database reported: no such table: sqlite_stat1.' }
    const locked = { what: 'statistics', why: 'The database reported: database is locked.' }
    expect(otherGaps([missing, locked], { dialect: 'sqlite' })).toEqual([locked])
  })
})
