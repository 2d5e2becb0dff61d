import {
  type CallSite,
  createSluice,
  type Finding,
  formatFinding,
  type ScopeReport,
  type Sluice,
} from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf, parseCallSite } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { createConsoleReport } from '../../../src/query/detect/console-report.ts'
import { FakeClock, read, touching, write } from '../../helpers.ts'

const at = (file: string, line: number) => ({ stack: `Error\n    at load (${file}:${line}:7)` })

function setUp(threshold?: number) {
  const clock = new FakeClock()
  const sluice = createSluice({ clock, detection: threshold === undefined ? {} : { threshold } })
  const findings: Finding[] = []
  sluice.on('finding', (finding) => findings.push(finding))
  const run = (label: string, site = at('/app/a.ts', 1), ms = 1, result: unknown = null) => {
    const operation: Operation<unknown> = {
      ...read({
        run: async () => {
          clock.advance(ms)
          return result
        },
        label,
      }),
      stack: () => site,
    }
    return hostOf(sluice).execute(operation)
  }
  return { sluice, findings, run }
}

describe('N+1 detection', () => {
  it('reports a normalized query from the threshold on', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 4; i += 1) await run('four')
      for (let i = 0; i < 5; i += 1) await run('five')
    })
    expect(findings.map(({ label, count }) => [label, count])).toEqual([['five', 5]])
  })

  it('counts each scope separately', async () => {
    const { sluice, findings, run } = setUp()
    for (let i = 0; i < 10; i += 1) await sluice.run(() => run('once'))
    expect(findings).toEqual([])
  })

  it('counts each call site separately', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 3; i += 1) await run('shared', at('/app/a.ts', 1))
      for (let i = 0; i < 3; i += 1) await run('shared', at('/app/b.ts', 2))
    })
    expect(findings).toEqual([])
  })

  it('distinguishes sequential, parallel and interleaved patterns', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 6; i += 1) await run('loop')
      await Promise.all(Array.from({ length: 6 }, () => run('together')))
      for (let i = 0; i < 4; i += 1) await Promise.all([run('pairs'), run('pairs')])
    })
    expect(Object.fromEntries(findings.map(({ label, pattern }) => [label, pattern]))).toEqual({
      loop: 'sequential',
      together: 'parallel',
      pairs: 'interleaved',
    })
  })

  it('detects concurrent queries on a single connection by their stacks', async () => {
    const { sluice, findings, run } = setUp()
    const at = (index: number) => ({
      stack: `Error\n    at async each (/app/a.ts:1:1)\n    at async Promise.all (index ${index})\n    at async handler (/app/a.ts:9:1)`,
    })
    await sluice.run(async () => {
      for (let i = 0; i < 8; i += 1) await run('together', at(i))
      for (let i = 0; i < 8; i += 1) await run('a loop in each of two', at(i % 2))
    })
    expect(findings.map(({ pattern }) => pattern)).toEqual(['parallel', 'interleaved'])
  })

  it('reports the parent query', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      await run('list', at('/app/a.ts', 3), 1, [1, 2, 3])
      for (let i = 0; i < 5; i += 1) await run('each', at('/app/a.ts', 5))
    })
    expect(findings[0]?.parent).toEqual({
      label: 'list',
      callSite: { file: '/app/a.ts', line: 3, column: 7, functionName: 'load' },
    })
  })

  it('reports the possible number of queries of the scope', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      await run('list')
      for (let i = 0; i < 10; i += 1) await run('each')
    })
    expect(findings[0]).toMatchObject({ queries: 11, queriesPossible: 2, databaseMs: 10 })
  })

  it('derives the severity from the time that a fix would save, not from the count', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 5; i += 1) await run('few')
      for (let i = 0; i < 90; i += 1) await run('many')
      for (let i = 0; i < 5; i += 1) await run('slow', at('/app/a.ts', 1), 28)
      for (let i = 0; i < 5; i += 1) await run('slower', at('/app/a.ts', 1), 278)
    })
    expect(findings.map(({ severity }) => severity)).toEqual(['low', 'low', 'medium', 'high'])
    const listed = sluice.queries.getNPlusOnePatterns()
    expect(listed.map(({ label }) => label)).toEqual(['slower', 'slow', 'many', 'few'])
  })

  it('counts executed queries, not batched lookups', async () => {
    const sluice = createSluice({ mode: 'optimize', cache: false })
    const findings: Finding[] = []
    sluice.on('finding', (finding) => findings.push(finding))
    const find = (key: number) =>
      hostOf(sluice).execute(
        read({
          key,
          run: async () => key,
          runMany: async (keys) => new Map(keys.map(({ text }) => [text, text])),
        }),
      )
    await sluice.run(() => Promise.all(Array.from({ length: 20 }, (_, key) => find(key))))
    expect(findings).toEqual([])
  })

  it('does not report writes', async () => {
    const { sluice, findings } = setUp()
    await sluice.run(async () => {
      for (let i = 0; i < 9; i += 1) await hostOf(sluice).execute(write(touching('t'), async () => 1))
    })
    expect(findings).toEqual([])
  })

  it('notices that the call site of a normalized query has changed', async () => {
    const { sluice, findings, run } = setUp()
    const loop = async (line: number, scopes: number) => {
      for (let scope = 0; scope < scopes; scope += 1) {
        await sluice.run(async () => {
          for (let i = 0; i < 5; i += 1) await run('moving', at('/app/a.ts', line))
        })
      }
    }
    await loop(1, 5)
    await loop(2, 40)
    expect(findings.at(-1)?.callSite?.line).toBe(2)
    expect(new Set(findings.map(({ callSite }) => callSite?.line))).toEqual(new Set([1, 2]))
  })

  it('adds up occurrences across scopes and retains the worst', async () => {
    const { sluice, run } = setUp()
    for (const times of [5, 9, 6]) {
      await sluice.run(async () => {
        for (let i = 0; i < times; i += 1) await run('again')
      })
    }
    expect(sluice.queries.getNPlusOnePatterns()).toMatchObject([{ label: 'again', count: 9, occurrences: 3 }])
  })

  it('respects the threshold, and can be disabled', async () => {
    const low = setUp(2)
    await low.sluice.run(async () => {
      for (let i = 0; i < 2; i += 1) await low.run('twice')
    })
    expect(low.findings).toHaveLength(1)
    const off = createSluice({ detection: false })
    await off.run(() =>
      Promise.all(Array.from({ length: 9 }, () => hostOf(off).execute(read({ run: async () => 1 })))),
    )
    expect(off.queries.getNPlusOnePatterns()).toEqual([])
  })

  it('reports each scope with its counts', async () => {
    const { sluice, run } = setUp()
    const reports: ScopeReport[] = []
    sluice.on('scope', (report) => reports.push(report))
    await sluice.run(() => run('one'), { name: 'job' })
    expect(reports).toMatchObject([
      { name: 'job', mode: 'observe', operations: 1, queries: 1, durationMs: 1, databaseMs: 1 },
    ])
  })
})

describe('parseCallSite', () => {
  const site = (...frames: string[]): CallSite | undefined =>
    parseCallSite(`Error\n${frames.map((frame) => `    at ${frame}`).join('\n')}`)

  it('skips packages, Node, and Sluice', () => {
    const own = new URL('../../../src/pipeline/pipeline.ts', import.meta.url).pathname
    expect(
      site(
        'new Promise (<anonymous>)',
        'x (/app/node_modules/knex/lib/a.js:1:2)',
        'node:internal/x:3:4',
        `y (${own}:5:6)`,
        'load (/app/src/a.ts:7:8)',
      ),
    ).toMatchObject({ file: '/app/src/a.ts', line: 7, column: 8, functionName: 'load' })
  })

  it('reads asynchronous frames, URLs, and frames without a name', () => {
    expect(site('async Promise.all (index 0)', 'async load (file:///app/a%20b.ts:7:8)')).toEqual({
      file: '/app/a b.ts',
      line: 7,
      column: 8,
      functionName: 'load',
    })
    expect(site('async /app/a.ts:7:8')).toEqual({ file: '/app/a.ts', line: 7, column: 8 })
  })

  it('returns undefined without a frame of the app', () => {
    expect(site('node:internal/x:3:4')).toBeUndefined()
    expect(parseCallSite(undefined)).toBeUndefined()
  })
})

const finding: Finding = {
  code: 'N_PLUS_ONE',
  id: '3ac91e00',
  scope: 'GET /cities',
  fingerprint: 'f',
  label: 'select * from region where id = ?',
  count: 101,
  pattern: 'sequential',
  severity: 'high',
  databaseMs: 312.4,
  callSite: { file: `${process.cwd()}/src/routes/cities.ts`, line: 41, column: 28 },
  parent: { label: 'City.findMany', callSite: { file: '/x.ts', line: 38, column: 1 } },
  fix: 'include: { region: true }',
  queries: 102,
  queriesPossible: 2,
  occurrences: 1,
}

describe('formatFinding', () => {
  it('shows call site, cost and fix', () => {
    expect(formatFinding(finding)).toBe(
      [
        '▲ N+1  GET /cities   102 queries → 2 possible',
        '  101× select * from region where id = ?  312 ms, sequential',
        '  at   src/routes/cities.ts:41:28 after City.findMany :38',
        '  fix  include: { region: true }',
      ].join('\n'),
    )
  })

  it('truncates long SQL, but never the call site', () => {
    const text = formatFinding({ ...finding, label: 'x'.repeat(300) }, { width: 60 })
    expect(text).toContain('…')
    expect(text).toContain('src/routes/cities.ts:41:28')
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(1, 2)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(75)
  })
})

describe('the request ID of a finding', () => {
  const request = (sluice: Sluice, requestId: string | undefined) => {
    const scope = sluice.openScope('GET /a')
    scope.requestId = requestId
    return scope
  }

  it('is that of its scope, for N+1 and budget findings', async () => {
    const clock = new FakeClock()
    const sluice = createSluice({ clock, detection: { threshold: 2, budget: 2 } })
    const scope = request(sluice, 'r1')
    await scope.enter(async () => {
      for (let i = 0; i < 3; i += 1) await hostOf(sluice).execute(read({ run: async () => null, label: 'a' }))
    })
    expect(scope.end().findings.map(({ code, requestId }) => [code, requestId])).toEqual([
      ['N_PLUS_ONE', 'r1'],
      ['QUERY_BUDGET', 'r1'],
    ])
  })

  it('is that of the worst occurrence in statistics, and that of each occurrence in events', async () => {
    const { sluice, findings, run } = setUp(2)
    for (const [id, count] of [
      ['first', 3],
      ['worst', 5],
      ['last', 2],
    ] as const) {
      const scope = request(sluice, id)
      await scope.enter(async () => {
        for (let i = 0; i < count; i += 1) await run('a')
      })
      scope.end()
    }
    expect(findings.map(({ requestId }) => requestId)).toEqual(['first', 'worst', 'last'])
    expect(sluice.queries.getNPlusOnePatterns().map(({ requestId, count }) => [requestId, count])).toEqual([
      ['worst', 5],
    ])
  })

  it('is set in nested scopes, but not in other or later ones', async () => {
    const { sluice, findings, run } = setUp(2)
    const loop = async () => {
      for (let i = 0; i < 2; i += 1) await run('a')
    }
    const scope = request(sluice, 'r1')
    await scope.enter(async () => {
      await sluice.run(loop, { name: 'inner' })
      scope.end()
      await sluice.run(loop, { name: 'later' })
    })
    await sluice.run(loop, { name: 'outside' })
    expect(findings.map((found) => [found.scope, found.requestId, 'requestId' in found])).toEqual([
      ['inner', 'r1', true],
      ['later', undefined, false],
      ['outside', undefined, false],
    ])
  })
})

describe('createConsoleReport', () => {
  it('shows the request between the finding and the hint how to ignore it', () => {
    const lines: string[] = []
    const report = createConsoleReport({ write: (text) => lines.push(text) })
    report({ ...finding, requestId: 'r-1' })
    report({ ...finding, scope: 'other' })
    expect(lines[0]).toMatch(/\n {2}more request r-1\n {2}mute npx/)
    expect(lines[1]).not.toContain('more')
  })

  it('prints a finding once, then counts', () => {
    const lines: string[] = []
    const report = createConsoleReport({ write: (text) => lines.push(text) })
    for (let i = 0; i < 10; i += 1) report(finding)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(new RegExp(`\n  mute npx sluice ignore ${finding.id}\n$`))
    expect(lines[1]).toContain('seen 10 times')
    expect(lines[1]).toContain('times, severity high (3ac91e00)')
    for (let i = 10; i < 100; i += 1) report({ ...finding, severity: 'low' })
    expect(lines[2]).toContain('seen 100 times (3ac91e00)')
  })
})
