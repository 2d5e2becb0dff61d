import { subscribe } from 'node:diagnostics_channel'
import http, { type IncomingMessage, ServerResponse } from 'node:http'
import { guarded } from '../guarded.ts'
import { printNoClient } from '../no-client.ts'
import { attachedClients, clients, currentTest, server } from '../process-state.ts'
import { requestScope } from './request-scope.ts'
import { routeFound } from './routes.ts'
import { endScripts } from './script-scope.ts'

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

/** Opens a scope for each request that the HTTP servers of this process receive, once there is a client. */
export function scopeRequests(): void {
  const known = new WeakSet<object>()
  const scopeEvents = (server: { emit: http.Server['emit'] }) => {
    const { emit } = server
    server.emit = function (this: object, event: string, ...args: unknown[]): boolean {
      if (OWN_SERVER in this) return Reflect.apply(emit, this, [event, ...args]) as boolean
      if (event === 'listening') isListening()
      const handle = () => Reflect.apply(emit, this, [event, ...args]) as boolean
      const [request, response] = args
      if (event !== 'request' || !clients.areLoaded || !(response instanceof ServerResponse)) return handle()
      const enter = guarded('HTTP servers', () => requestScope(request as IncomingMessage, response))
      return enter === undefined ? handle() : enter(handle)
    } as typeof emit
  }
  scopeEvents(http.Server.prototype)
  // Loading `https` would cost each process more than the rest. The event `request` follows this message.
  subscribe('http.server.request.start', (message) => {
    const { server: secure } = message as { readonly server: http.Server }
    if (secure instanceof http.Server || known.has(secure)) return
    known.add(secure)
    guarded('HTTP servers', () => {
      scopeEvents(secure)
      isListening()
    })
  })
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
