import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { setLongTimeout } from '@sluice/core/siblings'

/** Node publishes each server that listens. Frameworks do not pass their server to a handler. */
const LISTENING = 'tracing:net.server.listen:asyncEnd'
const EVERY_HOST = new Set(['::', '0.0.0.0'])

/**
 * Calls `found` once with the origin of the next HTTP server of this process that listens on a port, such as
 * `http://localhost:3000`, or with `undefined` if there is none within `waitMs`.
 *
 * @returns A function that stops waiting.
 */
export function nextOrigin(found: (origin: string | undefined) => void, waitMs: number): () => void {
  const listen = (message: unknown) => {
    const origin = originOfServer((message as { readonly server?: unknown }).server)
    if (origin !== undefined) end(origin)
  }
  const stop = () => {
    unsubscribe(LISTENING, listen)
    clearTimeout(timer)
  }
  const end = (origin: string | undefined) => {
    stop()
    found(origin)
  }
  // It does not keep the process alive.
  const timer = setLongTimeout(() => end(undefined), waitMs).unref()
  subscribe(LISTENING, listen)
  return stop
}

function originOfServer(server: unknown): string | undefined {
  const isTls = server instanceof HttpsServer
  if (!isTls && !(server instanceof HttpServer)) return undefined
  const at: AddressInfo | string | null = (server as Server).address()
  // A path of a socket is not a URL.
  if (at === null || typeof at === 'string') return undefined
  const { address, family, port } = at
  const host = EVERY_HOST.has(address) ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `${isTls ? 'https' : 'http'}://${host}:${port}`
}
