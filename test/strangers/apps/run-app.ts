import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { estimateYield, readTrace, type YieldReport } from '@sluice/core/yield'
import { Random } from '../../support/random.ts'
import { startDatabases } from './app-databases.ts'
import {
  type AppResponse,
  type AppServer,
  countsOf,
  send,
  startServer,
  stopServer,
  untilReady,
} from './app-server.ts'
import type { InstalledApp } from './install.ts'
import type { RealApp } from './real-app.ts'

export interface RunOptions {
  readonly rounds: number
  /** Requests in each round. */
  readonly requests: number
  readonly seed: number
  /** The first one is without Sluice. */
  readonly modes: readonly string[]
  /** Latency between the app and its database, in milliseconds for each way. */
  readonly delayMs: number
  /** Milliseconds before each request. */
  readonly pauseMs: number
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
  /** Compared requests by their status without Sluice. */
  readonly statuses: ReadonlyMap<string, number>
  /** Requests by kind. */
  readonly kinds: ReadonlyMap<string, number>
  readonly modes: readonly ModeReport[]
  /** The estimate of Sluice from the trace of mode `trace`; `undefined` without that mode. */
  readonly yield: YieldReport | undefined
}

/** Runs the same requests in each mode, round by round, on databases with the same rows. */
export async function runApp(app: RealApp, installed: InstalledApp, options: RunOptions): Promise<AppReport> {
  const databases = await startDatabases(app, installed, options.delayMs)
  const traces = mkdtempSync(join(tmpdir(), 'sluice-traces-'))
  const servers: AppServer[] = []
  try {
    for (const mode of options.modes) {
      const server = await startServer(app, installed, await databases.copy(), mode, traces)
      servers.push(server)
      await untilReady(app, server)
    }
    return await measure(app, servers, options, traces)
  } finally {
    for (const server of servers) await stopServer(server)
    await databases.stop()
    rmSync(traces, { recursive: true })
  }
}

async function measure(
  app: RealApp,
  servers: readonly AppServer[],
  { rounds, requests, seed: first, pauseMs }: RunOptions,
  traces: string,
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
  const statuses = new Map<string, number>()
  const differences: string[] = []
  const warm = new Map<AppServer, AppStats | undefined>()
  let compared = 0
  let warmAt = 0
  for (let round = -1; round < rounds; round += 1) {
    const mix = Array.from({ length: requests }, (_, at) => app.request(random, (round + 1) * requests + at))
    const responses = new Map<AppServer, readonly AppResponse[]>()
    // Each mode is first in its turn.
    for (const at of servers.map((_, nth) => (nth + round + 1) % servers.length)) {
      const [server, report] = [servers[at] as AppServer, reports[at] as (typeof reports)[number]]
      const before = await countsOf(server)
      const received: AppResponse[] = []
      let after = before
      let wallMs = 0
      for (const one of mix) {
        if (pauseMs > 0) await pause(pauseMs)
        const sentAt = performance.now()
        received.push(await send(server, one))
        wallMs += performance.now() - sentAt
        const now = await countsOf(server)
        if (round >= 0) add(report.byKind, one.kind, now.statements - after.statements)
        after = now
      }
      responses.set(server, received)
      if (round < 0 && server.mode === 'trace') warmAt = Date.now()
      if (round < 0) warm.set(server, await reportOf(server))
      if (round < 0) continue
      report.statements += after.statements - before.statements
      report.cpuMs.push(after.cpuMs - before.cpuMs)
      report.wallMs.push(wallMs)
    }
    if (round >= 0) for (const { kind } of mix) add(kinds, kind, 1)
    const [bare, ...others] = servers
    for (const server of others) {
      for (const [at, one] of mix.entries()) {
        const expected = responses.get(bare as AppServer)?.[at]
        const found = responses.get(server)?.[at]
        compared += 1
        if (server === others[0]) add(statuses, String(expected?.status), 1)
        const [wanted, got] = [asText(app, expected), asText(app, found)]
        if (wanted !== got)
          differences.push(
            `${server.mode}, ${one.kind} ${one.path} ${JSON.stringify(one.body)}\n${excerpts(wanted, got)}`,
          )
      }
    }
  }
  for (const [at, server] of servers.entries())
    (reports[at] as (typeof reports)[number]).report = since(warm.get(server), await reportOf(server))
  return { compared, differences, statuses, kinds, modes: reports, yield: await yieldOf(traces, warmAt) }
}

/** Milliseconds between writes of a trace, with a margin. */
const WRITTEN_MS = 2_000

/** @param from - Milliseconds since 1970 from which on statements count. */
async function yieldOf(traces: string, from: number): Promise<YieldReport | undefined> {
  await pause(WRITTEN_MS)
  const [file] = readdirSync(traces)
  if (file === undefined) return undefined
  const trace = readTrace(readFileSync(join(traces, file), 'utf8'))
  return estimateYield(trace, from - trace.header.startedAt)
}

async function reportOf(server: AppServer): Promise<AppStats | undefined> {
  const { body } = await send(server, { kind: 'report', method: 'GET', path: '/__app/report' })
  return body === '' ? undefined : (JSON.parse(body) as AppStats)
}

/** Reasons without those of the start and the warm-up round. */
function since(warm: AppStats | undefined, now: AppStats | undefined): AppStats | undefined {
  if (now === undefined) return undefined
  const passedThrough: Record<string, number> = {}
  for (const [reason, count] of Object.entries(now.passedThrough)) {
    const rest = count - (warm?.passedThrough[reason] ?? 0)
    if (rest > 0) passedThrough[reason] = rest
  }
  return { ...now, passedThrough }
}

function asText(app: RealApp, response: AppResponse | undefined): string {
  return `${response?.status} ${app.normalized(response?.body ?? '')}`
}

/** Two strings from a little before their first difference. */
function excerpts(wanted: string, got: string): string {
  let at = 0
  while (at < wanted.length && wanted[at] === got[at]) at += 1
  const excerpt = (text: string) => text.slice(Math.max(0, at - 200), at + 200)
  return `  expected ${excerpt(wanted)}\n  got      ${excerpt(got)}`
}

function add(counts: Map<string, number>, kind: string, count: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + count)
}
