import type { ServerNode } from '@sluice/core'
import { MAX_TIMER_MS } from '@sluice/core/siblings'
import { type buildConnector, Pool } from 'undici'
import type { NodeTlsOptions } from './proxy-options.ts'
import type { ResolvedProxyOptions } from './resolve-proxy-options.ts'

/**
 * Less than the 5 s after which Node's servers close an idle connection: a request could otherwise arrive
 * while the connection closes.
 */
const KEEP_ALIVE_MS = 4_000
const MAX_HEADER_BYTES = 16_384
/** A node counts as hung if it takes this many times its usual response time. */
const HANG_FACTOR = 10
/** A single slow request does not show that a node hangs. */
const MIN_WAITING = 2
/** Consecutive requests that other nodes answered first. This suggests that the node no longer responds. */
const MIN_LOST = 5

/** An attempt in flight at a node. */
export interface PendingAttempt {
  /** Index in the attempts of its node. */
  place: number
  readonly hasAnswer: boolean
  /** Whether the request may be sent to another node although this one may have executed it. */
  readonly isRescuable: boolean
  /** Stops waiting: the request goes to another node. */
  rescue(): void
}

/** A node with its connections and the attempts in flight there. */
export class Upstream {
  readonly pool: Pool
  /** Attempts in flight, in no particular order. */
  readonly attempts: PendingAttempt[] = []
  /** Number of attempts that have no response yet. */
  #waiting = 0
  /** When a response last began, or when the node last went from 0 to 1 waiting attempts. */
  #progressAt = 0
  /** Requests since the node's last response that other nodes answered first. */
  #lost = 0
  #lostSince = 0

  constructor(
    readonly node: ServerNode,
    { tls, connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs }: ResolvedProxyOptions,
  ) {
    this.pool = new Pool(originOf(node, tls), {
      // Never more requests than connections: the balancer counts them, and none waits in a queue that it
      // cannot see.
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

  /** A response began. */
  answered(now: number): void {
    this.#waiting -= 1
    this.#progressAt = now
    this.#lost = 0
  }

  /** Another node responded first. */
  lost(now: number): void {
    if (this.#lost === 0) this.#lostSince = now
    this.#lost += 1
  }

  remove(attempt: PendingAttempt): void {
    if (!attempt.hasAnswer) this.#waiting -= 1
    const last = this.attempts.pop()
    if (last === undefined || last === attempt) return
    this.attempts[attempt.place] = last
    last.place = attempt.place
  }

  /** Whether the node has sent no response for too long although it has several requests. */
  hangs(now: number, hangTimeoutMs: number): boolean {
    const boundMs = Math.max(hangTimeoutMs, HANG_FACTOR * this.node.responseTime)
    if (this.#waiting >= MIN_WAITING && now - this.#progressAt > boundMs) return true
    return this.#waiting > 0 && this.#lost >= MIN_LOST && now - this.#lostSince > boundMs
  }
}

export function originOf(node: ServerNode, tls: NodeTlsOptions | undefined): string {
  return `${tls === undefined ? 'http' : 'https'}://${node.id}`
}

export function connectOptions(
  timeout: number,
  tls: NodeTlsOptions | undefined,
): buildConnector.BuildOptions {
  const { ca, ...rest } = tls ?? {}
  return {
    timeout: Math.min(MAX_TIMER_MS, timeout),
    ...rest,
    ...(ca === undefined ? {} : { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }),
  }
}
