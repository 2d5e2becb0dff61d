import type { ServerNode } from '@sluice/core'
import { type buildConnector, Pool } from 'undici'
import type { NodeTlsOptions } from './proxy-options.ts'
import type { ResolvedProxyOptions } from './resolve-proxy-options.ts'

/** Below the 5 s after which Node's own servers close a connection that is not used: a request could meet the end of it. */
const KEEP_ALIVE_MS = 4_000
const MAX_HEADER_BYTES = 16_384
/** A node hangs when it takes so many times longer than it does. */
const STALL_FACTOR = 10
/** One slow request is one slow request. */
const MIN_WAITING = 2
/** Requests in a row that others answered first: it looks as if this one answered nothing any more. */
const MIN_LOST = 5

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
  #waiting = 0
  /** When an answer began the last time, or there was something to wait for again. */
  #progressAt = 0
  /** Requests since its last answer that other nodes answered first. */
  #lost = 0
  #lostSince = 0

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
    if (this.#waiting === 0) this.#progressAt = now
    this.#waiting += 1
    attempt.place = this.attempts.push(attempt) - 1
  }

  /** An answer began. */
  answered(now: number): void {
    this.#waiting -= 1
    this.#progressAt = now
    this.#lost = 0
  }

  /** Another node answered first. */
  lost(now: number): void {
    if (this.#lost === 0) this.#lostSince = now
    this.#lost += 1
  }

  /** What is over is not waited for any more. */
  remove(attempt: PendingAttempt): void {
    if (!attempt.hasAnswer) this.#waiting -= 1
    const last = this.attempts.pop()
    if (last === undefined || last === attempt) return
    this.attempts[attempt.place] = last
    last.place = attempt.place
  }

  /** Whether it has answered nothing for so long, though it was asked more than once. */
  hangs(now: number, stallMs: number): boolean {
    const boundMs = Math.max(stallMs, STALL_FACTOR * this.node.responseTime)
    if (this.#waiting >= MIN_WAITING && now - this.#progressAt > boundMs) return true
    return this.#waiting > 0 && this.#lost >= MIN_LOST && now - this.#lostSince > boundMs
  }
}

export function originOf(node: ServerNode, tls: NodeTlsOptions | undefined): string {
  return `${tls === undefined ? 'http' : 'https'}://${node.id}`
}

/** How connections to nodes are made. */
export function connectOptions(timeout: number, tls: NodeTlsOptions | undefined): buildConnector.BuildOptions {
  const { ca, ...rest } = tls ?? {}
  return { timeout, ...rest, ...(ca === undefined ? {} : { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }) }
}
