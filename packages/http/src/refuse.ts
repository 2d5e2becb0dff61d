import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Answers a request without a node. */
export function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  // What is left of the request would be taken for the next one.
  if (!request.complete) response.shouldKeepAlive = false
  response.writeHead(status, ['content-length', '0', ...(status === 503 ? ['retry-after', '1'] : [])])
  response.end()
  request.resume()
}

/** The same for a connection that was to become another one. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  if (socket.destroyed) return
  const retry = status === 503 ? 'retry-after: 1\r\n' : ''
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-length: 0\r\n${retry}connection: close\r\n\r\n`)
}
