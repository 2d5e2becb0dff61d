// Prints the heap growth in bytes while more requests are recorded than the history can store, with its own
// estimate.
import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { createDashboard } from '@sluice/dashboard'

const MAX_BYTES = 4_000_000
const REQUESTS = 12_000

const sluice = createSluice({ monitor: false, database: false })
const dashboard = createDashboard(sluice, { announce: false, authorize: () => true, maxBytes: MAX_BYTES })
const { recorder, scopes } = hostOf(sluice)
const stack = 'Error\n    at list (/app/src/cities.ts:41:28)'
const traced = (values: unknown) => ({ values: () => values, stack: () => ({ stack }) })

/** Requests with many normalized queries, routes and findings, like an app that builds SQL dynamically. */
async function record(from: number, requests: number): Promise<void> {
  for (let at = from; at < from + requests; at += 1) {
    await sluice.run(
      () => {
        for (let query = 0; query < 8; query += 1) {
          const label = `SELECT * FROM table_${query < 6 ? at % 700 : (at * 7 + query) % 900} WHERE id = ? AND ${'x'.repeat(at % 120)} = ?`
          const execution = recorder.begin(
            scopes.current(),
            { fingerprint: label, label, kind: 'read' },
            traced([at, query]),
          )
          recorder.end(execution, 1, {})
        }
      },
      { name: `GET /route-${at % 500}` },
    )
  }
}

function heap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}

await record(0, REQUESTS)
const full = heap()
await record(REQUESTS, REQUESTS)
const later = heap()
const { port, close } = await listening()
const { ring } = (await (await fetch(`http://127.0.0.1:${port}/_sluice/api/requests?limit=1`)).json()) as {
  ring: object
}
close()
const beforeClose = heap()
dashboard.close()
console.log(JSON.stringify({ growth: later - full, held: beforeClose - heap(), ring, maxBytes: MAX_BYTES }))

async function listening(): Promise<{ readonly port: number; readonly close: () => void }> {
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => dashboard.handler(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as { port: number }).port, close }
}
