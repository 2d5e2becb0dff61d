import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Verdict } from './admission/admission.ts'
import { Exchange, isIdempotent } from './exchange.ts'
import { type RequestHeaders, requestHeaders } from './headers/request-headers.ts'
import { type RequestTarget, requestTarget } from './headers/request-target.ts'
import type { ProxyCore } from './proxy-core.ts'
import { refuse } from './small-responses.ts'

/**
 * Connections that are no longer read. Node still emits the requests that arrived together with the rejected
 * one.
 */
const refused = new WeakSet<object>()

/** Answers a request with the response of a node, or with an error. */
export function handleRequest(core: ProxyCore, request: IncomingMessage, response: ServerResponse): void {
  if (refused.has(request.socket)) {
    response.destroy()
    return
  }
  // Earlier middleware may have taken time, and the client may have disconnected.
  if (response.closed) return
  core.counts.requests += 1
  core.budget.earn()
  const parsed = requestHeaders(request, core.options.forwarding)
  const target = requestTarget(request)
  const status = refusalOf(core, parsed, target)
  if (status === undefined && target.path !== undefined) admit(core, request, response, parsed, target.path)
  else {
    core.counts.failed += 1
    // After a request that cannot be parsed, the rest of the connection must not be parsed either.
    if (status !== 503) {
      response.shouldKeepAlive = false
      refused.add(request.socket)
    }
    refuse(request, response, status ?? 400)
  }
}

function admit(
  core: ProxyCore,
  request: IncomingMessage,
  response: ServerResponse,
  parsed: RequestHeaders,
  path: string,
): void {
  const verdict = core.admission?.admit(request, parsed.clientIp)
  const go = (decision: Verdict) => {
    if (decision.status === undefined) {
      // The client may have disconnected while the request was counted.
      if (response.closed) decision.release()
      else {
        response.once('close', decision.release)
        send(core, request, response, parsed, path)
      }
      return
    }
    core.refused(decision.status)
    if (!response.closed) refuse(request, response, decision.status, decision.retryAfterSeconds)
  }
  if (verdict === undefined) send(core, request, response, parsed, path)
  else if (verdict instanceof Promise) verdict.then(go)
  else go(verdict)
}

/** Returns the status with which a request is rejected. */
function refusalOf(
  core: ProxyCore,
  { isMalformed, contentLength = 0 }: RequestHeaders,
  target: RequestTarget,
): number | undefined {
  if (isMalformed) return 400
  if (target.status !== undefined) return target.status
  if (core.isClosed) return 503
  return contentLength > core.options.maxBodyBytes ? 413 : undefined
}

function send(
  core: ProxyCore,
  request: IncomingMessage,
  response: ServerResponse,
  { headers, contentLength = 0, isChunked, clientIp, isTls, host }: RequestHeaders,
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
  core.sign(headers, method, path, host)
  const client = { ip: clientIp, isTls, home: core.sticky?.homeOf(request.headers.cookie) }
  const exchangeOf = (body: Buffer | Readable | null) => {
    const exchange = new Exchange(
      core,
      request,
      response,
      { path, method, headers, body, reset: false },
      client,
    )
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
  process.emitWarning(
    'A proxy received a request whose body was already read, and responds with 500. Register the proxy before body parsers.',
    {
      type: 'SluiceWarning',
      code: 'SLUICE_BODY_ALREADY_READ',
    },
  )
}

/** Passes through up to `maxBytes`, and fails on the next byte. */
class BodyLimit extends Transform {
  #left: number

  constructor(
    maxBytes: number,
    private readonly onExceeded: () => void,
  ) {
    super()
    this.#left = maxBytes
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#left -= chunk.length
    if (this.#left >= 0) callback(null, chunk)
    else {
      this.onExceeded()
      callback(new Error('The body is too long.'))
    }
  }
}
