import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { paintWith, widthOf } from '../../src/report/cells.ts'
import { runReport } from '../../src/report/run-report.ts'
import type { RunFinding } from '../../src/run/run-findings.ts'

function finding(of: Partial<RunFinding> = {}): RunFinding {
  return {
    code: 'N_PLUS_ONE',
    id: '3ac91e00',
    scope: 'GET /books',
    fingerprint: 'f',
    label: 'select * from authors where id = ?',
    count: 50,
    severity: 'low',
    databaseMs: 120,
    callSite: { file: join(process.cwd(), 'src/main.ts'), line: 17, column: 22 },
    fix: "db('authors').whereIn('id', keys)",
    queries: 51,
    queriesPossible: 2,
    occurrences: 1,
    impact: { occurrences: 1, savedMs: 100, savedMsPerMinute: 100, scopeMs: 200, seenMs: 0 },
    ...of,
  }
}

const plain = { paint: paintWith(false), width: 100 }
const clients = ['Knex (pg)']

describe('runReport', () => {
  it('aligns the findings, each with its call site and its fix', () => {
    const { callSite: _, fix: __, ...budget } = finding()
    const findings: readonly RunFinding[] = [
      finding({ occurrences: 1_204 }),
      { ...budget, code: 'QUERY_BUDGET', scope: 'script seed.ts', queriesPossible: 20 },
    ]
    expect(runReport({ processes: 2, clients, findings }, plain)).toBe(`
sluice run   2 findings in 2 processes · Knex (pg)

N+1      GET /books       51 queries → 2 possible   seen 1,204 times
         at   src/main.ts:17:22
         fix  db('authors').whereIn('id', keys)
Budget   script seed.ts   51 queries, 20 allowed    seen once
`)
  })

  it('fits in its width, except for call sites', () => {
    const long = finding({ scope: `GET /${'a'.repeat(200)}`, fix: 'word '.repeat(60) })
    const { callSite: _, ...placeless } = long
    for (const width of [80, 100, 140]) {
      const report = runReport({ processes: 1, clients, findings: [placeless] }, { ...plain, width })
      expect(Math.max(...report.split('\n').map(widthOf))).toBeLessThanOrEqual(width)
    }
  })

  it('prints no control characters of an app', () => {
    const findings = [finding({ scope: 'GET /\u001b[2J', fix: 'a\nb\u001b[2J' })]
    expect(runReport({ processes: 1, clients: ['\u001b[2J'], findings }, plain)).not.toContain('\u001b')
  })

  it('prints one line without findings', () => {
    expect(runReport({ processes: 1, clients, findings: [] }, plain)).toBe(
      'sluice run   no findings in 1 process · Knex (pg)\n',
    )
  })

  it('prints one line with likely reasons if no process has a client', () => {
    const report = runReport({ processes: 0, clients: [], findings: [] }, plain)
    expect(report).toMatch(
      /^sluice run {3}Sluice attached to no client\. It looks for .*Knex.* in node_modules\. .*bundled.*\n$/,
    )
  })
})
