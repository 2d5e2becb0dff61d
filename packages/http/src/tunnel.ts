import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NodeLease, ServerNode } from '@sluice/core'
import type { Dispatcher } from 'undici'
import { rawHeadersOf } from './headers/raw-headers.ts'
import { requestHeaders } from './headers/request-headers.ts'
import { requestTarget } from './headers/request-target.ts'
import { responseHeaders } from './headers/response-headers.ts'
import type { ProxyCore } from './proxy-core.ts'
import { refuseUpgrade } from './refuse.ts'

/** How long one side may go on when the other one has ended. */
const HALF_OPEN_MS = 2_000

/** Makes of a client's connection one to a node, for WebSockets and the like. */
export function openTunnel(core: ProxyCore, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => {})
  const { headers, clientIp, isMalformed, isChunked, contentLength } = requestHeaders(request, core.options.trustedHops)
  const target = requestTarget(request)
  const protocol = request.headers.upgrade
  const hasBody = isChunked || (contentLength ?? 0) > 0
  if (isMalformed || hasBody || target.path === undefined || request.method !== 'GET' || protocol === undefined) {
    refuseUpgrade(socket, target.status ?? 400)
    return
  }
  const options = { path: target.path, method: 'GET' as const, headers, upgrade: protocol }
  new Tunnel(core, options, socket, head, clientIp).start()
}

class Tunnel {
  #attempts = 0

  constructor(
    private readonly core: ProxyCore,
    private readonly options: Dispatcher.DispatchOptions,
    private readonly socket: Duplex,
    private readonly head: Buffer,
    private readonly clientIp: string,
  ) {}

  start(except?: ServerNode): void {
    const lease = this.core.acquire(this.clientIp, except)
    if (lease === null) {
      refuseUpgrade(this.socket, except === undefined ? 503 : 502)
      return
    }
    this.#attempts += 1
    try {
      this.core.upstreamOf(lease.node).pool.dispatch(this.options, this.#handlerOf(lease))
    } catch {
      lease.release()
      refuseUpgrade(this.socket, 400)
    }
  }

  #handlerOf(lease: NodeLease): Dispatcher.DispatchHandler {
    const { socket, core } = this
    const startedAt = core.now()
    const record = (status: number) => core.record(lease.node, core.now() - startedAt, status)
    let isSent = false
    let hasBegun = false
    let onClosed: (() => void) | undefined
    return {
      onRequestStart: (controller) => {
        isSent = true
        onClosed = () => controller.abort(new Error('The client is gone.'))
        if (socket.destroyed) onClosed()
        else socket.once('close', onClosed)
      },
      onRequestUpgrade: (controller, status, _headers, upstream) => {
        record(status)
        if (onClosed !== undefined) socket.off('close', onClosed)
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${textOfHeaders(rawHeadersOf(controller))}\r\n`)
        join(socket, upstream, this.head, () => lease.release())
      },
      // The node does not change protocols: its answer is passed on, and that is all.
      onResponseStart: (controller, status) => {
        if (status < 200) return
        record(status)
        hasBegun = true
        const headers = responseHeaders(rawHeadersOf(controller))
        socket.write(`HTTP/1.1 ${status} \r\n${textOfHeaders(headers)}connection: close\r\n\r\n`)
      },
      onResponseData: (controller, chunk) => {
        if (socket.write(chunk)) return
        controller.pause()
        socket.once('drain', () => controller.resume())
      },
      onResponseEnd: () => {
        lease.release()
        socket.end()
      },
      onResponseError: () => {
        lease.release()
        if (socket.destroyed) return
        record(0)
        const mayRetry = !isSent && this.#attempts < core.options.retry.maxAttempts && core.budget.take()
        if (mayRetry) this.start(lease.node)
        else if (hasBegun) socket.destroy()
        else refuseUpgrade(socket, 502)
      },
    }
  }
}

/** Passes on what comes from either side, until both have ended. */
function join(client: Duplex, upstream: Duplex, head: Buffer, onClosed: () => void): void {
  for (const side of [client, upstream] as (Duplex & { setTimeout?(ms: number): void; setNoDelay?(on: boolean): void })[]) {
    side.setTimeout?.(0)
    side.setNoDelay?.(true)
  }
  upstream.on('error', () => {})
  if (head.length > 0) upstream.write(head)
  upstream.pipe(client)
  client.pipe(upstream)
  const endSoon = () => {
    const timer = setTimeout(() => {
      client.destroy()
      upstream.destroy()
    }, HALF_OPEN_MS)
    timer.unref()
  }
  client.on('end', endSoon)
  upstream.on('end', endSoon)
  client.on('close', () => upstream.destroy())
  upstream.on('close', () => {
    client.destroy()
    onClosed()
  })
  if (client.destroyed) upstream.destroy()
}

function textOfHeaders(headers: readonly string[]): string {
  let text = ''
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return text
}
