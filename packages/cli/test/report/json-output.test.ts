import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeDashboard, fakeDashboard } from '../support/fake-dashboard.ts'
import { wireRoute, wireSnapshot } from '../support/live.ts'
import { sluiceIn } from '../support/run-sluice.ts'
import { schemaProblems } from '../support/schema-problems.ts'
import { type Project, sqliteProject } from '../support/sqlite-project.ts'

const item = { kind: 'finding', severity: 'high', title: 'N+1', detail: 'GET /cities' }

let project: Project
let dashboard: FakeDashboard
const servers: Server[] = []

/** An app that reports its number of queries, and returns a city by name. */
async function app(queries: number, city: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json')
    response.setHeader(
      'Server-Timing',
      `db;dur=${queries}.0;desc="${queries} queries", sluice;desc="0 from cache"`,
    )
    response.end(JSON.stringify({ city }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  project = sqliteProject()
  const database = new Sqlite(join(project.folder, 'app.db'))
  database.exec(
    'CREATE INDEX by_name ON city (name); CREATE INDEX by_name_twice ON city (name, id); CREATE INDEX old ON city (population)',
  )
  database.close()
  const routes = [wireRoute('GET /cities', { flags: ['N_PLUS_ONE'], budget: 5 }), wireRoute('GET /regions')]
  dashboard = await fakeDashboard(wireSnapshot(routes, { ranked: [item] }))
})
afterAll(async () => {
  await dashboard.close()
  project.remove()
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

const run = (...args: string[]) => sluiceIn(project.folder, ...args)
const fileOf = (path: string) => readFileSync(join(project.folder, path), 'utf8')
/** Output of a command, which must not be empty. */
const printed = async (...args: string[]) => (await run(...args, '--json')).out

describe('the JSON Schemas', () => {
  it('describe the output of analyze, and its baseline', async () => {
    const out = await printed('analyze', project.url, '--workload', project.workload, '--update-baseline')
    const { findings } = JSON.parse(out) as { findings: { code: string; changes: { kind: string }[] }[] }
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['MISSING_INDEX', 'DUPLICATE_INDEX']),
    )
    expect(findings.flatMap(({ changes }) => changes.map(({ kind }) => kind))).toContain('drop-index')
    expect(schemaProblems('analyze', out)).toEqual([])
    expect(schemaProblems('baseline', fileOf('sluice/baseline.json'))).toEqual([])
  })

  it('describe the output of explain', async () => {
    for (const sql of [
      'SELECT * FROM city c JOIN region r ON r.id = c.region_id ORDER BY c.name',
      'SELECT 1',
      'DELETE FROM city WHERE id = 3',
    ])
      expect(schemaProblems('explain', await printed('explain', sql, '--url', project.url))).toEqual([])
  })

  it('describe the output of top, once and per second', async () => {
    const out = await printed('top', '--url', dashboard.url, '--once', '--seconds', '0.1')
    expect(JSON.parse(out)).toMatchObject({ ranked: [item], routes: [{ codes: expect.any(Array) }, {}] })
    expect(schemaProblems('top', out)).toEqual([])
  })

  it('describe the output of bench, and its baseline', async () => {
    const [own, other, quiet] = [await app(2, 'Genf'), await app(101, 'Geneva'), await app(0, 'Genf')]
    const bench = (...args: string[]) =>
      printed('bench', '--duration', '0.25', '--warmup', '0', '--connections', '2', 'GET /city', ...args)
    const compared = await bench('--url', own, '--compare', other, '--fail-on', 'different')
    expect(JSON.parse(compared)).toMatchObject({
      compare: other,
      failures: [expect.any(String)],
      routes: [{ bodies: { kind: 'different' } }],
    })
    expect(schemaProblems('bench', compared)).toEqual([])
    // 2 queries divided by 0 are not a finite ratio.
    const infinite = await bench('--url', own, '--compare', quiet)
    expect(JSON.parse(infinite).routes[0].comparisons.queries.ratio.median).toBeNull()
    expect(schemaProblems('bench', infinite)).toEqual([])
    await bench('--url', own, '--update-baseline')
    expect(schemaProblems('bench-baseline', fileOf('sluice/bench.json'))).toEqual([])
    const later = await bench('--url', other, '--baseline', 'sluice/bench.json')
    expect(JSON.parse(later)).toMatchObject({ baseline: 'sluice/bench.json', routes: [{ other: {} }] })
    expect(schemaProblems('bench', later)).toEqual([])
  })

  it('describe the output and the file of ignore', async () => {
    const out = await printed('ignore', '3ac91e00', '--reason', 'an import', '--url', dashboard.url)
    expect(JSON.parse(out).findings).toEqual([
      { id: '3ac91e00', reason: 'an import', what: expect.any(String), ignoredAt: expect.any(String) },
    ])
    expect(schemaProblems('ignore', out)).toEqual([])
    expect(schemaProblems('ignore', fileOf('sluice/ignore.json'))).toEqual([])
  })

  it('describe the output of doctor, even when the database does not respond', async () => {
    for (const url of [project.url, 'postgresql://ann@127.0.0.1:1/shop']) {
      const out = await printed('doctor', url)
      expect(schemaProblems('doctor', out)).toEqual([])
      expect(JSON.parse(out).checks.some(({ fix }: { fix?: string }) => fix !== undefined)).toBe(true)
    }
  })

  it('describe the output of triggers', async () => {
    expect(schemaProblems('triggers', await printed('triggers', '--schema', 'public'))).toEqual([])
  })

  it('reject an unknown and a missing property', async () => {
    const { sql, ...rest } = JSON.parse(await printed('triggers', '--schema', 'public'))
    expect(schemaProblems('triggers', JSON.stringify({ ...rest, text: sql }))).toEqual([
      expect.stringContaining('"missingProperty":"sql"'),
      expect.stringContaining('"additionalProperty":"text"'),
    ])
  })
})
