import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice } from '@sluice/core'
import { createDashboard, type Dashboard } from '@sluice/dashboard'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import express from 'express'
import knexFactory, { type Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaProblems } from '../../../packages/cli/test/support/schema-problems.ts'
import { type CliProject, cliProject } from '../../support/run-cli.ts'
import { CLI } from '../../support/typescript-process.ts'

let sluice: Sluice
let dashboard: Dashboard
let guarded: Dashboard
let db: Knex
let server: Server
let origin: string
let project: CliProject
let sending: ReturnType<typeof setInterval>

beforeAll(async () => {
  project = cliProject()
  sluice = createSluice()
  db = withSluice(
    knexFactory({
      client: 'better-sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    }),
    sluice,
  )
  await db.schema.createTable('region', (table) => void table.increments('id'))
  for (let id = 1; id <= 8; id += 1) await db('region').insert({ id })
  dashboard = createDashboard(sluice, { announce: false, name: 'atlas' })
  const authorize = ({ headers }: IncomingMessage) => headers.authorization === 'Bearer s3cret'
  guarded = createDashboard(sluice, { announce: false, path: '/_guarded', authorize })
  const app = express()
  app.use('/_sluice', dashboard.handler)
  app.use('/_guarded', guarded.handler)
  app.use(sluiceMiddleware(sluice, { report: false }))
  app.get('/regions', async (_request, response) => {
    const list = await db('region').orderBy('id')
    for (const { id } of list) await db('region').where({ id }).first()
    response.json(list)
  })
  app.get('/one', async (_request, response) => void response.json(await db('region').first()))
  server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  sending = setInterval(() => {
    for (const path of ['/regions', '/one'])
      fetch(`${origin}${path}`)
        .then((response) => response.arrayBuffer())
        .catch(() => {})
  }, 50)
})
afterAll(async () => {
  clearInterval(sending)
  dashboard.close()
  guarded.close()
  server.closeAllConnections()
  server.close()
  await sluice.close()
  await db.destroy()
  project.remove()
})

describe('the command line on a running app', () => {
  it('reports the routes with their queries and flags', async () => {
    const { code, out, err } = await project.run(['top', '--url', `${origin}/_sluice`, '--once', '--json'])
    expect([code, err]).toEqual([0, ''])
    expect(schemaProblems('top', out)).toEqual([])
    const { app, routes } = JSON.parse(out)
    expect(app).toMatchObject({ name: 'atlas', pid: process.pid, processes: 1 })
    const named = Object.fromEntries(routes.map((route: { name: string }) => [route.name, route]))
    expect(named['GET /regions']).toMatchObject({ queries: 9, flags: expect.arrayContaining(['N+1']) })
    expect(named['GET /one']).toMatchObject({ queries: 1, flags: [] })
    expect(named['GET /regions'].perSecond).toBeGreaterThan(0)
  })

  it('authenticates with a token, and asks for one without it', async () => {
    const args = ['top', '--url', `${origin}/_guarded`, '--once']
    expect((await project.run([...args, '--token', 's3cret'])).code).toBe(0)
    expect(await project.run(args)).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('--token'),
    })
  })

  it('authenticates once with a URL with a key, from a different machine', async () => {
    // The app does not trust the IP address of a request from a proxy.
    const args = (url: string) => [
      'top',
      '--url',
      `${origin}${url}`,
      '--once',
      '--header',
      'X-Forwarded-For: 203.0.113.9',
    ]
    const { url } = dashboard
    expect((await project.run(args(url))).code).toBe(0)
    expect(await project.run(args(url))).toMatchObject({ code: 3, err: expect.stringContaining('401') })
  })

  it('passes the check for scopes in doctor', async () => {
    const { out } = await project.run([
      'doctor',
      ':memory:',
      '--url',
      `${origin}/_sluice`,
      '--seconds',
      '3',
      '--json',
    ])
    expect(schemaProblems('doctor', out)).toEqual([])
    const texts = JSON.parse(out).checks.map(
      ({ level, text }: { level: string; text: string }) => `${level} ${text}`,
    )
    expect(texts).toContain('ok mode: observe, which does not change results')
    expect(texts).toContainEqual(expect.stringMatching(/^ok scopes: \d+ in 3 s, which contain the queries$/))
  })

  it('benchmarks the app with the queries from Server-Timing', async () => {
    const { out } = await project.run([
      'bench',
      '--url',
      origin,
      '/regions',
      '/one',
      '--duration',
      '0.5',
      '--warmup',
      '0',
      '--json',
    ])
    expect(schemaProblems('bench', out)).toEqual([])
    const queries = JSON.parse(out).routes.map(
      ({ own }: { own: { figures: { queries: { median: number } } } }) => own.figures.queries.median,
    )
    expect(queries).toEqual([9, 1])
  })

  it('lists findings with ids that sluice ignore accepts', async () => {
    const { findings } = (await (await fetch(`${origin}/_sluice/api/findings`)).json()) as {
      findings: { id: string }[]
    }
    const id = findings[0]?.id ?? ''
    expect(await project.run(['ignore', id, '--url', `${origin}/_sluice`])).toMatchObject({
      code: 0,
      err: '',
    })
    expect((await project.run(['ignore', '--list'])).out).toContain('N+1 GET /regions: ')
  })
})

const ENTER = '\u001b[?1049h'
const LEAVE = '\u001b[?1049l'

describe.skipIf(!existsSync('/usr/bin/script'))('sluice top on a terminal', () => {
  /** Runs the command in a terminal of script(1). */
  async function onTerminal(
    act: (child: ChildProcess, pid: number) => void,
  ): Promise<{ code: number | null; out: string }> {
    const node = [process.execPath, ...CLI].map((part) => `'${part}'`).join(' ')
    const command = `echo pid $$; exec ${node} top --url '${origin}/_sluice'`
    const child = spawn('/usr/bin/script', ['-qfec', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
    })
    let out = ''
    let hasActed = false
    child.stdout.on('data', (text: Buffer) => {
      out += String(text)
      if (hasActed || !out.includes('GET /regions')) return
      hasActed = true
      act(child, Number(/pid (\d+)/.exec(out)?.[1]))
    })
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out }
  }

  type Act = (child: ChildProcess, pid: number) => void
  it.each<[string, number, Act]>([
    ['q', 0, (child) => void child.stdin?.write('q')],
    ['Ctrl-C', 130, (child) => void child.stdin?.write('\u0003')],
    ['SIGINT', 130, (_child, pid) => void process.kill(pid, 'SIGINT')],
    ['SIGTERM', 143, (_child, pid) => void process.kill(pid, 'SIGTERM')],
  ])('restores the terminal after %s, and exits with code %d', async (_what, expected, act) => {
    const { code, out } = await onTerminal(act)
    expect(code).toBe(expected)
    expect(out.indexOf(ENTER)).toBeGreaterThan(0)
    // No output follows.
    expect(out.slice(out.lastIndexOf(LEAVE))).toMatch(/^\S*\s*$/)
    expect(out.indexOf(LEAVE)).toBeGreaterThan(out.indexOf('GET /regions'))
  })
})
