import type { DatabaseAnalysis } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { splitBy } from '../../src/report/baseline.ts'
import { paintWith } from '../../src/report/cells.ts'
import { shortSql, type TerminalReportOptions, terminalReport } from '../../src/report/terminal-report.ts'
import { analysis, finding, statement } from '../support/analysis.ts'

function report(of: DatabaseAnalysis, options: Partial<TerminalReportOptions> = {}): string {
  const split = splitBy(undefined, of.findings, false)
  return terminalReport(of, {
    paint: paintWith(false),
    width: 100,
    isVerbose: false,
    isFixing: false,
    split,
    ...options,
  })
}

describe('terminalReport', () => {
  it('reports the savings of an index, its validation, its statements and their call sites', () => {
    expect(
      report(analysis([finding()])),
    ).toBe(`sluice analyze   PostgreSQL 17.2 · 41 tables · 1,208 statements · 5.3 min of database time

Indexes to create
HIGH  idx-1  city(region_id, population)   38% of DB time (2.0 min)
      cost 18,402 → 61 per call (HypoPG)  size ≈ 4.0 MB
      searched by region_id; ordered by population
      1,208× SELECT * FROM city WHERE region_id = $1 ORDER BY population  2.1 min
      at     /somewhere/app/src/routes/cities.ts:41:28

1 finding · 1 high
fix: npx sluice analyze --write   writes 1 index to the project
took 12 ms · limits: 2 s per statement, 60 s in total
`)
  })

  it('respects the width, and truncates statements but never call sites', () => {
    const label = `SELECT city.id, city.name, city.population FROM public.city WHERE ${'public.city.name LIKE $1 OR '.repeat(6)}false`
    const details = [
      'A sentence that is much longer than a terminal is wide, so that it has to go on in a line below the first one.',
    ]
    const text = report(analysis([finding({ details, statements: [statement({ label })] })]), { width: 60 })
    expect(text).toContain('SELECT … FROM city WHERE')
    expect(text).toContain('/somewhere/app/src/routes/cities.ts:41:28')
    const isKept = (line: string) => line.length <= 60 || /\/somewhere|^fix/.test(line)
    expect(text.split('\n').filter((line) => !isKept(line))).toEqual([])
  })

  it('shows two statements, and all statements with the SQL when verbose', () => {
    const statements = ['a', 'b', 'c', 'd'].map((name) =>
      statement({ fingerprint: name, label: `SELECT ${name} FROM city` }),
    )
    const short = report(analysis([finding({ statements })]))
    expect(short).toContain('and 2 more statements')
    expect(short).not.toMatch(/SELECT c|CREATE INDEX/)
    const all = report(analysis([finding({ statements })]), { isVerbose: true })
    expect(all).toContain('SELECT d FROM city')
    expect(all).toContain(
      'CREATE INDEX CONCURRENTLY "city_region_id_population_idx" ON "public"."city" ("region_id", "population");',
    )
    expect(all).not.toContain('more statement')
  })

  it('marks a finding that was not validated', () => {
    const text = report(
      analysis([
        finding({ code: 'MISSING_FOREIGN_KEY_INDEX', id: 'fk-1', validation: 'none', statements: [] }),
      ]),
    )
    expect(text).toMatch(/fk-1 .*NOT VALIDATED\n/)
  })

  it('groups findings by action', () => {
    const findings = [
      finding({ code: 'SLOW_QUERY', id: 'slow-1', changes: [] }),
      finding({ code: 'UNUSED_INDEX', id: 'use-1' }),
      finding(),
      finding({ code: 'STALE_STATISTICS', id: 'stat-1', changes: [] }),
    ]
    const text = report(analysis(findings))
    const places = [
      'Indexes to create',
      'idx-1',
      'Indexes to drop',
      'use-1',
      'Queries',
      'slow-1',
      'Maintenance',
      'stat-1',
    ].map((word) => text.indexOf(word))
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(text).toContain('--include unused-index   adds 1 more')
  })

  it('counts new findings against a baseline, and hides known ones', () => {
    const findings = [finding(), finding({ key: 'key-2', id: 'idx-2', title: 'region(name)' })]
    const split = splitBy({ keys: new Set(['key-1']) }, findings, false)
    const text = report(analysis(findings), { split })
    expect(text).toContain('2 findings · 1 new · 1 in the baseline')
    expect(text).not.toContain('city(region_id')
    expect(text).toContain('region(name)')
  })

  it('reports unavailable information, and statements that were not analyzed', () => {
    const left = [
      { fingerprint: 'x', label: 'SELECT strange()', why: 'It cannot be read.', kind: 'unreadable' as const },
      { fingerprint: 'y', label: 'SELECT 1', why: 'It costs nothing.', kind: 'cheap' as const },
    ]
    const of = analysis([], { gaps: [{ what: 'statements', why: 'The server does not count them.' }], left })
    const text = report(of)
    expect(text).toContain('No findings')
    expect(text).toContain('not available: statements. The server does not count them.')
    expect(text).toContain('1 statement was not analyzed; --verbose lists them')
    expect(report(of, { isVerbose: true })).toContain('SELECT strange()\n    It cannot be read.')
  })

  it('prints the same words with and without colors', () => {
    const painted = report(analysis([finding()]), { paint: paintWith(true) })
    expect(painted).toContain('\u001b[31mHIGH\u001b[0m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: color codes are control characters.
    expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(report(analysis([finding()])))
  })

  it('shows the --include option for findings that --write omits by default', () => {
    const found = [finding({ code: 'UNUSED_INDEX' }), finding({ code: 'DUPLICATE_INDEX' })]
    expect(report(analysis(found), { width: 120 })).toContain(
      'fix: npx sluice analyze --write --include unused-index,duplicate-index   writes 2 changes to the project\n',
    )
  })

  it('asks for a workload when there are no statements', () => {
    const { database } = analysis([])
    const text = report(analysis([], { database: { ...database, statements: 0, totalMs: 0 } }))
    expect(text).toContain(
      'No findings in the schema.\nNo statements: pass the workload of an app with --workload',
    )
  })

  it('omits the hint about --write while writing fixes', () => {
    expect(report(analysis([finding()]), { isFixing: true })).not.toContain('--write')
  })
})

describe('shortSql', () => {
  it('does not change a statement that fits', () => {
    expect(shortSql('SELECT main.city.id FROM main.city', 34)).toBe('SELECT main.city.id FROM main.city')
  })

  it('removes default schemas first, quoted or not', () => {
    expect(shortSql('SELECT main.city.id FROM main.city', 33)).toBe('SELECT city.id FROM city')
    expect(shortSql('SELECT "public"."city"."id" FROM "public"."city"', 40)).toBe(
      'SELECT "city"."id" FROM "city"',
    )
    expect(shortSql('SELECT domain.id, x.main.y FROM domain, main_road', 45)).toContain(
      'main_road'.slice(0, 3),
    )
  })

  it('removes the select list, up to the FROM of the outermost statement', () => {
    const sql = 'SELECT city.id, (SELECT max(a) FROM other) AS m, "from" FROM city WHERE id = ?'
    expect(shortSql(sql, 40)).toBe('SELECT … FROM city WHERE id = ?')
  })

  it('truncates the end when the statement is still too long', () => {
    expect(shortSql('UPDATE city SET name = ? WHERE id = ?', 20)).toBe('UPDATE city SET nam…')
    expect(shortSql('SELECT id FROM city WHERE name = ? AND region_id = ?', 30)).toBe(
      'SELECT … FROM city WHERE name…',
    )
  })
})
