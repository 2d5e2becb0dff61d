import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TraceLine, traceLine, type YieldReport } from '@sluice/core/yield'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fakeDashboard } from '../support/fake-dashboard.ts'
import { sluice } from '../support/run-sluice.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-yield-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const HEADER: TraceLine = { type: 'trace', schemaVersion: 1, startedAt: 0, ttlMs: 1_000 }

/** A read of a city that is sent several times, 400 ms apart. */
function traceOf(times: number): string {
  const lines: TraceLine[] = [
    HEADER,
    { type: 'query', id: 1, label: 'SELECT * FROM city WHERE id = ?', isRepeatable: true },
  ]
  for (let id = 1; id <= times; id += 1) {
    const at = id * 400
    const common = { scope: id, at, end: at + 1 }
    const cache = { key: 'a', tags: ['public.city#set'], ttlMs: 1_000 }
    lines.push(
      { type: 'statement', query: 1, operation: id, key: 'a', tags: cache.tags, ...common },
      { type: 'operation', id, tick: id, after: 0, cache, batch: 'NOT_BY_KEY', ...common },
    )
  }
  return lines.map(traceLine).join('')
}

const REPORT: YieldReport = {
  durationMs: 30_000,
  statements: 200,
  operations: 150,
  ideal: { cached: 60, cachedWithinTtl: 50, batched: 30, frames: 10 },
  optimize: { cached: 40, batched: 15, prefetched: 5 },
  ttl: 1,
  byTtl: [
    { ttl: 10, saved: 66 },
    { ttl: 60, saved: 60 },
  ],
  missed: [
    {
      reason: 'cache:IN_TRANSACTION',
      text: 'Not cached: In a transaction',
      advice: 'Read outside the transaction.',
      page: 'recipes/not-cached',
      statements: 30,
      examples: [{ label: 'SELECT 1', statements: 30 }],
    },
  ],
}

describe('sluice yield', () => {
  it('estimates what optimize would save from a trace', async () => {
    const file = join(folder(), 'trace.jsonl')
    writeFileSync(file, traceOf(6))
    const { code, out, err } = await sluice('yield', file)
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(
      [
        'sluice yield   6 statements in 2.0 s',
        '',
        ' 67%  optimize saves 4:',
        '      4 cached',
        ' 83%  at most 5:',
        '      5 by an ideal cache (4 within cache.ttl: 1)',
        ' 83%  with cache.ttl: 10',
        ' 83%  with cache.ttl: 60',
        '',
        'Not saved',
        ' 17%  Not cached: The result had expired (cache:TTL_EXPIRED)',
        '      SELECT * FROM city WHERE id = ?',
        '      fix: If only this process writes to PostgreSQL or MariaDB, optimize saves more than estimated.',
        '      Otherwise, raise cache.ttl, if older results are acceptable. See guides/caching#expiration.',
        '',
      ].join('\n'),
    )
  })

  it('adds up the traces of a folder', async () => {
    const path = folder()
    writeFileSync(join(path, 'one.jsonl'), traceOf(3))
    writeFileSync(join(path, 'two.jsonl'), traceOf(2))
    writeFileSync(join(path, 'notes.txt'), 'none')
    const { code, out } = await sluice('yield', path, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 1,
      processes: 2,
      statements: 5,
      optimize: { cached: 3 },
    })
  })

  it.each([
    ['no statement', HEADER, 'the app sent no statements in mode observe'],
    ['another file', { findings: [] }, 'Trace, line 1: expected the first line of a trace'],
  ])('rejects %s', async (_, line, message) => {
    const file = join(folder(), 'trace.jsonl')
    writeFileSync(file, `${JSON.stringify(line)}\n`)
    const { code, out, err } = await sluice('yield', file)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })

  it('rejects paths without a trace, and both a trace and a URL', async () => {
    const path = folder()
    mkdirSync(join(path, 'empty'))
    for (const [args, message] of [
      [[join(path, 'missing')], 'cannot read'],
      [[join(path, 'empty')], 'contains no trace'],
      [[path, '--url', 'http://127.0.0.1:1/x'], 'expected either traces or --url'],
      [[], 'expected --url with the URL of the dashboard'],
    ] as const) {
      const { code, err } = await sluice('yield', ...args)
      expect([code, err]).toEqual([2, expect.stringContaining(message)])
    }
  })

  it('records a running app through its dashboard', async () => {
    const dashboard = await fakeDashboard()
    onTestFinished(() => dashboard.close())
    dashboard.answer = (request, response) => {
      const answer =
        request.url === '/_sluice/api/actions/record-yield'
          ? { done: true }
          : { isRecording: true, processes: 2, report: REPORT }
      response.end(JSON.stringify(answer))
      return true
    }
    const { code, out } = await sluice('yield', '--url', dashboard.url, '--seconds', '1', '--json')
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { schemaVersion: 1, processes: 2, saved: 60, bound: 100, ...REPORT },
    ])
    expect(dashboard.requests.map(({ url }) => url)).toEqual([
      '/_sluice/api/actions/record-yield',
      '/_sluice/api/yield',
    ])
  })

  it('reports why an app does not record', async () => {
    const dashboard = await fakeDashboard()
    onTestFinished(() => dashboard.close())
    dashboard.answer = (_, response) => {
      response.statusCode = 409
      response.end(JSON.stringify({ error: { code: 'OFF', message: 'The mode is `optimize`.' } }))
      return true
    }
    const { code, err } = await sluice('yield', '--url', dashboard.url)
    expect([code, err]).toEqual([3, expect.stringContaining('409: The mode is `optimize`.')])
  })
})
