import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request's place below where the dashboard is served. */
export interface MountedPath {
  /** `''` for the folder itself without its slash, else beginning with `/`. */
  readonly path: string
  readonly query: URLSearchParams
  /** Where the folder is, as far as the app knows: without a slash at its end. */
  readonly base: string
}

/** What Express adds to a request. */
interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly originalUrl?: string
}

/** `undefined`: it is none of the dashboard's. */
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

/** What of a Fastify app is used. */
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
 * A plugin that gives what is below its prefix to a handler. Encapsulated: nothing of the app's is changed.
 *
 * @param path - Where it is without a prefix.
 */
export function fastifyPlugin(
  path: string,
  handle: (request: IncomingMessage, response: ServerResponse, base: string) => boolean,
): (app: FastifyLike) => Promise<void> {
  return async (app) => {
    // The body is read here, with a limit of its own.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const prefix = app.prefix.replace(/\/+$/, '')
    const base = prefix === '' ? path : prefix
    const answer = ({ raw }: FastifyRequestLike, reply: FastifyReplyLike) => {
      reply.hijack()
      if (!handle(raw, reply.raw, base)) {
        reply.raw.statusCode = 404
        reply.raw.end()
      }
    }
    const below = prefix === '' ? path : ''
    // Fastify takes a prefix itself for both, with a slash at its end and without.
    app.all(below === '' ? '/' : below, answer)
    app.all(`${below}/*`, answer)
  }
}
