import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import type { Shape } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { onTestFinished } from 'vitest'
import { createDashboard, type Dashboard, type DashboardOptions } from '../src/index.ts'

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  ms = 1_000

  now(): number {
    return this.ms
  }

  wall(): number {
    return 1_700_000_000_000 + this.ms
  }

  advance(ms: number): void {
    this.ms += ms
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Sends a request and parses the JSON response. */
  readonly body: never
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Headers that an action requires. */
export const ACTING = {
  'content-type': 'application/json',
  'sec-fetch-site': 'same-origin',
  'x-sluice-action': '1',
} as const

export interface World {
  readonly sluice: Sluice
  readonly dashboard: Dashboard
  readonly port: number
  ask(path: string, options?: AskOptions): Promise<Answer>
  act(name: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
}

/** A dashboard behind a separate server. */
export async function openWorld(options: DashboardOptions = {}, given: SluiceOptions = {}): Promise<World> {
  const sluice = createSluice({ database: {}, ...given })
  const dashboard = createDashboard(sluice, { announce: false, name: 'test', ...options })
  const port = await serve((incoming, response) => dashboard.handler(incoming, response))
  onTestFinished(async () => {
    dashboard.close()
    await sluice.close()
  })
  const asking = (path: string, asked: AskOptions = {}) => ask(port, `/_sluice${path}`, asked)
  return {
    sluice,
    dashboard,
    port,
    ask: asking,
    act: (name, body, headers = {}) =>
      asking(`/api/actions/${name}`, {
        method: 'POST',
        headers: { ...ACTING, ...headers },
        body: JSON.stringify(body),
      }),
  }
}

/**
 * Serves until the test ends.
 *
 * @returns The port.
 */
export async function serve(listener: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

export async function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: AskOptions = {},
): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const isJson =
    response.headers['content-type']?.startsWith('application/json') === true &&
    response.headers['content-encoding'] === undefined
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    body: (isJson ? JSON.parse(text) : undefined) as never,
  }
}

export function shapeOf(label: string, more: Partial<Shape> = {}): Shape {
  return { fingerprint: `fp ${label}`, label, kind: 'read', ...more }
}

const NOTHING = {}

export interface Execution {
  readonly ms?: number
  readonly rows?: number
  readonly failed?: boolean
  readonly values?: unknown
}

/** Runs an operation through an adapter in the current scope. Advances the given clock. */
export function execute(
  sluice: Sluice,
  shape: Shape,
  { ms = 1, rows = 1, failed = false, values }: Execution = {},
  clock?: FakeClock,
): void {
  const { recorder, scopes } = hostOf(sluice)
  recorder.statement(scopes.current())
  const execution = recorder.begin(
    scopes.current(),
    shape,
    values === undefined ? NOTHING : { values: () => values },
  )
  clock?.advance(ms)
  recorder.end(execution, rows, NOTHING, failed)
}
