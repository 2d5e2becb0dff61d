import type { IncomingMessage } from 'node:http'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../browser/app.ts'
import { type CliProject, cliProject } from '../../support/run-cli.ts'
import { CLI } from '../../support/typescript-process.ts'

/** A client of the SDK, connected to `sluice mcp` in a process. */
async function connect(args: readonly string[]): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' })
  const command = [...CLI, 'mcp', ...args]
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: command, stderr: 'inherit' }),
  )
  return client
}

let app: TestApp
let client: Client
let project: CliProject

/** Result of a tool as JSON. */
async function call(name: string, given: Readonly<Record<string, unknown>> = {}, from = client) {
  const { content, isError } = await from.callTool({ name, arguments: { ...given } })
  const [first] = content as readonly { readonly text: string }[]
  if (isError === true) throw new Error(first?.text)
  return JSON.parse(first?.text ?? '')
}

beforeAll(async () => {
  project = cliProject()
  app = await startApp()
  await app.ask('/cities', 3)
  client = await connect(['--url', `${app.origin}/_sluice`])
})
afterAll(async () => {
  await client.close()
  await app.close()
  project.remove()
})

describe('sluice mcp', () => {
  it('offers only tools that change nothing unless actions are allowed', async () => {
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name).sort()).toEqual([
      'explain_query',
      'get_index_advice',
      'get_overview',
      'get_request',
      'list_findings',
      'list_requests',
      'list_slow_queries',
      'read_docs',
      'search_docs',
    ])
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([])
    for (const { description } of tools) expect(description).toMatch(/\.$/)
  })

  it('returns an N+1 with its call site and fix', async () => {
    const { findings, matching } = await call('list_findings', { route: 'GET /cities' })
    expect(matching).toBe(1)
    expect(findings[0]).toMatchObject({
      code: 'N_PLUS_ONE',
      scope: 'GET /cities',
      count: 10,
      queries: 11,
      queriesPossible: 2,
      isMuted: false,
      callSite: expect.stringMatching(/test\/browser\/app\.ts:\d+:\d+$/),
      parent: { label: expect.stringContaining('city') },
      fix: expect.stringContaining('whereIn'),
    })
    expect((await call('list_findings', { route: 'GET /none' })).findings).toEqual([])
  })

  it('returns the routes with their queries, and the queries of one request', async () => {
    const { routes, recent } = await call('list_requests', { name: '/cities' })
    expect(routes).toEqual([expect.objectContaining({ name: 'GET /cities', queries: 11 })])
    const { rows, found } = await call('get_request', { id: recent[0].id })
    expect(rows.map(({ count }: { count: number }) => count)).toEqual([1, 10])
    expect(found).toHaveLength(1)
  })

  it('returns slow queries, and the plan of one', async () => {
    const { statements } = await call('list_slow_queries')
    const { fingerprint, dialect } = statements.find(({ sql }: { sql: string }) =>
      /\bcity\b.*order by/i.test(sql),
    )
    const plan = await call('explain_query', { fingerprint, dialect })
    expect(plan).toMatchObject({ fullTableScan: true, steps: [expect.anything()] })
  })

  it('analyzes the database on request', async () => {
    expect((await call('get_index_advice')).analyzedAt).toBeNull()
    const { advice, analyzedAt, isAttached } = await call('get_index_advice', { analyze: true })
    expect([isAttached, typeof analyzedAt]).toEqual([true, 'number'])
    expect(Array.isArray(advice)).toBe(true)
  })

  it('returns the current problems', async () => {
    const { mode, problems, totals } = await call('get_overview')
    expect(mode).toBe('observe')
    expect(problems[0]).toMatchObject({ kind: 'finding', section: 'findings' })
    expect(totals.requests).toBeGreaterThanOrEqual(3)
  })

  it('finds and returns pages of the documentation', async () => {
    const [best] = await call('search_docs', { query: 'consistency strict Redis' })
    expect(best).toMatchObject({ path: expect.any(String), heading: expect.any(String) })
    const { content } = await client.callTool({ name: 'read_docs', arguments: { path: 'guides/caching' } })
    expect((content as readonly { readonly text: string }[])[0]?.text).toMatch(/^# Caching\n/)
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toContain('sluice-docs:///guides/caching')
    const page = await client.readResource({ uri: 'sluice-docs:///guides/caching' })
    expect((page.contents[0] as { readonly text: string }).text).toMatch(/^# Caching\n/)
  })

  it('reports unknown pages, invalid arguments and missing requests as errors of the tool', async () => {
    await expect(call('read_docs', { path: 'guides/nothing' })).rejects.toThrow(
      /^Unknown page "guides\/nothing"/,
    )
    await expect(call('get_request', { id: '../now' })).rejects.toThrow(/id/)
    await expect(call('get_request', { id: 'zzzz' })).rejects.toThrow(/404/)
  })

  it('changes the state of the app with --allow-actions', async () => {
    const acting = await connect(['--url', `${app.origin}/_sluice`, '--allow-actions'])
    try {
      const { findings } = await call('list_findings', {}, acting)
      await call('mute_finding', { id: findings[0].id }, acting)
      expect((await call('list_findings', { route: 'GET /cities' })).matching).toBe(0)
      await call('mute_finding', { id: findings[0].id, muted: false }, acting)
      expect((await call('list_findings', { route: 'GET /cities' })).matching).toBe(1)
      expect(await call('set_query_budget', { name: 'GET /cities', queries: 5 }, acting)).toEqual({
        done: true,
      })
      expect(await call('clear_cache', {}, acting)).toEqual({ done: true })
    } finally {
      await acting.close()
    }
  })

  it('follows the access rule of the dashboard', async () => {
    const authorize = ({ headers }: IncomingMessage, right: 'read' | 'act') =>
      right === 'read' && headers.authorization === 'Bearer s3cret'
    const guarded = await startApp({ dashboard: { authorize } })
    await guarded.ask('/cities')
    const withoutToken = await connect(['--url', `${guarded.origin}/_sluice`])
    const reader = await connect(['--url', `${guarded.origin}/_sluice`, '--token', 's3cret'])
    try {
      await expect(call('list_findings', {}, withoutToken)).rejects.toThrow(/401|403/)
      expect((await call('list_findings', {}, reader)).findings).toHaveLength(1)
      await expect(call('get_index_advice', { analyze: true }, reader)).rejects.toThrow(/403/)
    } finally {
      await withoutToken.close()
      await reader.close()
      await guarded.close()
    }
  })

  it('starts before the app, and says how to reach it', async () => {
    const early = await connect(['--url', 'http://127.0.0.1:9/_sluice'])
    try {
      await expect(call('get_overview', {}, early)).rejects.toThrow(/127\.0\.0\.1:9/)
    } finally {
      await early.close()
    }
  })

  it('ends when its client closes the connection, without other output', async () => {
    const { child, ended } = project.start(['mcp', '--url', `${app.origin}/_sluice`])
    expect(await ended).toEqual({ code: 0, out: '', err: '' })
    expect(child.killed).toBe(false)
  })

  it('rejects a missing URL', async () => {
    expect(await project.run(['mcp'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('expected --url'),
    })
  })
})
