import { subscribe } from 'node:diagnostics_channel'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { guarded } from '../guarded.ts'
import { printNoClient } from '../no-client.ts'
import { attachedClients, clients, currentTest, server } from '../process-state.ts'
import { type HttpRequest, type HttpResponse, requestScope } from './request-scope.ts'
import { routeFound } from './routes.ts'
import { endScripts } from './script-scope.ts'
import { type Http2Stream, streamExchange } from './stream-exchange.ts'

interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly is404: boolean
  readonly routeOptions: { readonly url?: string }
}

interface FastifyApp {
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequest, reply: unknown, done: () => void) => void,
  ): unknown
}

/** Servers of Sluice itself have it. The core, which marks them, is loaded later. */
const OWN_SERVER = Symbol.for('sluice.ownServer')

/** Milliseconds after which Sluice reports that an app on a server has loaded no client. */
const NOTICE_MS = 10_000

function isListening(): void {
  if (!server.isListening)
    setTimeout(() => {
      if (!clients.areLoaded) guarded('HTTP servers', printNoClient)
    }, NOTICE_MS).unref()
  server.isListening = true
  if (attachedClients.size > 0 && currentTest.name === undefined) guarded('scripts', endScripts)
}

function scopeEvents(prototype: net.Server): void {
  const { emit } = prototype
  prototype.emit = function (this: net.Server, event: string, ...args: unknown[]): boolean {
    const handle = () => Reflect.apply(emit, this, [event, ...args]) as boolean
    if (OWN_SERVER in this) return handle()
    if (event === 'listening' && isHttp(this)) isListening()
    const exchange = clients.areLoaded ? exchangeOf(this, event, args) : undefined
    const enter = exchange && guarded('HTTP servers', () => requestScope(...exchange))
    return enter === undefined ? handle() : enter(handle)
  } as typeof emit
}

/** Servers of `http2` are known by their listeners. */
function isHttp(server: net.Server): boolean {
  return (
    server instanceof http.Server || ['request', 'stream'].some((event) => server.listenerCount(event) > 0)
  )
}

/** The request and the response of an event; `undefined` for any other event. */
function exchangeOf(
  server: net.Server,
  event: string,
  [first, second]: readonly unknown[],
): readonly [request: HttpRequest, response: HttpResponse] | undefined {
  if (event === 'request')
    return typeof (second as Partial<http.ServerResponse> | undefined)?.setHeader === 'function'
      ? [first as HttpRequest, second as HttpResponse]
      : undefined
  // A listener of `request` is called with the same stream.
  if (event !== 'stream' || server.listenerCount('request') > 0) return undefined
  const stream = first as Partial<Http2Stream> | undefined
  return typeof stream?.respond === 'function'
    ? streamExchange(stream as Http2Stream, second as Readonly<Record<string, string>>)
    : undefined
}

/** Opens a scope for each request that the HTTP servers of this process receive, once there is a client. */
export function scopeRequests(): void {
  // Another tool can have replaced the first. The second is inherited by servers of `https` and `http2`,
  // which would cost each process more to load than the rest.
  for (const prototype of [http.Server.prototype, net.Server.prototype]) scopeEvents(prototype)
  subscribe('fastify.initialization', (message) => {
    const { fastify } = message as { readonly fastify: FastifyApp }
    guarded('Fastify', () =>
      fastify.addHook('onRequest', ({ raw, is404, routeOptions: { url } }, _reply, done) => {
        if (!is404 && url !== undefined) routeFound('Fastify', raw, url)
        done()
      }),
    )
  })
}
