import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** A connection that will be upgraded once the app's hooks allow it. */
export interface Upgrade {
  readonly socket: Socket
  /** Bytes that arrived after the request's headers. */
  readonly head: Buffer
}

/** Routes that accept upgrades. */
export interface UpgradeTarget {
  /** Whether a URL belongs to one of the routes. */
  has(url: string): boolean
  /** Sends a request through the app's hooks. */
  route(request: IncomingMessage, response: ServerResponse): void
}

/** How long a connection stays open if no other `upgrade` listener uses it. */
const UNWANTED_MS = 30_000
const EVENTS = ['data', 'readable', 'end', 'error', 'close'] as const

const routers = new WeakMap<Server, UpgradeRouter>()

/**
 * Sends upgrades through an app's hooks, like any request of its routes. Otherwise a client could bypass the
 * hooks with an upgrade. There is one router per server.
 *
 * If there is an `upgrade` listener, Node leaves all upgrades to the listeners. Upgrades that match none of
 * our routes are left to the other listeners. Without other listeners, the server receives the request as it
 * would without this router.
 */
export class UpgradeRouter {
  readonly #targets = new Set<UpgradeTarget>()
  readonly #waiting = new WeakMap<IncomingMessage, Upgrade>()

  static of(server: Server): UpgradeRouter {
    const known = routers.get(server)
    if (known !== undefined) return known
    const router = new UpgradeRouter(server)
    routers.set(server, router)
    return router
  }

  private constructor(private readonly server: Server) {}

  add(target: UpgradeTarget): void {
    // First, because other listeners that route it, such as @fastify/websocket, must find that it is known.
    if (this.#targets.size === 0) this.server.prependListener('upgrade', this.#onUpgrade)
    this.#targets.add(target)
  }

  remove(target: UpgradeTarget): void {
    this.#targets.delete(target)
    if (this.#targets.size === 0) this.server.off('upgrade', this.#onUpgrade)
  }

  /** Takes over an upgrade whose request passed the hooks; `undefined` for any other request. */
  take(request: IncomingMessage): Upgrade | undefined {
    const upgrade = this.#waiting.get(request)
    this.#waiting.delete(request)
    return upgrade
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    // Node has removed its listener.
    socket.on('error', () => socket.destroy())
    const isUntouched = watch(socket)
    const target = [...this.#targets].find(({ has }) => has(request.url ?? ''))
    if (target !== undefined) this.#waiting.set(request, { socket, head })
    const settle = () => {
      if (!isUntouched()) return
      if (target === undefined || hasBody(request)) restore(this.server, request, socket, head)
      else route(target, request, socket)
    }
    const isOthers = target === undefined && this.server.listenerCount('upgrade') > 1
    // After all other listeners.
    if (isOthers) setTimeout(settle, UNWANTED_MS).unref()
    else process.nextTick(settle)
  }
}

/** Returns a function that checks whether other code has used a connection since this call. */
function watch(socket: Socket): () => boolean {
  const counts = EVENTS.map((event) => socket.listenerCount(event))
  const { bytesWritten } = socket
  return () =>
    !socket.destroyed &&
    !socket.writableEnded &&
    socket.bytesWritten === bytesWritten &&
    EVENTS.every((event, at) => socket.listenerCount(event) === counts[at])
}

function route(target: UpgradeTarget, request: IncomingMessage, socket: Socket): void {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.destroySoon())
  target.route(request, response)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Makes the server parse a request again, without the upgrade. */
function restore(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!/^(upgrade|connection)$/i.test(rawHeaders[i] as string))
      text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  }
  // Happens once per connection: its listeners are added a second time.
  socket.unshift(Buffer.concat([Buffer.from(`${text}connection: close\r\n\r\n`, 'latin1'), head]))
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket)
}
