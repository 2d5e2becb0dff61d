import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import onHeaders from 'on-headers'

/** Interval of the search for unused connections. */
const SWEEP_MS = 20
/** Maximum number of event-loop ticks in which pending connections are accepted. */
const MAX_TICKS = 50
/** Idle time before a connection is closed: a request may still be in transit on it. */
const GRACE_MS = 250
/**
 * Close frame with the status "going away" for a WebSocket client. Source: RFC 6455, sections 5.5.1 and
 * 7.4.1.
 */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9])

/** Connections and responses of a server, which must be ended at shutdown. */
export class OpenWork {
  readonly #responses = new Set<ServerResponse>()
  /** Responses that never end according to their content type. */
  readonly #streams = new WeakSet<ServerResponse>()
  #accepted = 0
  /** Connections with their number of responses in flight, and the time since which they have none. */
  readonly #sockets = new Map<Socket, { open: number; idleSince: number }>()
  readonly #upgraded = new Map<Duplex, boolean>()
  readonly #onRequest = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    this.#responses.add(response)
    onHeaders(response, () => {
      if (/^text\/event-stream\b/i.test(String(response.getHeader('content-type') ?? '')))
        this.#streams.add(response)
    })
    const state = this.#sockets.get(socket)
    if (state !== undefined) state.open += 1
    response.once('close', () => {
      this.#responses.delete(response)
      if (state === undefined) return
      state.open -= 1
      state.idleSince = performance.now()
    })
    if (this.#isClosing) this.#closeAfter(response)
  }
  readonly #onConnection = (socket: Socket): void => {
    this.#accepted += 1
    this.#sockets.set(socket, { open: 0, idleSince: performance.now() })
    socket.once('close', () => this.#sockets.delete(socket))
  }
  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    this.#upgraded.set(socket, request.headers.upgrade?.toLowerCase() === 'websocket')
    socket.once('close', () => this.#upgraded.delete(socket))
  }
  #isClosing = false

  constructor(private readonly server: Server) {
    server.prependListener('request', this.#onRequest)
    server.prependListener('connection', this.#onConnection)
    // Node emits upgrades only if there is a listener. If the app has none, upgrades must stay ordinary
    // requests.
    if (server.listenerCount('upgrade') > 0) server.prependListener('upgrade', this.#onUpgrade)
    else server.on('newListener', this.#followUpgrades)
  }

  readonly #followUpgrades = (event: string | symbol): void => {
    if (event !== 'upgrade') return
    this.server.off('newListener', this.#followUpgrades)
    this.server.prependListener('upgrade', this.#onUpgrade)
  }

  get requests(): number {
    return this.#responses.size
  }

  /** Makes all responses from now on end their connections. */
  closeConnections(): void {
    this.#isClosing = true
    for (const response of this.#responses) this.#closeAfter(response)
  }

  /**
   * Stops accepting connections, and waits until all work in flight has ended.
   *
   * @param signal - When it aborts, the work is interrupted.
   */
  async stop(signal: AbortSignal): Promise<void> {
    // Stop immediately after pending connections were accepted: connections that wait when a server stops
    // listening are reset.
    for (let tick = 0, before = -1; tick < MAX_TICKS && before !== this.#accepted; tick += 1) {
      before = this.#accepted
      await new Promise((resolve) => setImmediate(resolve))
    }
    const stoppedAt = performance.now()
    // Not `server.close()`, which also ends connections on which a request is about to arrive.
    const closed = new Promise<void>((resolve) =>
      NetServer.prototype.close.call(this.server, () => resolve()),
    )
    const look = () => {
      this.#endStreams()
      this.#endIdle(stoppedAt)
    }
    look()
    const sweep = setInterval(look, SWEEP_MS)
    const cut = () => this.cut()
    signal.addEventListener('abort', cut, { once: true })
    if (signal.aborted) cut()
    await Promise.all([closed, this.#upgradedEnded()])
    clearInterval(sweep)
    signal.removeEventListener('abort', cut)
  }

  cut(): void {
    for (const socket of [...this.#upgraded.keys(), ...this.#sockets.keys()]) socket.destroy()
  }

  dispose(): void {
    this.server.off('request', this.#onRequest)
    this.server.off('connection', this.#onConnection)
    this.server.off('upgrade', this.#onUpgrade)
    this.server.off('newListener', this.#followUpgrades)
  }

  #endIdle(stoppedAt: number): void {
    const now = performance.now()
    for (const [socket, { open, idleSince }] of this.#sockets) {
      const isQuiet =
        open === 0 && !this.#upgraded.has(socket) && now - Math.max(idleSince, stoppedAt) >= GRACE_MS
      if (isQuiet) socket.destroySoon()
    }
  }

  /** Ends responses and connections that would otherwise never end. */
  #endStreams(): void {
    for (const response of this.#responses) {
      if (this.#streams.has(response) && !response.writableEnded) response.end()
    }
    for (const [socket, isWebSocket] of this.#upgraded) {
      if (socket.writableEnded) continue
      if (isWebSocket && socket.writable) socket.end(GOING_AWAY)
      else socket.end()
    }
  }

  #closeAfter(response: ServerResponse): void {
    if (!response.headersSent) response.shouldKeepAlive = false
  }

  #upgradedEnded(): Promise<void> {
    if (this.#upgraded.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const left = new Set(this.#upgraded.keys())
      for (const socket of left) {
        socket.once('close', () => {
          left.delete(socket)
          if (left.size === 0) resolve()
        })
      }
    })
  }
}
