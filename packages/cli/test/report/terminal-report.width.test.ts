import type { PlanSummary } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import type { RouteResult } from '../../src/bench/run-bench.ts'
import { readSnapshot } from '../../src/dashboard/protocol.ts'
import { main } from '../../src/main.ts'
import { type BenchRun, benchReport } from '../../src/report/bench-report.ts'
import { paintWith, widthOf } from '../../src/report/cells.ts'
import { planReport } from '../../src/report/plan-report.ts'
import { terminalReport } from '../../src/report/terminal-report.ts'
import { LiveModel } from '../../src/top/live-model.ts'
import { topLines, topTable } from '../../src/top/top-text.ts'
import { analysis, finding, statement } from '../support/analysis.ts'
import { wireRoute, wireSnapshot } from '../support/live.ts'
import { sqliteProject } from '../support/sqlite-project.ts'

const WIDTH = 80
const paint = paintWith(false)
const LONG = 'a_table_with_a_name_that_is_as_long_as_postgresql_permits_it_to_be'

/** Lines that are too long. Call sites, and SQL to copy, are never truncated. */
const tooLong = (text: string) =>
  text.split('\n').filter((line) => widthOf(line) > WIDTH && !/:\d+:\d+$|^ +CREATE INDEX/.test(line))

describe('reports at 80 columns', () => {
  it.each([false, true])('analyze has no longer line, also if verbose is %s', (isVerbose) => {
    const findings = [
      finding({ validation: 'scratch', title: `${LONG}(region_id, population, name)`, sql: [] }),
      finding({ validation: 'none', statements: [statement({ label: `SELECT ${LONG} `.repeat(5) })] }),
      finding({ code: 'STALE_STATISTICS', title: `never analyzed: ${`${LONG}, `.repeat(4)}x`, changes: [] }),
      finding({ code: 'MISSING_FOREIGN_KEY_INDEX' }),
      finding({ code: 'DUPLICATE_INDEX' }),
      finding({ code: 'UNUSED_INDEX' }),
      finding({ code: 'INVALID_INDEX' }),
    ]
    const left = ['time-limit', 'refused'].map((kind) => ({
      fingerprint: kind,
      label: `SELECT ${LONG} `.repeat(5),
      why: 'The time limit of 60 s for the analysis was reached. Not all indexes for it were tried.',
      kind: kind as 'refused',
    }))
    const gaps = [{ what: 'statements', why: 'The extension is not in this database. '.repeat(4) }]
    const shown = isVerbose ? findings.map((one) => ({ ...one, statements: [] })) : findings
    for (const some of [shown, shown.slice(2), []]) {
      const split = { shown: some, fresh: some, hasBaseline: false }
      const options = { paint, width: WIDTH, isVerbose, isFixing: false, split } as never
      const text = terminalReport(analysis(some, { left, gaps }), options)
      expect(tooLong(text)).toEqual([])
    }
  })

  it('explain has no longer line', () => {
    const step = {
      table: `public.${LONG}`,
      name: 'alias',
      access: 'index-only-scan',
      index: `${LONG}_idx`,
      searchedBy: ['region_id', 'population', 'name'],
      filter: `(name = '${'x'.repeat(200)}' AND population > 7)`,
      rows: 123_456_789,
      loops: 1_234,
    }
    const plan = {
      steps: [step, { table: 'public.city', name: 'city', access: 'full-scan', rows: 1 }],
      sorts: 3,
      temporaryStructures: 2,
      rowsScanned: 123_456_789_012,
      rowsReturned: 123_456_789,
      cost: 123_456_789,
      executionTime: 1_234,
    } as unknown as PlanSummary
    const text = planReport(plan, {
      paint,
      width: WIDTH,
      sql: 'SELECT 1',
      address: `postgresql://app@${'database.'.repeat(8)}example.org:5432/shop`,
      isMeasured: false,
      isGeneric: true,
    })
    expect(tooLong(text)).toEqual([])
    expect(text.replaceAll(/\s+/g, '')).toContain(`index${LONG}_idx(region_id,population,name)`)
  })

  it('bench has no longer line', () => {
    const figure = { median: 12_345, least: 9_000, most: 15_000 }
    const names = ['requestsPerSecond', 'p50', 'p95', 'p99', 'databaseMs']
    const figures = Object.fromEntries(names.map((name) => [name, figure]))
    const side = { figures, errors: 12, firstError: `connect ECONNREFUSED ${'x'.repeat(90)}` }
    const ratio = { median: 1.01, least: 0.5, most: 1_234.5 }
    const result = {
      route: `GET /${'cities/'.repeat(20)}`,
      own: side,
      other: side,
      comparisons: Object.fromEntries(names.map((name) => [name, { ratio, verdict: 'noise' }])),
      bodies: {
        kind: 'different',
        different: 3,
        of: 7,
        at: { path: '$.rows', left: 'x'.repeat(99), right: '1' },
      },
    } as unknown as RouteResult
    for (const reference of [undefined, `http://${'reference.'.repeat(4)}example.org:3001`]) {
      const run: BenchRun = {
        address: `http://${'application.'.repeat(3)}example.org:3000`,
        reference,
        baseline: reference === undefined ? 'sluice/benchmarks/bench.json' : undefined,
        connections: 1_000,
        rounds: 100,
        durationMs: 1_000_000,
        results: [result, { route: result.route, own: result.own, comparisons: {} } as RouteResult],
      }
      expect(tooLong(benchReport(run, { paint, width: WIDTH }))).toEqual([])
    }
  })

  it('top has no longer line', () => {
    const routes = [`GET /${'cities/'.repeat(20)}`, 'GET /東京/'].map((name) =>
      wireRoute(name, {
        perSecond: 123_456,
        queries: 12_345.6,
        databaseMs: 12_345.6,
        p99: 12_345,
        errors: 7,
        overBudget: 2,
        flags: ['N_PLUS_ONE', 'QUERY_BUDGET', 'REPEATED_QUERY'],
      }),
    )
    const view = new LiveModel(readSnapshot(wireSnapshot(routes))).view()
    const options = { paint, width: WIDTH, sort: 'cost', filter: '', slowMs: 500 } as const
    expect(tooLong(topTable(view, { ...options, watchedMs: 3_600_000 }))).toEqual([])
    expect(tooLong(topLines(view, options))).toEqual([])
  })

  it('doctor has no longer line', async () => {
    const project = sqliteProject(
      { '.env': 'REDIS_URL=redis://ann:secret@127.0.0.1:1\n' },
      { isAnalyzed: false },
    )
    const before = process.cwd()
    process.chdir(project.folder)
    let text = ''
    try {
      const out = (part: string) => {
        text += part
      }
      await main(['doctor', project.url], { out, err: () => {}, columns: WIDTH })
    } finally {
      process.chdir(before)
    }
    const { folder } = project
    project.remove()
    expect(text).toContain('never analyzed: city')
    expect(tooLong(text).filter((line) => !line.includes(folder))).toEqual([])
  })
})
