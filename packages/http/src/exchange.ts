import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { NodeLease, ServerNode } from '@sluice/core'
import { setLongTimeout } from '@sluice/core/siblings'
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
  /** The nodes that it was sent to. */
  readonly #tried: ServerNode[] = []
  #lastStatus = 502
  #isOver = false
  #isDisconnected = false
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

  start(): void {
    const lease = this.core.acquire(this.client.ip, this.#tried, this.client.home)
    const isFirst = this.#tried.length === 0
    if (lease === null) {
      if (isFirst) this.core.counts.noNode += 1
      this.finish(isFirst ? 503 : this.#lastStatus)
      return
    }
    this.#send(lease)
    if (isFirst && this.core.hedging !== undefined) this.#hedgeLater()
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
    const isOpen = !this.response.headersSent && !this.#isDisconnected && this.#tried.length < maxAttempts
    const isAllowed = isOpen && (!attempt.isSent || this.isReplayable) && !this.core.isClosed
    if (isAllowed && this.core.budget.take()) {
      this.core.counts.retries += 1
      this.start()
      return
    }
    if (isAllowed) this.core.counts.withoutBudget += 1
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
    if (this.#isDisconnected || this.response.headersSent) {
      this.response.destroy()
      return
    }
    this.core.counts.failed += 1
    refuse(this.request, this.response, status)
  }

  /** The client disconnected: no result is needed. */
  cancel(): void {
    if (this.#isOver) return
    this.#isDisconnected = true
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
    this.#tried.push(lease.node)
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

  #hedgeLater(): void {
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
    this.#hedgeTimer = setLongTimeout(() => this.#hedge(), afterMs)
    this.#hedgeTimer.unref()
  }

  #hedge(): void {
    this.#hedgeTimer = undefined
    const { core } = this
    if (this.#isOver || core.isClosed || this.#tried.length >= core.options.retry.maxAttempts) return
    if (core.hedging?.take() !== true) return
    const lease = core.acquire(this.client.ip, this.#tried, undefined)
    if (lease === null) return
    core.counts.hedges += 1
    this.#send(lease)
  }

  #stopHedging(): void {
    clearTimeout(this.#hedgeTimer)
    this.#hedgeTimer = undefined
  }
}
