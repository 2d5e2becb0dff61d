import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { NodeLease, ServerNode } from '@sluice/core'
import type { Dispatcher } from 'undici'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { ProxyCore } from './proxy-core.ts'
import { refuse } from './small-responses.ts'

/** Methods that may be executed twice. Source: RFC 9110, section 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
/** Methods that modify nothing. Source: RFC 9110, section 9.2.1. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

/** The request that is sent to nodes. */
export type ExchangeRequest = Dispatcher.DispatchOptions & { readonly body: Buffer | Readable | null }

/** The client of a request. */
export interface Client {
  readonly ip: string
  readonly isTls: boolean
  /** The node that the client is assigned to. */
  readonly home: ServerNode | undefined
}

/** One request of a client, with all attempts to answer it. */
export class Exchange implements AttemptOwner {
  bodyError: 413 | undefined
  /** Attempts in flight. There are 2 only while the request is hedged. */
  #open: Attempt[] = []
  #attempts = 0
  #lastStatus = 502
  #isOver = false
  #isGone = false
  #hedgeTimer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly core: ProxyCore,
    private readonly request: IncomingMessage,
    readonly response: ServerResponse,
    private readonly options: ExchangeRequest,
    private readonly client: Client,
  ) {}

  get method(): string {
    return this.options.method
  }

  get isUploadCut(): boolean {
    return this.request.destroyed && !this.request.complete
  }

  get isReplayable(): boolean {
    return isIdempotent(this.method) && (this.options.body === null || Buffer.isBuffer(this.options.body))
  }

  get sendTimeoutMs(): number {
    return this.core.options.sendTimeoutMs
  }

  start(except?: ServerNode): void {
    const lease = this.core.acquire(this.client.ip, except, this.client.home)
    if (lease === null) {
      if (except === undefined) this.core.counts.noNode += 1
      this.finish(except === undefined ? 503 : this.#lastStatus)
      return
    }
    const isFirst = this.#attempts === 0
    this.#send(lease)
    if (isFirst && this.core.hedging !== undefined) this.#hedgeLater(lease.node)
  }

  takes(attempt: Attempt, status: number): boolean {
    this.#stopHedging()
    if (this.#open.length === 1) return true
    const others = this.#open.filter((one) => one !== attempt)
    if (status >= 500) {
      this.#open = others
      return false
    }
    this.#open = [attempt]
    for (const other of others) other.lose()
    return true
  }

  failed(attempt: Attempt, status: number): void {
    this.#stopHedging()
    this.#lastStatus = status
    this.#open = this.#open.filter((one) => one !== attempt)
    if (this.#open.length > 0) return
    const { maxAttempts } = this.core.options.retry
    const isOpen = !this.response.headersSent && !this.#isGone && this.#attempts < maxAttempts
    const isWanted = isOpen && (!attempt.isSent || this.isReplayable) && !this.core.isClosed
    if (isWanted && this.core.budget.take()) {
      this.core.counts.retries += 1
      this.start(attempt.upstream.node)
      return
    }
    if (isWanted) this.core.counts.withoutBudget += 1
    this.finish(status)
  }

  ended(): void {
    this.#isOver = true
  }

  finish(status: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopHedging()
    // If one attempt finds that the request itself is invalid, no other attempt may answer it.
    for (const attempt of this.#open) attempt.cancel()
    if (this.#isGone || this.response.headersSent) {
      this.response.destroy()
      return
    }
    this.core.counts.failed += 1
    refuse(this.request, this.response, status)
  }

  /** The client disconnected: no result is needed. */
  cancel(): void {
    if (this.#isOver) return
    this.#isGone = true
    this.#isOver = true
    this.#stopHedging()
    for (const attempt of this.#open) attempt.cancel()
  }

  clientStalled(): void {
    this.cancel()
    this.response.destroy()
  }

  decorate(headers: string[], node: ServerNode): void {
    const cookie = this.core.sticky?.header(this.client.home, node, this.client.isTls)
    if (cookie !== undefined) headers.push('set-cookie', cookie)
  }

  recordAnswer(node: ServerNode, ms: number, status: number): void {
    this.core.record(node, ms, status)
  }

  recordFailure(node: ServerNode, ms: number): void {
    this.core.record(node, ms, 0)
  }

  recordAbandoned(node: ServerNode, ms: number): void {
    this.core.recordAbandoned(node, ms)
  }

  #send(lease: NodeLease): void {
    this.#attempts += 1
    const upstream = this.core.upstreamOf(lease.node)
    const attempt = new Attempt(this, upstream, lease, this.core.now)
    this.#open.push(attempt)
    upstream.add(attempt, this.core.now())
    try {
      upstream.pool.dispatch(this.options, attempt)
    } catch (error) {
      attempt.onResponseError(undefined as never, error as Error)
    }
  }

  #hedgeLater(first: ServerNode): void {
    // Concurrent requests that modify data could be executed in the wrong order, long after the client has
    // its response.
    if (
      this.#isOver ||
      this.client.home !== undefined ||
      !SAFE.has(this.method) ||
      this.options.body !== null
    )
      return
    const afterMs = this.core.hedging?.afterMs()
    if (afterMs === undefined) return
    this.#hedgeTimer = setTimeout(() => this.#hedge(first), afterMs)
    this.#hedgeTimer.unref()
  }

  #hedge(first: ServerNode): void {
    this.#hedgeTimer = undefined
    const { core } = this
    if (this.#isOver || core.isClosed || this.#attempts >= core.options.retry.maxAttempts) return
    if (core.hedging?.take() !== true) return
    const lease = core.acquire(this.client.ip, first, undefined)
    if (lease === null) return
    core.counts.hedges += 1
    this.#send(lease)
  }

  #stopHedging(): void {
    clearTimeout(this.#hedgeTimer)
    this.#hedgeTimer = undefined
  }
}
