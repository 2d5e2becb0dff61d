import type { ServerResponse } from 'node:http'
import type { NodeLease, ServerNode } from '@sluice/core'
import { setLongTimeout } from '@sluice/core/siblings'
import type { Dispatcher } from 'undici'
import { rawHeadersOf, rawTrailersOf, responseHeaders } from './headers/header-kinds.ts'
import { endAtOnce, isPlainResponse, MAX_AT_ONCE } from './small-responses.ts'
import type { PendingAttempt, Upstream } from './upstream.ts'

/**
 * Maximum bytes that wait for the end of the event-loop tick. Only then is it known whether the client is
 * slow.
 */
const MAX_UNSENT = 131_072
const CONTENT_LENGTH = /^content-length$/i
/** Errors of undici for a request that it does not send. They do not count as failures of the node. */
const OWN_FAULTS = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_NOT_SUPPORTED',
])
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
/** The node was removed in the meantime. */
const REMOVED = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'])

/** The exchange that an attempt belongs to. It receives the outcome. */
export interface AttemptOwner {
  readonly method: string
  readonly response: ServerResponse
  /**
   * Whether the request can be sent again although a node may have executed it, and its whole body is
   * available.
   */
  readonly isReplayable: boolean
  /** The client disconnected while it was sending its request. */
  readonly isUploadCut: boolean
  /** How long a client can stop reading a response, in milliseconds. */
  readonly sendTimeoutMs: number
  /** The status for a client whose request body cannot be read to its end. */
  readonly bodyError: number | undefined
  /** Adds the proxy's headers to those of a response. */
  decorate(headers: string[], node: ServerNode): void
  /** Returns whether a response is sent to the client. If so, other attempts in flight are canceled. */
  takes(attempt: Attempt, status: number): boolean
  recordAnswer(node: ServerNode, ms: number, status: number): void
  recordFailure(node: ServerNode, ms: number): void
  recordAbandoned(node: ServerNode, ms: number): void
  /** The attempt failed. Another node may succeed. */
  failed(attempt: Attempt, status: number): void
  /** Responds instead of a node. If a response has begun, interrupts it. */
  finish(status: number): void
  /** The client is connected but no longer reads. */
  clientStalled(): void
  /** The response is complete. */
  ended(): void
}

/** One attempt to send a request to a node. */
export class Attempt implements Dispatcher.DispatchHandler, PendingAttempt {
  /** Index in the attempts of its node. */
  place = 0
  /** Whether the node may have received part of the request. */
  isSent = false
  hasAnswer = false
  #controller: Dispatcher.DispatchController | undefined
  #drainTimer: ReturnType<typeof setTimeout> | undefined
  /** Chunks wait for the end of the event-loop tick. */
  #isCorked = false
  #isSettled = false
  #status = 0
  /**
   * Size of the response in bytes if it is known and may be sent in one write; -1: otherwise; -2: it was
   * sent.
   */
  #whole = -1
  readonly #startedAt: number

  constructor(
    private readonly exchange: AttemptOwner,
    readonly upstream: Upstream,
    private readonly lease: NodeLease,
    private readonly now: () => number,
  ) {
    this.#startedAt = now()
  }

  /** Whether the request may be sent to another node although this one may have executed it. */
  get isRescuable(): boolean {
    return !this.isSent || this.exchange.isReplayable
  }

  /** Stops waiting: the request goes to another node. */
  rescue(): void {
    if (!this.#settle()) return
    this.#controller?.abort(new Error('The node does not respond.'))
    this.exchange.failed(this, 504)
  }

  /** Aborts the attempt because its result is no longer needed. */
  cancel(): void {
    if (this.#settle()) this.#controller?.abort(new Error('The client disconnected.'))
  }

  /** Aborts the attempt because another node has responded. */
  lose(): void {
    if (!this.#settle()) return
    this.#controller?.abort(new Error('Another node responded first.'))
    const now = this.now()
    this.upstream.lost(now)
    this.exchange.recordAbandoned(this.upstream.node, now - this.#startedAt)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isSettled) controller.abort(new Error('The request was aborted.'))
    else this.isSent = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // Informational responses such as early hints are not forwarded.
    if (this.#isSettled || status < 200) return
    const { response, method } = this.exchange
    this.#status = status
    this.#answered(status)
    if (!this.exchange.takes(this, status)) {
      if (this.#settle()) controller.abort(new Error('The request is retried on another node.'))
      return
    }
    const headers = responseHeaders(rawHeadersOf(controller))
    this.exchange.decorate(headers, this.upstream.node)
    if (status !== 304 && method !== 'HEAD') this.#whole = lengthOf(headers)
    try {
      response.writeHead(status, headers)
    } catch {
      if (!this.#settle()) return
      controller.abort(new Error('The headers of the response cannot be sent.'))
      this.exchange.finish(502)
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return
    const { response } = this.exchange
    if (chunk.length === this.#whole && chunk.length <= MAX_AT_ONCE) {
      this.#whole = -2
      endAtOnce(response, chunk)
      return
    }
    const isPlain = isPlainResponse(response)
    // A large chunk is rarely the last one of this event-loop tick.
    if (isPlain && chunk.length > MAX_AT_ONCE) this.#cork(controller)
    if (response.write(chunk)) return
    if (isPlain) this.#cork(controller)
    if (!isPlain || response.writableLength > MAX_UNSENT) this.#pause(controller)
  }

  /**
   * Sends all chunks of this event-loop tick in one write. If the kernel does not take all of them, the
   * client is slow.
   */
  #cork(controller: Dispatcher.DispatchController): void {
    if (this.#isCorked) return
    this.#isCorked = true
    const { response } = this.exchange
    const { socket } = response
    socket?.cork()
    setImmediate(() => {
      this.#isCorked = false
      socket?.uncork()
      // A response whose stream still accepts data emits no `drain`, and the amount that it buffers is
      // bounded.
      const isSlow = response.writableNeedDrain || response.writableEnded
      if (isSlow && response.writableLength > 0 && !response.destroyed) this.#pause(controller)
    })
  }

  /** Stops reading from the node until the client has taken everything. */
  #pause(controller: Dispatcher.DispatchController): void {
    if (this.#drainTimer !== undefined) return
    const { response } = this.exchange
    if (!this.#isSettled) controller.pause()
    // If a client vanishes without closing its connection, it would hold that connection and the node's
    // forever.
    this.#drainTimer = setLongTimeout(() => this.exchange.clientStalled(), this.exchange.sendTimeoutMs)
    this.#drainTimer.unref()
    const done = () => {
      response.off('drain', done).off('close', done)
      clearTimeout(this.#drainTimer)
      this.#drainTimer = undefined
      controller.resume()
    }
    // A response that has ended emits no `drain`.
    response.on('drain', done).on('close', done)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#settle()) return
    const { response } = this.exchange
    this.exchange.ended()
    const raw = rawTrailersOf(controller)
    const trailers: [string, string][] = []
    for (let i = 0; i < raw.length; i += 2) trailers.push([raw[i] as string, raw[i + 1] as string])
    if (trailers.length > 0) response.addTrailers(trailers)
    if (this.#whole !== -2) response.end()
  }

  onResponseError(
    _controller: Dispatcher.DispatchController,
    error: Error & { readonly code?: string },
  ): void {
    if (!this.#settle()) return
    const { code = '' } = error
    // undici compares the length of a body that a 304 does not have.
    if (this.#status === 304 && code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
      this.exchange.ended()
      this.exchange.response.end()
      return
    }
    if (this.exchange.bodyError !== undefined) {
      this.exchange.finish(this.exchange.bodyError)
      return
    }
    if (OWN_FAULTS.has(code) || this.exchange.isUploadCut) {
      this.exchange.finish(400)
      return
    }
    if (!REMOVED.has(code)) this.exchange.recordFailure(this.upstream.node, this.now() - this.#startedAt)
    this.exchange.failed(this, TIMEOUTS.has(code) ? 504 : 502)
  }

  #answered(status: number): void {
    const now = this.now()
    this.hasAnswer = true
    this.upstream.answered(now)
    this.exchange.recordAnswer(this.upstream.node, now - this.#startedAt, status)
  }

  #settle(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.upstream.remove(this)
    this.lease.release()
    return true
  }
}

function lengthOf(headers: readonly string[]): number {
  for (let i = 0; i < headers.length; i += 2)
    if (CONTENT_LENGTH.test(headers[i] as string)) return Number(headers[i + 1])
  return -1
}
