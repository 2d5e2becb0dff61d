import type { BalancingStrategy, LoadBalancingEngine, NodeOptions, RegionOptions } from '@sluice/core'
import type { RateLimitOptions, ShedOptions } from './admission/admission-options.ts'
import type { ForwardedStyle } from './headers/forwarding.ts'
import type { HedgeOptions } from './hedging.ts'
import type { StickyOptions } from './sticky-cookie.ts'

/** A node to send requests to. */
export interface NodeAddress extends NodeOptions {
  readonly host: string
  readonly port: number
}

export interface ProbeOptions {
  /**
   * Path of the request, such as `/health`. A node is healthy if it responds with a status from 200 to 299.
   */
  readonly path: string
  /**
   * Milliseconds between two probes of a node, with 10% jitter. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly intervalMs?: number
  /**
   * Timeout of a probe, in milliseconds. Minimum: `1`.
   * @defaultValue 500
   */
  readonly timeoutMs?: number
  /**
   * Consecutive successful probes after which a node is up. Minimum: `1`.
   * @defaultValue 2
   */
  readonly up?: number
  /**
   * Consecutive failed probes after which a node is down. Minimum: `1`.
   * @defaultValue 2
   */
  readonly down?: number
}

export interface RetryOptions {
  /**
   * Maximum number of nodes that one request is sent to. From `1` to `10`.
   * @defaultValue 3
   */
  readonly maxAttempts?: number
  /**
   * Average number of retries per request: `0.2` is 1 per 5 requests. From `0` to `1`.
   * @defaultValue 0.2
   */
  readonly budget?: number
  /**
   * Maximum number of retries at the same time, regardless of the number of requests. All requests in flight
   * on a node that crashes fail together. Minimum: `0`.
   * @defaultValue 256
   */
  readonly burst?: number
}

/** TLS options for connections to nodes. */
export interface NodeTlsOptions {
  /** Certificate authorities of the nodes, in PEM format. If you omit it: those that Node trusts. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  /** The proxy's certificate and key, in PEM format, for nodes that request one. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** Expected name in the nodes' certificates. If you omit it: the node's host. */
  readonly servername?: string
}

export interface ProxyOptions {
  /** Balancer that selects nodes. Pass this or `nodes`. */
  readonly balancer?: LoadBalancingEngine
  /** Nodes, for a balancer that the proxy creates: `10.0.0.1:8080`, or an object. */
  readonly nodes?: readonly (string | NodeAddress)[]
  /**
   * Strategy of the balancer that the proxy creates.
   * @defaultValue 'peak-ewma'
   */
  readonly strategy?: BalancingStrategy
  /**
   * Selects nodes in the region of this process first, for a balancer that the proxy creates. Each node must
   * then have a `region`.
   * @defaultValue none: all nodes are equally near
   */
  readonly region?: RegionOptions
  /**
   * Active health checks of the nodes.
   * @defaultValue none: only responses determine the health of nodes
   */
  readonly probe?: ProbeOptions
  /**
   * When a request is sent to another node.
   * @defaultValue {}
   */
  readonly retry?: RetryOptions
  /**
   * Sends a request to a second node if the first one takes too long. The first response is used. Applies to
   * `GET`, `HEAD` and `OPTIONS` without a body, from clients that are not sticky.
   * @defaultValue false
   */
  readonly hedge?: boolean | HedgeOptions
  /**
   * If a node with at least 2 requests in flight sends no response for this many milliseconds, and for 10
   * times its usual response time, it counts as hung. Its requests are sent to other nodes if that is safe.
   * `false`: never. Minimum: `50`.
   * @defaultValue 1000
   */
  readonly hangTimeoutMs?: number | false
  /**
   * Timeout for the connection to a node, in milliseconds. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly connectTimeoutMs?: number
  /**
   * Timeout until a response begins, in milliseconds. Minimum: `1`.
   * @defaultValue 15000
   */
  readonly headersTimeoutMs?: number
  /**
   * How long a node can pause within a response, in milliseconds. Minimum: `1`.
   * @defaultValue 60000
   */
  readonly bodyTimeoutMs?: number
  /**
   * How long a client can stop reading a response, in milliseconds. Minimum: `1`.
   * @defaultValue 60000
   */
  readonly sendTimeoutMs?: number
  /**
   * Maximum size of a request body that is buffered so that it can be sent again, in bytes. Idempotent
   * requests only. Minimum: `0`.
   * @defaultValue 65536
   */
  readonly maxBufferedBytes?: number
  /**
   * Maximum size of a request body, in bytes. Larger ones receive 413. Minimum: `0`.
   * @defaultValue no limit
   */
  readonly maxBodyBytes?: number
  /**
   * Number of trusted proxies in front of this one, whose headers about the client are used. `0`: these
   * headers, such as `X-Forwarded-*` and `Client-Cert`, are removed. From `0` to `10`.
   * @defaultValue 0
   */
  readonly trustedHops?: number
  /**
   * Headers that report the client to nodes, and are trusted from `trustedHops`: `X-Forwarded-For`, `-Host`
   * and `-Proto`, or `Forwarded`. Other headers that report an address, a host or a protocol are removed with
   * `'forwarded'`.
   * @defaultValue 'x-forwarded'
   */
  readonly forwarded?: ForwardedStyle
  /**
   * Keeps each client on one node, with a cookie, as long as the node is available.
   * @defaultValue false
   */
  readonly sticky?: boolean | StickyOptions
  /**
   * Protocols that clients can upgrade to. Others receive 400. With `h2c`, a node accepts requests in the
   * connection that the proxy does not see.
   * @defaultValue ['websocket']
   */
  readonly upgrades?: readonly string[]
  /**
   * Proves to nodes that requests come from this proxy: a secret of at least 16 characters, or several, of
   * which the first is used. Nodes verify it with `requireNodeAuth`.
   * @defaultValue none
   */
  readonly nodeAuth?: string | readonly string[]
  /**
   * Limits the requests of a client. Additional ones receive 429 with `Retry-After`.
   * @defaultValue no limit
   */
  readonly rateLimit?: RateLimitOptions
  /**
   * Maximum number of requests and WebSockets of a client in flight. Additional ones receive 429. Minimum:
   * `1`.
   * @defaultValue no limit
   */
  readonly maxConcurrentPerClient?: number
  /**
   * Maximum number of open connections of a client. Additional ones are closed immediately. Requires
   * `server.on('connection', proxy.connection)`. Do not use it behind another proxy: all connections come
   * from that proxy. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxConnectionsPerClient?: number
  /**
   * Rejects requests with 503 while the process is overloaded, before all requests become too slow.
   * @defaultValue false
   */
  readonly shed?: boolean | ShedOptions
  /**
   * Uses TLS to nodes. `{}`: with the certificate authorities that Node trusts.
   * @defaultValue none: plain HTTP
   */
  readonly tls?: NodeTlsOptions
}
