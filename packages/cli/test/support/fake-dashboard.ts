import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { wireFinding, wireRoute, wireSnapshot } from './live.ts'

export interface FakeDashboard {
  readonly url: string
  /** Received requests, with their headers. */
  readonly requests: readonly { readonly url: string; readonly headers: IncomingMessage['headers'] }[]
  /** Replaces the response until it is reset. */
  answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  send(event: string, data: unknown, id?: string): void
  /** Ends all streams. */
  cut(): void
  close(): Promise<void>
}

/** A server with the protocol of a dashboard. */
export async function fakeDashboard(
  snapshot: unknown = wireSnapshot([wireRoute('GET /cities')]),
): Promise<FakeDashboard> {
  const streams = new Set<ServerResponse>()
  const requests: { url: string; headers: IncomingMessage['headers'] }[] = []
  let isClosed = false
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers })
    if (fake.answer?.(request, response) === true) return
    if (request.url === '/_sluice/api/findings') {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({ findings: [wireFinding], requests: 9, anomalies: [] }))
    } else if (request.url === '/_sluice/api/stream') {
      response.setHeader('Content-Type', 'text/event-stream; charset=utf-8')
      response.write(`event: snapshot\nid: abc.1\ndata: ${JSON.stringify(snapshot)}\n\n`)
      streams.add(response)
      response.once('close', () => streams.delete(response))
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const fake: FakeDashboard = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/_sluice`,
    requests,
    answer: undefined,
    send(event, data, id = 'abc.2') {
      for (const stream of streams)
        stream.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    cut() {
      for (const stream of streams) stream.destroy()
    },
    close() {
      if (isClosed) return Promise.resolve()
      isClosed = true
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return fake
}
