import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NodeLease, ServerNode } from '@sluice/core'
import type { Dispatcher } from 'undici'
import type { Verdict } from './admission/admission.ts'
import { rawHeadersOf, responseHeaders } from './headers/header-kinds.ts'
import { requestHeaders } from './headers/request-headers.ts'
import { requestTarget } from './headers/request-target.ts'
import type { ProxyCore } from './proxy-core.ts'
import { refuseUpgrade } from './small-responses.ts'

/**
 * Idle time after which the operating system checks whether the other side is still there (TCP keep-alive).
 * WebSockets may be silent for any length of time.
 */
const KEEP_ALIVE_MS = 30_000
/** How long one side may continue after the other side has ended. */
const HALF_OPEN_MS = 2_000

/** Connects a client to a node, for WebSockets and other upgrades. */
export function openTunnel(core: ProxyCore, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => {})
  core.counts.requests += 1
  const { headers, clientIp, host, isMalformed, isChunked, contentLength } = requestHeaders(
    request,
    core.options.forwarding,
  )
  const target = requestTarget(request)
  const protocol = request.headers.upgrade?.trim().toLowerCase()
  const hasBody = isChunked || (contentLength ?? 0) > 0
  const isAllowed = protocol !== undefined && core.options.upgrades.has(protocol)
  if (isMalformed || hasBody || target.path === undefined || request.method !== 'GET' || !isAllowed) {
    core.counts.failed += 1
    refuseUpgrade(socket, target.status ?? 400)
    return
  }
  core.sign(headers, 'GET', target.path, host)
  const options = { path: target.path, method: 'GET' as const, headers, upgrade: protocol }
  const home = core.sticky?.homeOf(request.headers.cookie)
  const start = () => new Tunnel(core, options, socket, head, clientIp, home).start()
  const verdict = core.admission?.admit(request, clientIp)
  const go = (decision: Verdict) => {
    if (decision.status !== undefined) {
      core.refused(decision.status)
      refuseUpgrade(socket, decision.status, decision.retryAfterSeconds)
    } else if (socket.destroyed) decision.release()
    else {
      socket.once('close', decision.release)
      start()
    }
  }
  if (verdict === undefined) start()
  else if (verdict instanceof Promise) verdict.then(go)
  else go(verdict)
}

class Tunnel {
  /** The nodes that it was sent to. */
  readonly #tried: ServerNode[] = []

  constructor(
    private readonly core: ProxyCore,
    private readonly options: Dispatcher.DispatchOptions,
    private readonly socket: Duplex,
    private readonly head: Buffer,
    private readonly clientIp: string,
    private readonly home: ServerNode | undefined,
  ) {}

  start(): void {
    const lease = this.core.acquire(this.clientIp, this.#tried, this.home)
    if (lease === null) {
      const isFirst = this.#tried.length === 0
      if (isFirst) this.core.counts.noNode += 1
      this.#refuse(isFirst ? 503 : 502)
      return
    }
    this.#tried.push(lease.node)
    try {
      this.core.upstreamOf(lease.node).pool.dispatch(this.options, this.#handlerOf(lease))
    } catch {
      lease.release()
      this.#refuse(400)
    }
  }

  #refuse(status: number): void {
    this.core.counts.failed += 1
    refuseUpgrade(this.socket, status)
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
        onClosed = () => controller.abort(new Error('The client disconnected.'))
        if (socket.destroyed) onClosed()
        else socket.once('close', onClosed)
      },
      onRequestUpgrade: (controller, status, _headers, upstream) => {
        record(status)
        if (onClosed !== undefined) socket.off('close', onClosed)
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${textOfHeaders(rawHeadersOf(controller))}\r\n`)
        core.tunneled(socket)
        join(socket, upstream, this.head, () => lease.release())
      },
      // The node does not switch protocols: only its response is forwarded.
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
        const mayRetry = !isSent && this.#tried.length < core.options.retry.maxAttempts && core.budget.take()
        if (mayRetry) {
          core.counts.retries += 1
          this.start()
        } else if (hasBegun) socket.destroy()
        else this.#refuse(502)
      },
    }
  }
}

/** Forwards data in both directions until both sides have ended. */
function join(client: Duplex, upstream: Duplex, head: Buffer, onClosed: () => void): void {
  for (const side of [client, upstream] as (Duplex &
    Partial<Pick<Socket, 'setTimeout' | 'setNoDelay' | 'setKeepAlive'>>)[]) {
    side.setTimeout?.(0)
    side.setNoDelay?.(true)
    side.setKeepAlive?.(true, KEEP_ALIVE_MS)
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
