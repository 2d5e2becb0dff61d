import type { ServerNode } from '@sluice/core'
import { Pool } from 'undici'
import { connectOptions, originOf } from './node-connection.ts'
import type { ResolvedProxyOptions } from './proxy-options.ts'

/** Below the 5 s after which Node's own servers close a connection that is not used: a request could meet the end of it. */
const KEEP_ALIVE_MS = 4_000
const MAX_HEADER_BYTES = 16_384

/** What is under way at a node. */
export interface PendingAttempt {
  /** Among those of its node. */
  place: number
  readonly hasAnswer: boolean
  /** Whether it may be sent to another node though this one may have carried it out. */
  readonly isRescuable: boolean
  /** Gives up waiting: the request goes to another node. */
  rescue(): void
}

/** A node with the connections to it, and what is under way there. */
export class Upstream {
  readonly pool: Pool
  /** What is under way; in no order. */
  readonly attempts: PendingAttempt[] = []
  /** How many of them have no answer yet. */
  waiting = 0
  /** When an answer began the last time, or there was something to wait for again. */
  progressAt = 0

  constructor(
    readonly node: ServerNode,
    { tls, connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs }: ResolvedProxyOptions,
  ) {
    this.pool = new Pool(originOf(node, tls), {
      // Never more requests than connections: the balancer counts, and nothing waits in a queue where it cannot be seen.
      connections: node.maxConnections,
      pipelining: 1,
      connect: connectOptions(connectTimeoutMs, tls),
      headersTimeout: headersTimeoutMs,
      bodyTimeout: bodyTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: 60_000,
      maxHeaderSize: MAX_HEADER_BYTES,
      strictContentLength: true,
      allowH2: false,
    })
  }

  add(attempt: PendingAttempt, now: number): void {
    if (this.waiting === 0) this.progressAt = now
    this.waiting += 1
    attempt.place = this.attempts.push(attempt) - 1
  }

  remove(attempt: PendingAttempt): void {
    const last = this.attempts.pop()
    if (last === undefined || last === attempt) return
    this.attempts[attempt.place] = last
    last.place = attempt.place
  }
}
