import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Duplex, pipeline, type Readable } from 'node:stream'
import type { LoadBalancingEngine } from '@sluice/core'
import type { Dispatcher } from 'undici'
import { BodyLimit } from './body-limit.ts'
import { Exchange, isIdempotent } from './exchange.ts'
import { type RequestHeaders, requestHeaders } from './headers/request-headers.ts'
import { type RequestTarget, requestTarget } from './headers/request-target.ts'
import { Prober } from './prober.ts'
import { ProxyCore } from './proxy-core.ts'
import { type ProxyOptions, resolveProxyOptions } from './proxy-options.ts'
import { refuse } from './refuse.ts'
import { openTunnel } from './tunnel.ts'

export interface ProxyStats {
  readonly requests: number
  /** Requests that were sent to another node. */
  readonly retries: number
  /** Retries that there was no budget for. */
  readonly withoutBudget: number
  /** Requests for which no node was up and had room. */
  readonly noNode: number
  /** Requests that the proxy answered itself, with an error; those for which there was no node included. */
  readonly failed: number
}

export interface CloseProxyOptions {
  /**
   * Milliseconds that requests under way have to end.
   * @defaultValue 5000
   */
  readonly graceMs?: number
}

/** Passes requests on to nodes. */
export interface HttpProxy {
  /** Answers a request: for `node:http`, or at the end of a chain of middleware. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** Passes on a WebSocket: for the server's event `upgrade`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly balancer: LoadBalancingEngine
  getStats(): ProxyStats
  /** Ends probes and connections; a balancer that was handed in stays open. */
  close(options?: CloseProxyOptions): Promise<void>
}

/**
 * A reverse proxy that keeps answering when a node dies, hangs, or leaves: what may be sent twice goes to another node.
 *
 * @throws InvalidOptionError; InvalidArgumentError for a node that is none.
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createProxy } from '@sluice/http'
 *
 * const proxy = createProxy({ nodes: ['10.0.0.1:8080', '10.0.0.2:8080'], probe: { path: '/health' } })
 * createServer(proxy.handler).on('upgrade', proxy.upgrade).listen(80)
 * ```
 */
export function createProxy(options: ProxyOptions): HttpProxy {
  const resolved = resolveProxyOptions(options)
  const core = new ProxyCore(resolved)
  const prober = resolved.probe === undefined ? undefined : new Prober(resolved.balancer, resolved.probe, resolved.tls)
  return {
    balancer: resolved.balancer,
    handler: (request, response) => handle(core, request, response),
    upgrade: (request, socket, head) => openTunnel(core, request, socket, head),
    getStats: () => ({ ...core.counts }),
    async close({ graceMs = 5_000 } = {}) {
      await Promise.all([prober?.close(), core.close(graceMs)])
    },
  }
}

/** Connections of which nothing more is read. Node hands on the requests that came with the one that was refused. */
const refused = new WeakSet<object>()

function handle(core: ProxyCore, request: IncomingMessage, response: ServerResponse): void {
  if (refused.has(request.socket)) {
    response.destroy()
    return
  }
  core.counts.requests += 1
  core.budget.earn()
  const parsed = requestHeaders(request, core.options.trustedHops)
  const target = requestTarget(request)
  const status = refusalOf(core, parsed, target)
  if (status === undefined && target.path !== undefined) send(core, request, response, parsed, target.path)
  else {
    core.counts.failed += 1
    // What comes after a request that cannot be read is not to be read either.
    if (status !== 503) {
      response.shouldKeepAlive = false
      refused.add(request.socket)
    }
    refuse(request, response, status ?? 400)
  }
}

/** Why a request is not passed on. */
function refusalOf(core: ProxyCore, { isMalformed, contentLength = 0 }: RequestHeaders, target: RequestTarget): number | undefined {
  if (isMalformed) return 400
  if (target.status !== undefined) return target.status
  if (core.isClosed) return 503
  return contentLength > core.options.maxBodyBytes ? 413 : undefined
}

function send(
  core: ProxyCore,
  request: IncomingMessage,
  response: ServerResponse,
  { headers, contentLength = 0, isChunked, clientIp }: RequestHeaders,
  path: string,
): void {
  const { maxBodyBytes, maxBufferedBytes } = core.options
  const hasBody = isChunked || contentLength > 0
  if (hasBody && request.readableDidRead) {
    core.counts.failed += 1
    warnOfReadBody()
    refuse(request, response, 500)
    return
  }
  const method = (request.method ?? 'GET') as Dispatcher.HttpMethod
  const exchangeOf = (body: Buffer | Readable | null) => {
    const exchange = new Exchange(core, request, response, { path, method, headers, body, reset: false }, clientIp)
    response.on('close', () => {
      if (!response.writableFinished) exchange.cancel()
    })
    return exchange
  }
  if (!hasBody) exchangeOf(null).start()
  else if (!isChunked && contentLength <= maxBufferedBytes && isIdempotent(method)) {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => exchangeOf(Buffer.concat(chunks)).start())
    request.on('error', () => {})
  } else if (isChunked && maxBodyBytes !== Number.POSITIVE_INFINITY) {
    const limited: BodyLimit = new BodyLimit(maxBodyBytes, () => {
      exchange.bodyError = 413
    })
    const exchange = exchangeOf(limited)
    pipeline(request, limited, () => {})
    exchange.start()
  } else exchangeOf(request).start()
}

let isWarned = false

function warnOfReadBody(): void {
  if (isWarned) return
  isWarned = true
  process.emitWarning('A proxy was given a request whose body had been read: put it before what reads bodies. It answers 500.', {
    type: 'SluiceWarning',
  })
}
