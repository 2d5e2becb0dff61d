import type { IncomingMessage, ServerResponse } from 'node:http'
import { trimEnd } from '@sluice/core/siblings'

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
