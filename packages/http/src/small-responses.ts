import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Answers a request without a node. @param retryAfterSeconds - Left out: 1 where the status asks for it. */
export function refuse(request: IncomingMessage, response: ServerResponse, status: number, retryAfterSeconds?: number): void {
  // What is left of the request would be taken for the next one.
  if (!request.complete && hasBody(request)) response.shouldKeepAlive = false
  response.writeHead(status, ['content-length', '0', ...retryAfter(status, retryAfterSeconds)])
  response.end()
  request.resume()
}

/** The same for a connection that was to become another one. */
export function refuseUpgrade(socket: Duplex, status: number, retryAfterSeconds?: number): void {
  if (socket.destroyed) return
  const [name, seconds] = retryAfter(status, retryAfterSeconds)
  const retry = name === undefined ? '' : `${name}: ${seconds}\r\n`
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-length: 0\r\n${retry}connection: close\r\n\r\n`)
}

function retryAfter(status: number, seconds = 1): string[] {
  return status === 503 || status === 429 ? ['retry-after', String(seconds)] : []
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/** Sends a small answer that nobody keeps. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
  request.resume()
}
