import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { Delta, RequestSummary, RouteRow, Snapshot } from '@sluice/dashboard/protocol'
import type { Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { TEST_MS } from '../support/patience.ts'
import { describeInBrowser, useBrowser } from './browser.ts'
import { workerHeapOf } from './worker-heap.ts'

/** Maximum number of deltas in 8 hours, at 4 per second. */
const DELTAS = 8 * 3_600 * 4
const PER_DELTA = 2
const MAX_HEAP = 40 * 1024 * 1024
/** The worker stores the state once: at most 300 routes and 100 requests. */
const MAX_WORKER_HEAP = 2 * 1024 * 1024
const MAX_ELEMENTS = 2_000

const dist = join(import.meta.dirname, '../../packages/dashboard/dist/page')
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

describeInBrowser('dashboard after 8 hours of a busy app', () => {
  const open = useBrowser()
  let server: Server | undefined
  afterEach(async () => {
    server?.closeAllConnections()
    await new Promise((done) => server?.close(done))
  })

  it('has at most 40 MB of heap, 2 MB in its worker, and no additional elements', {
    timeout: TEST_MS,
  }, async () => {
    const stream = new FastStream()
    server = createServer((request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? ''
      if (path === '/api/stream') stream.open(response)
      else if (path.startsWith('/api/'))
        response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
      else {
        const file = path === '/' ? 'index.html' : path.slice(1)
        response
          .writeHead(200, { 'content-type': types[extname(file)] ?? 'text/plain' })
          .end(readFileSync(join(dist, file)))
      }
    })
    await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done))
    const { page, context, complaints } = await open()
    const browser = context.browser()
    if (browser === null) throw new Error('The context has no browser.')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await page.goto(`${origin}/#/requests?view=latest`)
    await page.getByRole('link', { name: 'GET /first' }).first().waitFor()
    const before = await heapOf(page)
    const workerBefore = await workerHeapOf(browser, origin)
    const rest = await stream.send(DELTAS)
    await page.getByText(`GET /route-${rest}`).first().waitFor()
    const after = await heapOf(page)
    const workerAfter = await workerHeapOf(browser, origin)
    console.info(`Heap: ${megabytes(before)} MB at first, ${megabytes(after)} MB after ${DELTAS} deltas.`)
    console.info(
      `Heap of the worker: ${megabytes(workerBefore)} MB at first, ${megabytes(workerAfter)} MB then.`,
    )
    expect(after).toBeLessThan(MAX_HEAP)
    expect(workerAfter).toBeLessThan(MAX_WORKER_HEAP)
    expect(await page.evaluate<number>("document.querySelectorAll('*').length")).toBeLessThanOrEqual(
      MAX_ELEMENTS,
    )
    expect(complaints).toEqual([])
  })
})

/** A stream of a simulated app, as fast as the browser reads it. */
class FastStream {
  #response: ServerResponse | undefined
  #requests = 0

  open(response: ServerResponse): void {
    this.#response = response
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(eventOf('snapshot', 0, snapshot([request('first', 'GET /first')])))
  }

  /** @returns The number of the last route. */
  async send(deltas: number): Promise<number> {
    const response = this.#response
    if (response === undefined) throw new Error('No stream is open.')
    let route = 0
    for (let sent = 1; sent <= deltas; sent += 1) {
      const requests = Array.from({ length: PER_DELTA }, () => {
        this.#requests += 1
        route = this.#requests % 1_000
        return request(`r${this.#requests}`, `GET /route-${route}`)
      }).reverse()
      const at = Date.now() + sent * 250
      const delta: Delta = {
        at,
        requests,
        routes: requests.map(({ name }) => routeRow(name)),
        skipped: 1,
        points: { requests: [at, sent % 50], p95: [at, sent % 90] },
      }
      if (!response.write(eventOf('delta', sent, delta)))
        await new Promise((done) => response.once('drain', done))
    }
    return route
  }
}

async function heapOf(page: Page): Promise<number> {
  const client = await page.context().newCDPSession(page)
  await client.send('HeapProfiler.enable')
  await client.send('HeapProfiler.collectGarbage')
  const { usedSize } = await client.send('Runtime.getHeapUsage')
  await client.detach()
  return usedSize
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}

function eventOf(name: string, id: number, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

function request(id: string, name: string): RequestSummary {
  return {
    id,
    name,
    process: 'p',
    kind: 'request',
    method: 'GET',
    route: '/',
    statusCode: 200,
    failed: false,
    mode: 'observe',
    startedAt: Date.now(),
    durationMs: 12,
    operations: 3,
    queries: 3,
    batched: 0,
    prefetched: 0,
    cacheHits: 0,
    databaseMs: 2,
    findings: ['N_PLUS_ONE'],
  }
}

function routeRow(name: string): RouteRow {
  return {
    name,
    kind: 'request',
    requests: 1,
    errors: 0,
    perSecond: 1,
    sample: 1,
    queries: 3,
    databaseMs: 2,
    repeats: 0,
    sparedShare: null,
    cacheShare: null,
    p50: 12,
    p95: 12,
    p99: 12,
    budget: null,
    overBudget: 0,
    flags: [],
    lastAt: Date.now(),
    newest: null,
    newestFlagged: null,
  }
}

function snapshot(requests: readonly RequestSummary[]): Snapshot {
  const process = { id: 'p', pid: 1, hostname: 'here', name: 'atlas', startedAt: 0, index: 1, of: 1 }
  const row = { ...process, isAnswering: true, requestsPerSecond: 1, cpu: 1, memory: 1, eventLoopDelay: 1 }
  return {
    schemaVersion: 3,
    at: Date.now(),
    process,
    processes: [row],
    mode: 'observe',
    ranked: [],
    routes: [],
    requests,
    engines: { detection: true, cache: true, database: true, balancer: true, jobs: true, monitor: true },
    rights: { act: true, reason: null, parameters: false },
    sparklines: [
      { id: 'requests', label: 'Requests', unit: 'req/s', points: [], latest: null },
      { id: 'p95', label: 'Response time p95', unit: 'ms', points: [], latest: null },
    ],
    vitals: {
      requestsPerSecond: null,
      p50: null,
      p95: null,
      p99: null,
      errorRate: null,
      queriesPerSecond: 0,
      cacheShare: null,
      cpu: null,
      memory: null,
      eventLoopDelay: null,
    },
    totals: {
      requests: 1,
      operations: 0,
      queries: 0,
      spared: 0,
      databaseMs: 0,
      timedRequests: 0,
      overheadMs: 0,
      timedMs: 0,
      errors: 0,
    },
    badges: { findings: 0, alerts: 0, deadLetters: 0, nodes: 0 },
    ring: { requests: 0, bytes: 0, maxBytes: 1, dropped: 0, oldestAt: null },
  }
}
