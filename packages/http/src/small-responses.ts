import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Answers a request without a node.
 *
 * @param retryAfterSeconds - Default: 1 if the status requires `Retry-After`.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  retryAfterSeconds?: number,
): void {
  // The rest of the request body would be parsed as the next request.
  if (!request.complete && hasBody(request)) response.shouldKeepAlive = false
  response.writeHead(status, ['content-length', '0', ...retryAfter(status, retryAfterSeconds)])
  response.end()
  request.resume()
}

/** Does the same for a connection that requested an upgrade. */
export function refuseUpgrade(socket: Duplex, status: number, retryAfterSeconds?: number): void {
  if (socket.destroyed) return
  const [name, seconds] = retryAfter(status, retryAfterSeconds)
  const retry = name === undefined ? '' : `${name}: ${seconds}\r\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-length: 0\r\n${retry}connection: close\r\n\r\n`,
  )
}

function retryAfter(status: number, seconds = 1): string[] {
  return status === 503 || status === 429 ? ['retry-after', String(seconds)] : []
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/** Sends a small response that must not be cached. */
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

/** Bytes up to which a copy costs less than another system call. */
export const MAX_AT_ONCE = 16_384

/** Whether the body goes to the socket directly: no middleware, no HTTP/2, no injected request. */
export function isPlainResponse(response: ServerResponse): boolean {
  const { write, end } = ServerResponse.prototype
  return response.write === write && response.end === end
}

/**
 * Sends the only chunk of a body and ends the response: headers and body are one string in one plain write.
 * `end(chunk)` adds an empty string, which makes it a gathering write.
 */
export function endAtOnce(response: ServerResponse, body: Buffer): void {
  const { socket } = response
  if (!isPlainResponse(response)) {
    response.end(body)
    return
  }
  socket?.cork()
  response.write(body.toString('latin1'), 'latin1')
  socket?.uncork()
  response.end()
}
