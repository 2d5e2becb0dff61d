import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The variable with the address of the agent. */
export const AGENT_URL = 'SLUICE_BENCH_AGENT_URL'

/** The name of the spans of queries on PostgreSQL. */
const QUERY = 'pg.query'

/**
 * An agent of Datadog in the process of the benchmark. It counts the spans of queries that it receives, and
 * answers `GET /` with their number.
 */
export async function startFakeAgent(): Promise<{ readonly url: string; stop(): void }> {
  let queries = 0
  const server = createServer(async (request, response) => {
    if (request.url === '/') {
      response.end(`${queries}`)
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    for (let at = body.indexOf(QUERY); at !== -1; at = body.indexOf(QUERY, at + 1)) queries += 1
    response.end('{"rate_by_service":{}}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
