import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** A connection that is to become another one, once the app's hooks allow it. */
export interface Upgrade {
  readonly socket: Socket
  /** What came after the request's headers. */
  readonly head: Buffer
}

/** Some routes that take upgrades. */
export interface UpgradeTarget {
  /** Whether a URL is one of theirs. */
  has(url: string): boolean
  /** Sends a request on its way through the app's hooks. */
  route(request: IncomingMessage, response: ServerResponse): void
}

/** How long a connection is held that others who listen for upgrades leave alone. */
const UNWANTED_MS = 30_000
const EVENTS = ['data', 'readable', 'end', 'error', 'close'] as const

const routers = new WeakMap<Server, UpgradeRouter>()

/**
 * Sends upgrades through the hooks of an app, as any request of its routes: a client could get round them otherwise by asking for one. One for each
 * server.
 *
 * Where somebody listens for upgrades, Node leaves all of them to those who listen. What no route of ours takes is left to the others; where there are
 * none it goes back to the server as the request that it would have been without us.
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
    // First: whoever routes it as well, such as @fastify/websocket, must find that it is known.
    if (this.#targets.size === 0) this.server.prependListener('upgrade', this.#onUpgrade)
    this.#targets.add(target)
  }

  remove(target: UpgradeTarget): void {
    this.#targets.delete(target)
    if (this.#targets.size === 0) this.server.off('upgrade', this.#onUpgrade)
  }

  /** Takes an upgrade over whose request came through the hooks; `undefined` for any other request. */
  take(request: IncomingMessage): Upgrade | undefined {
    const upgrade = this.#waiting.get(request)
    this.#waiting.delete(request)
    return upgrade
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    // Node has taken its own listener off.
    socket.on('error', () => socket.destroy())
    const isUntouched = watch(socket)
    const target = [...this.#targets].find(({ has }) => has(request.url ?? ''))
    if (target !== undefined) this.#waiting.set(request, { socket, head })
    const settle = () => {
      if (!isUntouched()) return
      if (target === undefined || hasBody(request)) handBack(this.server, request, socket, head)
      else route(target, request, socket)
    }
    const isOthers = target === undefined && this.server.listenerCount('upgrade') > 1
    // After all who listen.
    if (isOthers) setTimeout(settle, UNWANTED_MS).unref()
    else process.nextTick(settle)
  }
}

/** Tells whether somebody has begun to use a connection since. */
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

/** Has the server read a request anew, without the upgrade. */
function handBack(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!/^(upgrade|connection)$/i.test(rawHeaders[i] as string)) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  }
  // One time for each connection: its listeners are added once more.
  socket.unshift(Buffer.concat([Buffer.from(`${text}connection: close\r\n\r\n`, 'latin1'), head]))
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket)
}
