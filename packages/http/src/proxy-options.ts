import type { BalancingStrategy, LoadBalancingEngine } from '@sluice/core'
import type { RateLimitOptions, ShedOptions } from './admission/admission-options.ts'
import type { ForwardedStyle } from './headers/forwarding.ts'
import type { HedgeOptions } from './hedging.ts'
import type { StickyOptions } from './sticky-cookie.ts'

/** A node to send requests to. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
  /** @defaultValue 1 */
  readonly weight?: number
  /** @defaultValue 1000 */
  readonly maxConnections?: number
}

export interface ProbeOptions {
  /** What is asked for: `/health`. A node is good when it answers with a status from 200 to 299. */
  readonly path: string
  /**
   * Milliseconds between two probes of a node; a tenth more or less, by chance. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly intervalMs?: number
  /**
   * Milliseconds that a node has to answer. Minimum: `1`.
   * @defaultValue 500
   */
  readonly timeoutMs?: number
  /**
   * Good probes in a row after which a node is up. Minimum: `1`.
   * @defaultValue 2
   */
  readonly up?: number
  /**
   * Bad probes in a row after which a node is down. Minimum: `1`.
   * @defaultValue 2
   */
  readonly down?: number
}

export interface RetryOptions {
  /**
   * Nodes that one request is sent to, at most. From `1` to `10`.
   * @defaultValue 3
   */
  readonly maxAttempts?: number
  /**
   * Retries for each request, on average: `0.2` is one for five. From `0` to `1`.
   * @defaultValue 0.2
   */
  readonly budget?: number
  /**
   * Retries that may be made at once, however few requests there were: all that was under way on a node that dies fails together. Minimum: `0`.
   * @defaultValue 256
   */
  readonly burst?: number
}

/** How nodes are spoken to over TLS. */
export interface NodeTlsOptions {
  /** The certificates that those of nodes must come from; left out: those that Node knows. PEM. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  /** The proxy's own certificate and key, for nodes that ask for one. PEM. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** The name that certificates of nodes must have; left out: the node's host. */
  readonly servername?: string
}

export interface ProxyOptions {
  /** Who chooses nodes. Give this, or `nodes`. */
  readonly balancer?: LoadBalancingEngine
  /** The nodes, for a balancer of the proxy's own: `10.0.0.1:8080`, or an object. */
  readonly nodes?: readonly (string | NodeAddress)[]
  /**
   * How the proxy's own balancer chooses.
   * @defaultValue 'peak-ewma'
   */
  readonly strategy?: BalancingStrategy
  /**
   * Asks nodes by itself whether they are well.
   * @defaultValue none: nodes are judged by their answers alone
   */
  readonly probe?: ProbeOptions
  /**
   * When a request is sent to another node.
   * @defaultValue {}
   */
  readonly retry?: RetryOptions
  /**
   * Asks a second node when the first takes longer than it should: `GET`, `HEAD` and `OPTIONS` without a body, of clients that stay with no node. The first answer
   * counts.
   * @defaultValue false
   */
  readonly hedge?: boolean | HedgeOptions
  /**
   * Milliseconds without any answer after which a node with two requests or more is taken for hung, at least; ten times its usual time, if that is
   * more. Its requests are sent to others where that is safe. `false`: never. Minimum: `50`.
   * @defaultValue 1000
   */
  readonly stallMs?: number | false
  /**
   * Milliseconds for the connection to a node. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly connectTimeoutMs?: number
  /**
   * Milliseconds until an answer begins. Minimum: `1`.
   * @defaultValue 15000
   */
  readonly headersTimeoutMs?: number
  /**
   * Milliseconds without a byte of an answer that has begun. Minimum: `1`.
   * @defaultValue 60000
   */
  readonly bodyTimeoutMs?: number
  /**
   * Milliseconds that a client may take nothing of an answer that is there. Minimum: `1`.
   * @defaultValue 60000
   */
  readonly sendTimeoutMs?: number
  /**
   * Bytes of a request's body that are kept, so that it can be sent again; of idempotent requests only. Minimum: `0`.
   * @defaultValue 65536
   */
  readonly maxBufferedBytes?: number
  /**
   * Bytes that a request's body may have; larger ones are answered with 413. Minimum: `0`.
   * @defaultValue no limit
   */
  readonly maxBodyBytes?: number
  /**
   * Proxies in front of this one whose `X-Forwarded-*` are true. `0`: what clients send there is dropped. From `0` to `10`.
   * @defaultValue 0
   */
  readonly trustedHops?: number
  /**
   * Which headers tell nodes where a request came from, and are believed from `trustedHops`: `X-Forwarded-For`, `-Host` and `-Proto`, or `Forwarded`. Those of the other
   * kind are dropped.
   * @defaultValue 'x-forwarded'
   */
  readonly forwarded?: ForwardedStyle
  /**
   * Keeps each client with one node, by a cookie, for as long as that node can be used.
   * @defaultValue false
   */
  readonly sticky?: boolean | StickyOptions
  /**
   * Protocols that clients may upgrade to; others are answered with 400. A node that speaks `h2c` takes requests in it that the proxy does not see.
   * @defaultValue ['websocket']
   */
  readonly upgrades?: readonly string[]
  /**
   * Proves to nodes that requests come from this proxy: a secret of at least 16 characters that nodes check with `requireNodeAuth`, or several, the first of which is used.
   * @defaultValue none
   */
  readonly nodeAuth?: string | readonly string[]
  /**
   * Requests that a client may send; more are answered with 429 and `Retry-After`.
   * @defaultValue no limit
   */
  readonly rateLimit?: RateLimitOptions
  /**
   * Requests and WebSockets that a client may have under way; more are answered with 429. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxConcurrentPerClient?: number
  /**
   * Connections that a client may have open; more are closed at once. It needs `server.on('connection', proxy.connection)`. Not behind another proxy: all connections
   * are of that one. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxConnectionsPerClient?: number
  /**
   * Refuses requests with 503 while the process is late, before it becomes too late for all.
   * @defaultValue false
   */
  readonly shed?: boolean | ShedOptions
  /**
   * Speaks TLS with nodes; `{}` with the certificates that Node knows.
   * @defaultValue none: plain HTTP
   */
  readonly tls?: NodeTlsOptions
}
