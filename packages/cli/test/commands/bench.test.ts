import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sluice } from '../support/run-sluice.ts'

const servers: Server[] = []
let folder: string
let own: string
let other: string

/** An app that reports its number of queries, and returns a city by name. */
async function app(queries: number, city: string): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json')
    if (request.url !== '/quiet')
      response.setHeader(
        'Server-Timing',
        `db;dur=${queries}.0;desc="${queries} queries", sluice;desc="0 from cache"`,
      )
    if (request.url === '/missing') response.statusCode = 404
    if (request.url === '/moved') response.writeHead(302, { location: '/equal' })
    if (request.url === '/header' && request.headers['x-team'] !== 'blue') response.statusCode = 403
    response.end(JSON.stringify(request.url === '/city' ? { rows: [{ city }] } : { same: true }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  own = await app(2, 'Genf')
  other = await app(101, 'Geneva')
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

const bench = (...args: string[]) =>
  sluice('bench', '--duration', '0.25', '--warmup', '0', '--connections', '2', ...args)

describe('sluice bench', () => {
  it('reports the queries of each side, and that the responses are equal', async () => {
    const { code, out, err } = await bench(
      '--url',
      own,
      '--compare',
      other,
      '--routes',
      'GET /equal',
      '/quiet',
      '--json',
    )
    expect([code, err]).toEqual([0, ''])
    const { schemaVersion, routes } = JSON.parse(out)
    expect([schemaVersion, routes.map(({ route }: { route: string }) => route)]).toEqual([
      1,
      ['GET /equal', 'GET /quiet'],
    ])
    expect(routes[0]).toMatchObject({
      own: { errors: 0, figures: { queries: { median: 2 }, databaseMs: { median: 2 } } },
      other: { figures: { queries: { median: 101 } } },
      comparisons: { queries: { verdict: 'better' } },
      bodies: { kind: 'equal', of: routes[0].own.requests },
    })
    expect(routes[0].own.figures.requestsPerSecond.median).toBeGreaterThan(0)
    expect(routes[1].own.figures.queries).toBeUndefined()
  })

  it('exits with code 1 when the responses differ, regardless of speed', async () => {
    const { code, out, err } = await bench(
      '--url',
      own,
      '--compare',
      other,
      'GET /city',
      '--fail-on',
      'different',
    )
    expect(code).toBe(1)
    expect(out).toMatch(
      /BODIES DIFFER: ([\d,.k]+) of \1; first at \$\.rows\[0\]\.city: "Genf", --compare has "Geneva"/,
    )
    expect(err).toMatch(/^fail: GET \/city: \d+ of \d+ responses differ\n$/)
    expect(
      (
        await bench(
          '--url',
          own,
          '--compare',
          other,
          'GET /city',
          '--ignore-path',
          'rows.*.city',
          '--fail-on',
          'different',
        )
      ).code,
    ).toBe(0)
  })

  it('exits with code 1 when a route sends more queries', async () => {
    expect(
      await bench('--url', other, '--compare', own, '/equal', '--fail-on', 'slower=1000,more-queries'),
    ).toMatchObject({
      code: 1,
      err: 'fail: GET /equal: more queries per request\n',
    })
  })

  it('compares with a baseline from --update-baseline', async () => {
    const file = join(folder, 'bench.json')
    expect(await bench('--url', own, '/equal', '--baseline', file, '--update-baseline')).toMatchObject({
      code: 0,
      err: `wrote ${file}\n`,
    })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      schemaVersion: 1,
      routes: [{ route: 'GET /equal' }],
    })
    const { code, out } = await bench(
      '--url',
      other,
      '/equal',
      '--baseline',
      file,
      '--fail-on',
      'more-queries',
      '--reporter',
      'markdown',
    )
    expect(code).toBe(1)
    expect(out).toMatch(/\| `GET \/equal` \| .* \| 2\.0 → 101 \(51× more\) \|/)
    writeFileSync(file, '{"schemaVersion":1,"routes":[{"route":"GET /equal"}]}')
    expect(await bench('--url', own, '/equal', '--baseline', file)).toMatchObject({ code: 2, out: '' })
    expect(await bench('--url', own, '/equal', '--baseline', join(folder, 'none.json'))).toMatchObject({
      code: 2,
      out: '',
    })
  })

  it('prints no spread of 1 round', async () => {
    const one = await bench('--url', own, '--compare', other, '/equal', '--rounds', '1', '--connections', '1')
    expect(one.out).toContain('1 connection · 1 round of 0.3 s')
    expect(one.out).toMatch(/queries\/request +2\.0 +– +101 +–/)
    expect((await bench('--url', own, '/equal', '--rounds', '2')).out).toMatch(
      /2 rounds of .*queries\/request +2\.0 +±0%/s,
    )
    expect((await bench('--url', own, '/equal', '--rounds', '1', '--reporter', 'markdown')).out).toContain(
      '2 connections, 1 round of 0.3 s.',
    )
  })

  it('sends at most --max-requests requests', async () => {
    const { out } = await bench('--url', own, '/equal', '--duration', '30', '--max-requests', '10', '--json')
    expect(JSON.parse(out).routes[0].own.requests).toBe(10)
  })

  it('sends the headers of --header', async () => {
    expect((await bench('--url', own, '/header')).code).toBe(2)
    expect((await bench('--url', own, '/header', '--header', 'X-Team: blue')).code).toBe(0)
  })

  it('sends a path that looks like a host to the app', async () => {
    expect((await bench('--url', own, '//203.0.113.9/equal')).code).toBe(0)
  })

  it('rejects a route that fails before the load starts', async () => {
    for (const path of ['/missing', '/moved'])
      expect(await bench('--url', own, path)).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringMatching(/expected a response with status 2xx, got [34]0\d from \S+\n$/),
      })
  })

  it('exits with code 3 when no process listens', async () => {
    expect(await bench('--url', 'http://127.0.0.1:1', '/equal')).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('Cannot connect to'),
    })
  })

  it.each([
    [['/equal'], '--url'],
    [['--url', 'http://127.0.0.1:1'], '--routes'],
    [['--url', 'nonsense', '/equal'], '--url: expected'],
    [['--url', 'http://127.0.0.1:1', 'POST /cities'], 'GET or HEAD'],
    [['--url', 'http://127.0.0.1:1', '/a', 'GET /a'], 'duplicate request'],
    [['--url', 'http://127.0.0.1:1', '/a', '--connections', '0'], '--connections: expected an integer'],
    [
      ['--url', 'http://127.0.0.1:1', '/a', '--fail-on', 'different'],
      '--fail-on different: expected --compare',
    ],
    [['--url', 'http://127.0.0.1:1', '/a', '--fail-on', 'slower=5'], 'expected --compare or --baseline'],
    [
      ['--url', 'http://127.0.0.1:1', '/a', '--compare', 'http://127.0.0.1:2', '--baseline', 'b.json'],
      '--baseline has no effect with --compare',
    ],
    [['--url', 'http://203.0.113.9', '/a'], '--allow-remote'],
    [
      ['--url', 'http://127.0.0.1:1', '/a', '--compare', 'http://203.0.113.9'],
      '--compare: 203.0.113.9 is neither',
    ],
  ])('rejects %j', async (args, message) => {
    expect(await sluice('bench', ...args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(message),
    })
  })
})
