import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { checkOptions, option, trimEnd } from '@sluice/core/siblings'
import { setRequestTarget } from '@sluice/http'
import { createProxy, type HttpProxy, type ProxyOptions } from '@sluice/http/proxy'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { definePlugin } from './define-plugin.ts'
import { type Upgrade, UpgradeRouter, type UpgradeTarget } from './upgrade-router.ts'

export interface SluiceProxyOptions extends ProxyOptions {
  /**
   * A proxy created with `createProxy` of `@sluice/http/proxy`, instead of options. It stays open when the
   * app is closed.
   * @defaultValue a proxy with these options, closed with the app
   */
  readonly proxy?: HttpProxy
  /**
   * A path that replaces the prefix in requests to nodes. Pass the prefix itself to keep it.
   * @defaultValue ''
   */
  readonly rewritePrefix?: string
  /**
   * Forwards WebSockets and other upgrades. `false`: the plugin does not handle the server's event `upgrade`.
   * @defaultValue true
   */
  readonly websocket?: boolean
}

/**
 * Fastify plugin that forwards requests to nodes: every method and path below its prefix, which it removes.
 * The app's hooks up to `preHandler` run first and can respond themselves. Bodies are not read. Works with
 * Fastify 5 over HTTP/1.1.
 *
 * If an option is invalid, registration fails with the error that `createProxy` throws.
 *
 * @example
 * ```ts
 * app.register(sluiceProxy, { prefix: '/api', nodes: ['10.0.0.1:8080', '10.0.0.2:8080'] })
 * ```
 */
export const sluiceProxy: FastifyPluginAsync<SluiceProxyOptions> = definePlugin(
  '@sluice/fastify/proxy',
  register,
  true,
)

const rules = {
  proxy: {
    expected: 'a proxy that createProxy() returned',
    accepts: (value: unknown) => typeof (value as HttpProxy | null)?.handler === 'function',
  },
  rewritePrefix: {
    expected: 'a path that begins with "/"',
    accepts: (value: unknown) =>
      typeof value === 'string' && /^(\/[\x21-\x7e]*)?$/.test(value) && !/[?#]/.test(value),
  },
  websocket: option.boolean,
}

/** A step to the parent directory, in any form that a node may recognize. */
const STEP_UP = /(?:[/\\]|%2f|%5c)(?:\.|%2e){2}(?:[/\\;]|%2f|%5c|$)/i

async function register(app: FastifyInstance, options: SluiceProxyOptions): Promise<void> {
  const { proxy: instance, rewritePrefix = '', websocket = true, ...proxyOptions } = options
  checkOptions({ proxy: instance, rewritePrefix, websocket }, rules)
  for (const [name, value] of Object.entries(proxyOptions)) {
    if (instance !== undefined && value !== undefined)
      throw new InvalidOptionError(name, 'no such option together with a proxy, which has its own', value)
  }
  if (app.initialConfig.http2 === true)
    throw new InvalidOptionError('http2', 'an app that uses HTTP/1.1', true)
  const proxy = instance ?? createProxy(proxyOptions)
  const prefix = new PathPrefix(app.prefix, readingOf(app))
  const replacement = trimEnd(rewritePrefix, '/')
  const upgrades = UpgradeRouter.of(app.server)
  const tunnels = new Set<Socket>()

  /** Takes control of a request from Fastify, unless it cannot be forwarded. */
  const forward = ({ raw }: FastifyRequest, reply: FastifyReply): void => {
    // The client disconnected while hooks were running: work that starts now would never be ended.
    if (reply.raw.destroyed) {
      reply.hijack()
      return
    }
    const url = raw.url ?? ''
    const target = prefix.replaceIn(url, replacement)
    if (target === undefined) {
      reply.callNotFound()
      return
    }
    if (replacement !== '' && STEP_UP.test(target.split(/[?#]/, 1)[0] ?? '')) {
      reply
        .code(400)
        .send({ statusCode: 400, error: 'Bad Request', message: 'The path leaves the prefix of the proxy.' })
      return
    }
    if (target !== url) setRequestTarget(raw, target)
    // Headers that hooks have set, for CORS and similar. Headers of the node's response take precedence.
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    reply.hijack()
    const upgrade = upgrades.take(raw)
    if (upgrade === undefined) proxy.handler(raw, reply.raw)
    else passOn(raw, reply.raw, upgrade)
  }

  const passOn = (request: IncomingMessage, response: ServerResponse, { socket, head }: Upgrade): void => {
    response.detachSocket(socket)
    tunnels.add(socket)
    socket.once('close', () => {
      tunnels.delete(socket)
      // Notifies listeners that wait for the end of the request.
      response.emit('close')
    })
    proxy.upgrade(request, socket, head)
  }

  leaveBodies(app)
  // Runs as the last hook of each route, after hooks that other plugins add to it. Not in the handler, which
  // @fastify/websocket replaces.
  app.addHook('onRoute', (route) => {
    route.preHandler = [route.preHandler ?? [], forward].flat()
  })
  for (const method of METHODS)
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method)
  for (const url of ['/', '/*']) app.route({ method: app.supportedMethods, url, handler: () => {} })

  const target: UpgradeTarget = {
    has: (url) => prefix.endIn(url) >= 0,
    route: (request, response) => app.routing(request, response),
  }
  if (websocket) upgrades.add(target)
  // The server waits for its connections, including those that were upgraded.
  app.addHook('preClose', async () => {
    for (const socket of tunnels) socket.destroy()
  })
  app.addHook('onClose', async () => {
    upgrades.remove(target)
    if (instance === undefined) await proxy.close()
  })
}

function readingOf({ initialConfig }: FastifyInstance): PathReading {
  // Their location depends on the release of Fastify 5 and on the app.
  const places: Partial<
    Record<'caseSensitive' | 'ignoreDuplicateSlashes' | 'useSemicolonDelimiter', boolean>
  >[] = [initialConfig, initialConfig.routerOptions ?? {}]
  return {
    isCaseSensitive: !places.some(({ caseSensitive }) => caseSensitive === false),
    ignoresDuplicateSlashes: places.some(({ ignoreDuplicateSlashes }) => ignoreDuplicateSlashes === true),
    splitsAtSemicolon: places.some(({ useSemicolonDelimiter }) => useSemicolonDelimiter === true),
  }
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}\\s*(;|$)`)

/** Prevents the routes of an instance from reading bodies of any type. */
function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    if (payload === request.raw) done(null)
    else
      done(
        new InvalidArgumentError(
          'payload',
          'the original request, which no preParsing hook has replaced',
          payload,
        ),
      )
  })
  // Fastify rejects an invalid content type before it calls a parser. The nodes must decide that, and they
  // receive the original header.
  app.addHook('onRequest', (request, _reply, done) => {
    const type = request.headers['content-type']
    const isRefused = type === undefined ? request.method === 'QUERY' : !MEDIA_TYPE.test(type)
    if (isRefused) request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    done()
  })
}

interface PathReading {
  readonly isCaseSensitive: boolean
  readonly ignoresDuplicateSlashes: boolean
  /** Whether `;` also starts the query. */
  readonly splitsAtSemicolon: boolean
}

const ORIGIN = /^https?:\/\/[^/?#]*/i

/** Finds a route prefix in unmodified URLs, regardless of which characters are encoded. */
class PathPrefix {
  readonly #segments: readonly string[]
  readonly #separator: RegExp

  constructor(
    prefix: string,
    private readonly reading: PathReading,
  ) {
    this.#segments = prefix.split('/').filter((segment) => segment !== '')
    this.#separator = reading.splitsAtSemicolon ? /[/?#;]/g : /[/?#]/g
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  /** Returns the index at which the prefix ends in a URL; -1 if the URL is not below the prefix. */
  endIn(url: string): number {
    let at = ORIGIN.exec(url)?.[0].length ?? 0
    for (const segment of this.#segments) {
      if (url[at] !== '/') return -1
      at += 1
      if (this.reading.ignoresDuplicateSlashes) while (url[at] === '/') at += 1
      const end = this.#endOfSegment(url, at)
      if (!this.#isSame(segment, url.slice(at, end))) return -1
      at = end
    }
    return at
  }

  /** Replaces the prefix in a URL; `undefined` if the URL is not below the prefix. */
  replaceIn(url: string, text: string): string | undefined {
    const end = this.endIn(url)
    if (end < 0) return undefined
    const origin = ORIGIN.exec(url)?.[0] ?? ''
    const path = text + url.slice(end)
    return origin + (path.startsWith('/') ? path : `/${path}`)
  }

  #endOfSegment(url: string, from: number): number {
    this.#separator.lastIndex = from
    return this.#separator.exec(url)?.index ?? url.length
  }

  #isSame(segment: string, raw: string): boolean {
    // A route parameter matches any string.
    if (/(^|[^:]):(?!:)/.test(segment)) return true
    const unescaped = segment.replaceAll('::', ':')
    const { isCaseSensitive } = this.reading
    const found = decoded(raw)
    return found === unescaped || (!isCaseSensitive && found.toLowerCase() === unescaped.toLowerCase())
  }
}

function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
