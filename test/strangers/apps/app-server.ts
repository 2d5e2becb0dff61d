import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as sendHttp } from 'node:http'
import { join } from 'node:path'
import { freePort } from '../../services/free-port.ts'
import type { InstalledApp } from './install.ts'
import type { AppRequest, RealApp } from './real-app.ts'

/** An app in one of its modes. */
export interface AppServer {
  readonly mode: string
  readonly process: ChildProcess
  readonly port: number
  readonly agent: Agent
  /** Values of earlier responses, by name. */
  readonly saved: Map<string, string>
}

export interface AppResponse {
  readonly status: number
  readonly body: string
}

const READY_MS = 120_000

/** Modes in which the preloaded script loads `sluice/register`, and the app is as in `bare`. */
const REGISTERED: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  'register-observe': { SLUICE_MODE: 'observe' },
  'register-optimize': { SLUICE_MODE: 'optimize' },
  'register-cache': { SLUICE_MODE: 'optimize', SLUICE_CACHE: '60' },
}

/**
 * Starts a server on a database. It is not ready yet. Mode `trace` is `observe` with a trace in the folder
 * `traces`.
 */
export async function startServer(
  app: RealApp,
  { folder, node }: InstalledApp,
  url: string,
  mode: string,
  traces: string,
): Promise<AppServer> {
  const port = await freePort()
  const preload = join(import.meta.dirname, 'preload.cjs')
  const registered = REGISTERED[mode]
  const own = registered === undefined ? mode : 'bare'
  const child = spawn(node, ['--require', preload, ...app.start], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...environmentOf(app, mode === 'trace' ? 'observe' : own, url, port),
      ...(mode === 'trace' && { SLUICE_TRACE: traces }),
      // Prints the attached clients, and findings with their call sites.
      ...(registered && { ...registered, SLUICE_REPORT: 'stderr' }),
    },
  })
  return { mode, process: child, port, agent: new Agent({ keepAlive: true }), saved: new Map() }
}

export async function stopServer({ agent, process: child }: AppServer): Promise<void> {
  agent.destroy()
  if (child.kill()) await once(child, 'exit')
}

export function environmentOf(app: RealApp, mode: string, url: string, port: number): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NODE_ENV: 'production',
    NODE_NO_WARNINGS: '1',
    HOST: '127.0.0.1',
    PORT: String(port),
    APP_MODE: mode,
    DATABASE_URL: url,
    ...app.environment?.(port, url),
  }
}

/** Sends the request by which the server shows that it is ready until it succeeds. */
export async function untilReady(app: RealApp, server: AppServer): Promise<void> {
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

/** Counters since the start of a server. */
export interface ServerCounts {
  readonly cpuMs: number
  readonly statements: number
}

export async function countsOf(server: AppServer): Promise<ServerCounts> {
  const { body } = await send(server, { kind: 'stats', method: 'GET', path: '/__app/stats' })
  return JSON.parse(body) as ServerCounts
}

export function send(
  { port, agent, saved }: AppServer,
  { method, path, body, ...request }: AppRequest,
): Promise<AppResponse> {
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (found, name) => saved.get(name) ?? found)
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : filled(JSON.stringify(body))
    const headers: Record<string, string> = data === undefined ? {} : { 'content-type': 'application/json' }
    for (const [name, value] of Object.entries(request.headers ?? {})) headers[name] = filled(value)
    const sent = sendHttp(
      { host: '127.0.0.1', port, method, path: filled(path), agent, headers },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const received = { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
          if (received.status < 300)
            for (const [name, extract] of Object.entries(request.saves ?? {}))
              saved.set(name, extract(received.body))
          resolve(received)
        })
      },
    )
    sent.on('error', reject)
    sent.end(data)
  })
}
