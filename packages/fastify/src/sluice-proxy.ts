import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import { setRequestTarget } from '@sluice/http'
import { createProxy, type HttpProxy, type ProxyOptions } from '@sluice/http/proxy'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { definePlugin } from './define-plugin.ts'
import { PathPrefix, type PathReading } from './path-prefix.ts'
import { type Upgrade, UpgradeRouter, type UpgradeTarget } from './upgrade-router.ts'

export interface SluiceProxyOptions extends ProxyOptions {
  /**
   * A proxy made by `createProxy` of `@sluice/http/proxy`, in place of options for one. It stays open when the app is closed.
   * @defaultValue one with these options, closed with the app
   */
  readonly proxy?: HttpProxy
  /**
   * What stands in place of the prefix in what nodes are asked for: a path. The prefix itself, to keep it.
   * @defaultValue ''
   */
  readonly rewritePrefix?: string
  /**
   * Passes on WebSockets and other upgrades. `false` leaves the server's event `upgrade` alone.
   * @defaultValue true
   */
  readonly websocket?: boolean
}

/**
 * Fastify plugin that passes requests on to nodes: every method and path below its prefix, which is taken off. The app's hooks up to `preHandler` run
 * before, and may answer themselves; bodies are not read. Works with Fastify 5 over HTTP/1.1.
 *
 * Registering it with options that cannot be fails with what `createProxy` throws.
 *
 * @example
 * ```ts
 * app.register(sluiceProxy, { prefix: '/api', nodes: ['10.0.0.1:8080', '10.0.0.2:8080'] })
 * ```
 */
export const sluiceProxy: FastifyPluginAsync<SluiceProxyOptions> = definePlugin('@sluice/fastify/proxy', register, true)

const rules = {
  proxy: {
    expected: 'a proxy made by createProxy()',
    accepts: (value: unknown) => typeof (value as HttpProxy | null)?.handler === 'function',
  },
  rewritePrefix: {
    expected: 'a path that begins with "/"',
    accepts: (value: unknown) => typeof value === 'string' && /^(\/[\x21-\x7e]*)?$/.test(value) && !/[?#]/.test(value),
  },
  websocket: option.boolean,
}

/** A step up, in whatever way a node may read it. */
const STEP_UP = /(?:[/\\]|%2f|%5c)(?:\.|%2e){2}(?:[/\\;]|%2f|%5c|$)/i

async function register(app: FastifyInstance, options: SluiceProxyOptions): Promise<void> {
  const { proxy: given, rewritePrefix = '', websocket = true, ...proxyOptions } = options
  checkOptions({ proxy: given, rewritePrefix, websocket }, rules)
  for (const [name, value] of Object.entries(proxyOptions)) {
    if (given !== undefined && value !== undefined) throw new InvalidOptionError(name, 'none beside a proxy, which has its own', value)
  }
  if (app.initialConfig.http2 === true) throw new InvalidOptionError('http2', 'an app that speaks HTTP/1.1', true)
  const proxy = given ?? createProxy(proxyOptions)
  const prefix = new PathPrefix(app.prefix, readingOf(app))
  const replacement = rewritePrefix.replace(/\/+$/, '')
  const upgrades = UpgradeRouter.of(app.server)
  const tunnels = new Set<Socket>()

  /** Takes a request out of Fastify's hands, unless it cannot be passed on. */
  const handOver = ({ raw }: FastifyRequest, reply: FastifyReply): void => {
    // The client went while hooks were at work: nobody would end what was begun now.
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
      reply.code(400).send({ statusCode: 400, error: 'Bad Request', message: 'The path leads out of what it is below.' })
      return
    }
    if (target !== url) setRequestTarget(raw, target)
    // What hooks have set, for CORS and the like. The headers of the answer come before them.
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
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
      // Whoever waits for the end of the request.
      response.emit('close')
    })
    proxy.upgrade(request, socket, head)
  }

  leaveBodies(app)
  // The last hook of each route, after those that other plugins add to it. A hook and not the handler, which @fastify/websocket replaces.
  app.addHook('onRoute', (route) => {
    route.preHandler = [route.preHandler ?? [], handOver].flat()
  })
  for (const method of METHODS) if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method)
  for (const url of ['/', '/*']) app.route({ method: app.supportedMethods, url, handler: () => {} })

  const target: UpgradeTarget = {
    has: (url) => prefix.endIn(url) >= 0,
    route: (request, response) => app.routing(request, response),
  }
  if (websocket) upgrades.add(target)
  // The server waits for its connections, and for those that became others as well.
  app.addHook('preClose', async () => {
    for (const socket of tunnels) socket.destroy()
  })
  app.addHook('onClose', async () => {
    upgrades.remove(target)
    if (given === undefined) await proxy.close()
  })
}

function readingOf({ initialConfig }: FastifyInstance): PathReading {
  // Where they stand depends on the release of Fastify 5, and on who wrote the app.
  const places: Partial<Record<'caseSensitive' | 'ignoreDuplicateSlashes' | 'useSemicolonDelimiter', boolean>>[] = [
    initialConfig,
    initialConfig.routerOptions ?? {},
  ]
  return {
    isCaseSensitive: !places.some(({ caseSensitive }) => caseSensitive === false),
    ignoresDuplicateSlashes: places.some(({ ignoreDuplicateSlashes }) => ignoreDuplicateSlashes === true),
    splitsAtSemicolon: places.some(({ useSemicolonDelimiter }) => useSemicolonDelimiter === true),
  }
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}\\s*(;|$)`)

/** Has the routes of an instance leave bodies where they are, whatever they are. */
function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    if (payload === request.raw) done(null)
    else done(new InvalidArgumentError('payload', 'the request itself, which no preParsing hook has replaced', payload))
  })
  // Fastify refuses a type that is none before it asks a parser. It is not for this app to judge, and nodes are sent what the client sent.
  app.addHook('onRequest', (request, _reply, done) => {
    const type = request.headers['content-type']
    const isRefused = type === undefined ? request.method === 'QUERY' : !MEDIA_TYPE.test(type)
    if (isRefused) request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    done()
  })
}
