import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as sendHttp } from 'node:http'
import { join } from 'node:path'
import { freePort } from '../../services/free-port.ts'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { databaseOf, withDatabase } from '../../services/service.ts'
import { Random } from '../../support/random.ts'
import { type Bound, boundOf, type TracedStatement } from './bound.ts'
import type { AppRequest, RealApp } from './real-app.ts'

export interface RunOptions {
  readonly rounds: number
  /** Requests in each round. */
  readonly requests: number
  readonly seed: number
  /** The first one is without Sluice. */
  readonly modes: readonly string[]
}

/** The figures of one mode. The warm-up round is not counted. */
export interface ModeReport {
  readonly mode: string
  readonly statements: number
  /** By round, in milliseconds. */
  readonly cpuMs: readonly number[]
  readonly wallMs: readonly number[]
  /** Statements by kind of request. */
  readonly byKind: ReadonlyMap<string, number>
  /** The statistics of Sluice; `undefined` without it. */
  readonly report: AppStats | undefined
}

export interface AppStats {
  readonly passedThrough: Readonly<Record<string, number>>
  readonly findings: readonly string[]
}

export interface AppReport {
  readonly compared: number
  /** Responses that differ from those without Sluice. */
  readonly differences: readonly string[]
  /** Requests by kind. */
  readonly kinds: ReadonlyMap<string, number>
  readonly modes: readonly ModeReport[]
  /** How many of the statements without Sluice could have been saved at most. */
  readonly bound: Bound
}

interface Server {
  readonly mode: string
  readonly process: ChildProcess
  readonly port: number
  readonly agent: Agent
}

interface Response {
  readonly status: number
  readonly body: string
}

const READY_MS = 120_000

/** Runs the same requests in each mode, round by round, on databases with the same rows. */
export async function runApp(app: RealApp, folder: string, options: RunOptions): Promise<AppReport> {
  const service = await startPostgres()
  const servers: Server[] = []
  try {
    await onPostgres(service.url, readFileSync(join(folder, 'seed.sql'), 'utf8'))
    for (const mode of options.modes) {
      const server = await start(app, folder, service.url, mode)
      servers.push(server)
      await ready(app, server)
    }
    return await measure(app, servers, options)
  } finally {
    for (const { agent, process: child } of servers) {
      agent.destroy()
      if (child.kill()) await once(child, 'exit')
    }
    await service.stop()
  }
}

/** Starts a server on a separate database. It is not ready yet. */
async function start(app: RealApp, folder: string, url: string, mode: string): Promise<Server> {
  const database = `${databaseOf(url)}_${mode.replace(/\W/g, '')}`
  await onPostgres(
    withDatabase(url, 'postgres'),
    `CREATE DATABASE "${database}" TEMPLATE "${databaseOf(url)}"`,
  )
  const port = await freePort()
  const [script, ...args] = app.start
  const preload = join(import.meta.dirname, 'preload.cjs')
  const child = spawn(process.execPath, ['--require', preload, script, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      APP_MODE: mode,
      DATABASE_URL: withDatabase(url, database),
    },
  })
  return { mode, process: child, port, agent: new Agent({ keepAlive: true }) }
}

async function ready(app: RealApp, server: Server): Promise<void> {
  const until = Date.now() + READY_MS
  for (;;) {
    const response = await send(server, app.ready).catch(() => undefined)
    if (response?.status === 200) return
    if (Date.now() > until || server.process.exitCode !== null)
      throw new Error(
        `Expected ${app.name} to be ready in mode ${server.mode}; its last response: ${response?.body}.`,
      )
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

async function measure(
  app: RealApp,
  servers: readonly Server[],
  { rounds, requests, seed: first }: RunOptions,
): Promise<AppReport> {
  const random = new Random(first)
  const reports = servers.map(({ mode }) => ({
    mode,
    statements: 0,
    cpuMs: [] as number[],
    wallMs: [] as number[],
    byKind: new Map<string, number>(),
    report: undefined as AppStats | undefined,
  }))
  const kinds = new Map<string, number>()
  const differences: string[] = []
  let compared = 0
  let firstScope = 0
  for (let round = -1; round < rounds; round += 1) {
    const mix = Array.from({ length: requests }, (_, at) => app.request(random, (round + 1) * requests + at))
    const responses = new Map<Server, readonly Response[]>()
    // Each mode is first in its turn.
    for (const at of servers.map((_, nth) => (nth + round + 1) % servers.length)) {
      const [server, report] = [servers[at] as Server, reports[at] as (typeof reports)[number]]
      const before = await statsOf(server)
      const startedAt = performance.now()
      const received: Response[] = []
      let after = before
      for (const one of mix) {
        received.push(await send(server, one))
        const now = await statsOf(server)
        if (round >= 0) add(report.byKind, one.kind, now.statements - after.statements)
        after = now
      }
      responses.set(server, received)
      if (round < 0 && at === 0) firstScope = after.scope + 1
      if (round < 0) continue
      report.statements += after.statements - before.statements
      report.cpuMs.push(after.cpuMs - before.cpuMs)
      report.wallMs.push(performance.now() - startedAt)
    }
    if (round >= 0) for (const { kind } of mix) add(kinds, kind, 1)
    const [bare, ...others] = servers
    for (const server of others) {
      for (const [at, one] of mix.entries()) {
        const expected = responses.get(bare as Server)?.[at]
        const found = responses.get(server)?.[at]
        compared += 1
        if (asText(app, expected) !== asText(app, found))
          differences.push(
            `${server.mode}, ${one.kind} ${JSON.stringify(one.body)}\n  expected ${asText(app, expected)}\n  got      ${asText(app, found)}`,
          )
      }
    }
  }
  for (const [at, server] of servers.entries()) {
    const { body } = await send(server, { kind: 'report', method: 'GET', path: '/__app/report' })
    if (body !== '') (reports[at] as (typeof reports)[number]).report = JSON.parse(body) as AppStats
  }
  const bound = boundOf(await traceOf(servers[0] as Server), app.dialect, firstScope)
  return { compared, differences, kinds, modes: reports, bound }
}

function asText(app: RealApp, response: Response | undefined): string {
  return `${response?.status} ${app.normalized(response?.body ?? '')}`
}

function add(counts: Map<string, number>, kind: string, count: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + count)
}

interface Stats {
  readonly cpuMs: number
  readonly statements: number
  /** Number of requests so far. */
  readonly scope: number
}

async function statsOf(server: Server): Promise<Stats> {
  const { body } = await send(server, { kind: 'stats', method: 'GET', path: '/__app/stats' })
  return JSON.parse(body) as Stats
}

async function traceOf(server: Server): Promise<readonly TracedStatement[]> {
  const { body } = await send(server, { kind: 'trace', method: 'GET', path: '/__app/trace' })
  return body === '' ? [] : body.split('\n').map((line) => JSON.parse(line) as TracedStatement)
}

function send({ port, agent }: Server, { method, path, body }: AppRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : JSON.stringify(body)
    const headers = data === undefined ? {} : { 'content-type': 'application/json' }
    const sent = sendHttp({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      )
    })
    sent.on('error', reject)
    sent.end(data)
  })
}
