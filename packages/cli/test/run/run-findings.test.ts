import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunReport } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRun } from '../../src/run/run-findings.ts'

type Pattern = RunReport['findings'][number]

/** A finding of one process, with the scopes that have it, and their queries. */
function pattern(
  scopes: Readonly<Record<string, number>>,
  savedMsPerMinute: number,
  of: Partial<Pattern> = {},
): Pattern {
  const impact = { occurrences: 2, savedMs: 10, savedMsPerMinute, scopeMs: 20, seenMs: 0 }
  const routes = Object.entries(scopes).map(([scope, count]) => ({
    scope,
    count,
    queries: count + 1,
    queriesPossible: 2,
    occurrences: 2,
    impact,
  }))
  return {
    code: 'N_PLUS_ONE',
    id: '3ac91e00',
    fingerprint: 'f',
    label: 'select 1',
    severity: 'low',
    databaseMs: 5,
    callSite: { file: '/app/main.ts', line: 1, column: 2 },
    estimatedSaving: { queries: 1, ms: 1 },
    ...(routes[0] ?? { scope: '', count: 0, queries: 0, queriesPossible: 0, occurrences: 0 }),
    impact,
    routes,
    ...of,
  }
}

function folderOf(...reports: readonly object[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-run-findings-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [at, report] of reports.entries())
    writeFileSync(
      join(folder, `${at}.json`),
      JSON.stringify({ schemaVersion: 1, clients: ['Knex'], ...report }),
    )
  return folder
}

describe('readRun', () => {
  it('adds up equal findings of all processes, for each scope name and call site', () => {
    const elsewhere = { callSite: { file: '/app/main.ts', line: 9, column: 2 } }
    const { processes, clients, findings } = readRun(
      folderOf(
        { findings: [pattern({ 'GET /a': 5, 'GET /b': 6 }, 50)] },
        { findings: [pattern({ 'GET /a': 8 }, 70), pattern({ 'GET /a': 3 }, 10, elsewhere)] },
      ),
    )
    expect({ processes, clients }).toEqual({ processes: 2, clients: ['Knex'] })
    expect(
      findings.map(({ scope, callSite, queries, occurrences, severity }) => ({
        scope,
        line: callSite?.line,
        queries,
        occurrences,
        severity,
      })),
    ).toEqual([
      // 50 and 70 ms per minute are 120, which is more than low.
      { scope: 'GET /a', line: 1, queries: 9, occurrences: 4, severity: 'medium' },
      { scope: 'GET /b', line: 1, queries: 7, occurrences: 2, severity: 'low' },
      { scope: 'GET /a', line: 9, queries: 4, occurrences: 2, severity: 'low' },
    ])
  })

  it('ignores files of other versions, and files that are being written', () => {
    const folder = folderOf({ schemaVersion: 2 })
    writeFileSync(join(folder, 'a.tmp'), '{')
    expect(readRun(folder)).toEqual({ processes: 0, clients: [], findings: [] })
  })
})
