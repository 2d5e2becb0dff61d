import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { isOwnServer, setLongTimeout, trimEnd } from '@sluice/core/siblings'

/** The path of a request below the path of the dashboard. */
export interface MountedPath {
  /** `''` without a trailing slash, otherwise starts with `/`. */
  readonly path: string
  readonly query: URLSearchParams
  /** The path of the dashboard as the app sees it, without a trailing slash. */
  readonly base: string
}

/** Fields that Express adds to a request. */
interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly originalUrl?: string
}

/** Returns `undefined` for a request outside the dashboard. */
export function mountedPath(request: ExpressRequest, base: string): MountedPath | undefined {
  const url = request.originalUrl ?? request.url ?? '/'
  const mount = request.baseUrl !== undefined && request.baseUrl !== '' ? request.baseUrl : base
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  if (!path.startsWith(mount)) return undefined
  const rest = path.slice(mount.length)
  if (rest !== '' && !rest.startsWith('/')) return undefined
  return { path: rest, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)), base: mount }
}

/** The parts of a Fastify app that the plugin uses. */
export interface FastifyLike {
  readonly prefix: string
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => unknown): unknown
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null, body?: unknown) => void) => void,
  ): unknown
}

export interface FastifyRequestLike {
  readonly raw: IncomingMessage
}

export interface FastifyReplyLike {
  readonly raw: ServerResponse
  hijack(): unknown
}

/**
 * Returns a plugin that passes requests below its prefix to a handler. It is encapsulated and does not change
 * the rest of the app.
 *
 * @param path - Path without a prefix.
 * @param mounted - Receives the path that includes the prefix.
 */
export function fastifyPlugin(
  path: string,
  handle: (request: IncomingMessage, response: ServerResponse, base: string) => boolean,
  mounted: (base: string) => void,
): (app: FastifyLike) => Promise<void> {
  return async (app) => {
    // The handler reads the body itself, with a separate size limit.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const prefix = trimEnd(app.prefix, '/')
    const base = prefix === '' ? path : prefix
    mounted(base)
    const answer = ({ raw }: FastifyRequestLike, reply: FastifyReplyLike) => {
      reply.hijack()
      if (!handle(raw, reply.raw, base)) {
        reply.raw.statusCode = 404
        reply.raw.end()
      }
    }
    const below = prefix === '' ? path : ''
    // Fastify registers a prefix with and without a trailing slash.
    app.all(below === '' ? '/' : below, answer)
    app.all(`${below}/*`, answer)
  }
}

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
  if (server instanceof Object && isOwnServer(server)) return undefined
  const isTls = server instanceof HttpsServer
  if (!isTls && !(server instanceof HttpServer)) return undefined
  const at: AddressInfo | string | null = (server as Server).address()
  // A path of a socket is not a URL.
  if (at === null || typeof at === 'string') return undefined
  const { address, family, port } = at
  const host = EVERY_HOST.has(address) ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `${isTls ? 'https' : 'http'}://${host}:${port}`
}
