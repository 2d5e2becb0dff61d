import type { PlanStep, PlanSummary } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { paintWith } from '../../src/report/cells.ts'
import { type PlanReportOptions, planReport, planWarnings } from '../../src/report/plan-report.ts'

function report(plan: Partial<PlanSummary>, options: Partial<PlanReportOptions> = {}): string {
  const of = { steps: [], sorts: 0, temporaryStructures: 0, raw: undefined, ...plan }
  return planReport(of, {
    paint: paintWith(false),
    width: 100,
    sql: SQL,
    address: 'db',
    isMeasured: false,
    isGeneric: false,
    ...options,
  })
}

const SQL = 'SELECT * FROM city c JOIN region ON region.id = c.region_id WHERE c.name = $1'
const city: PlanStep = {
  table: 'public.city',
  name: 'c',
  access: 'full-scan',
  rows: 171_075,
  loops: 1,
  filter: '(c.name = $1)',
}
const region: PlanStep = {
  table: 'public.region',
  name: 'region',
  access: 'key',
  index: 'region_pkey',
  searchedBy: ['id'],
  rows: 1,
  loops: 20,
}

describe('planReport', () => {
  it('aligns the steps, and reports rows read and returned, sorts and temporary structures', () => {
    const plan = {
      steps: [city, region],
      cost: 18_402.4,
      rowsScanned: 171_095,
      rowsReturned: 20,
      sorts: 1,
      temporaryStructures: 2,
    }
    expect(report(plan, { isGeneric: true })).toBe(`sluice explain   db · cost 18,402 · for any values

  TABLE   ACCESS     INDEX               ROWS
  city c  FULL SCAN                   171,075
    filter (c.name = $1)
  region  by key     region_pkey(id)   1 × 20

reads about 171,095 rows · returns about 20 rows · SORT · 2 TEMPORARY STRUCTURES
warn  It reads 171,095 rows to return 20 rows: no index of city is used.
`)
  })

  it('omits "about" for measured numbers', () => {
    const text = report(
      { steps: [region], executionTime: 0.52, rowsScanned: 20, rowsReturned: 1 },
      { isMeasured: true },
    )
    expect(text).toContain('took 0.52 ms')
    expect(text).toContain('reads 20 rows · returns 1 row')
  })

  it('marks undesirable access by word and color', () => {
    const text = report(
      { steps: [city, { ...region, access: 'automatic-index' }], sorts: 1 },
      { paint: paintWith(true) },
    )
    expect(text).toContain('\u001b[31mFULL SCAN')
    expect(text).toContain('\u001b[31mAUTOMATIC INDEX')
    expect(text).toContain('\u001b[33mSORT')
  })

  it('reports a statement without tables', () => {
    expect(report({})).toContain('The statement reads no table.')
  })

  it('distinguishes a search in an index from a full index scan', () => {
    const step: PlanStep = { table: 'city', name: 'city', access: 'index-only-scan', index: 'i' }
    expect(report({ steps: [step] })).toContain('FULL INDEX-ONLY SCAN')
    expect(report({ steps: [{ ...step, searchedBy: ['a'] }] })).toMatch(/index only +i\(a\)/)
  })
})

describe('planWarnings', () => {
  const plan = (of: Partial<PlanSummary>, sql = SQL) =>
    planWarnings({ steps: [], sorts: 0, temporaryStructures: 0, raw: undefined, ...of }, sql)

  it('accepts scans of small tables, and large results', () => {
    expect(plan({ steps: [city], rowsScanned: 900, rowsReturned: 1 })).toEqual([])
    expect(plan({ steps: [city], rowsScanned: 90_000, rowsReturned: 50_000 })).toEqual([])
  })

  it('warns of an automatic index, and of scans in a loop', () => {
    expect(plan({ steps: [{ ...region, access: 'automatic-index' }] })).toEqual([
      'The database builds an index on region for each execution: create a permanent index.',
    ])
    expect(
      plan({ steps: [{ ...city, loops: 5_000, rows: 10 }], rowsScanned: 50_000, rowsReturned: 5_000 }),
    ).toEqual(['It reads all rows of c 5,000 times, 10 rows each.'])
  })

  it('does not recommend an index when the statement has no condition', () => {
    const of = { steps: [city], rowsScanned: 171_075, rowsReturned: 1 }
    expect(plan(of, 'SELECT COUNT(*) FROM city')).toEqual(['It reads 171,075 rows to return 1 row.'])
    expect(plan(of, "SELECT COUNT('where') FROM city -- where")).toEqual([
      'It reads 171,075 rows to return 1 row.',
    ])
  })

  it('does not compare with the returned rows of a write', () => {
    const of = { steps: [city], rowsScanned: 171_075, rowsReturned: 0 }
    expect(plan(of, 'DELETE FROM city')).toEqual([])
    expect(plan(of, '/* all */ delete FROM city WHERE name = $1')).toEqual([
      'It reads 171,075 rows to find the rows that it changes: no index of city is used.',
    ])
    expect(report(of, { sql: 'DELETE FROM city' })).toContain('reads about 171,075 rows\n')
  })

  it('warns of a scan with an unknown number of rows', () => {
    expect(plan({ steps: [city] })).toEqual(['It reads all rows of city, whose number is unknown.'])
  })
})
