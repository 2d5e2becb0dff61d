import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { ServerNode } from '@sluice/core'
import type { Dispatcher } from 'undici'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { ProxyCore } from './proxy-core.ts'
import { refuse } from './refuse.ts'

/** Methods that may be carried out twice. Source: RFC 9110, section 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

/** One request of a client, with all that is tried to answer it. */
export class Exchange implements AttemptOwner {
  bodyError: 413 | undefined
  #attempt: Attempt | undefined
  #attempts = 0
  #lastStatus = 502
  #isOver = false
  #isGone = false

  constructor(
    private readonly core: ProxyCore,
    private readonly request: IncomingMessage,
    readonly response: ServerResponse,
    private readonly options: Dispatcher.DispatchOptions & { readonly body: Buffer | Readable | null },
    private readonly clientIp: string,
  ) {}

  get method(): string {
    return this.options.method
  }

  get isUploadCut(): boolean {
    return this.request.destroyed && !this.request.complete
  }

  start(except?: ServerNode): void {
    const lease = this.core.acquire(this.clientIp, except)
    if (lease === null) {
      if (except === undefined) this.core.counts.noNode += 1
      this.finish(except === undefined ? 503 : this.#lastStatus)
      return
    }
    this.#attempts += 1
    const upstream = this.core.upstreamOf(lease.node)
    const attempt = new Attempt(this, upstream, lease, this.core.now)
    this.#attempt = attempt
    upstream.add(attempt, this.core.now())
    try {
      upstream.pool.dispatch(this.options, attempt)
    } catch (error) {
      attempt.onResponseError(undefined as never, error as Error)
    }
  }

  failed({ upstream: { node }, isSent }: Attempt, status: number): void {
    this.#lastStatus = status
    const { maxAttempts } = this.core.options.retry
    const isOpen = !this.response.headersSent && !this.#isGone && this.#attempts < maxAttempts
    const isWanted = isOpen && (!isSent || this.isReplayable) && !this.core.isClosed
    if (isWanted && this.core.budget.take()) {
      this.core.counts.retries += 1
      this.start(node)
      return
    }
    if (isWanted) this.core.counts.withoutBudget += 1
    this.finish(status)
  }

  get isReplayable(): boolean {
    return isIdempotent(this.method) && (this.options.body === null || Buffer.isBuffer(this.options.body))
  }

  ended(): void {
    this.#isOver = true
  }

  finish(status: number): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#isGone || this.response.headersSent) {
      this.response.destroy()
      return
    }
    this.core.counts.failed += 1
    refuse(this.request, this.response, status)
  }

  /** The client is gone: nothing is wanted any more. */
  cancel(): void {
    if (this.#isOver) return
    this.#isGone = true
    this.#isOver = true
    this.#attempt?.cancel()
  }

  recordAnswer(node: ServerNode, ms: number, status: number): void {
    this.core.record(node, ms, status)
  }

  recordFailure(node: ServerNode, ms: number): void {
    this.core.record(node, ms, 0)
  }
}
