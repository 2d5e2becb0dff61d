import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NodeLease, ServerNode } from '@sluice/core'
import { clientNetwork, plainAddress, setLongInterval, setLongTimeout } from '@sluice/core/siblings'
import { Admission, ClientCounts } from './admission/admission.ts'

import { Hedging, RetryBudget } from './hedging.ts'
import { NODE_AUTH_HEADER, signNodeRequest } from './node-auth.ts'
import type { ResolvedProxyOptions } from './resolve-proxy-options.ts'

import { StickyCookie } from './sticky-cookie.ts'
import { Upstream } from './upstream.ts'

/** Nodes of a region to which a request is sent before it is sent to another region. */
const REGION_TRIES = 2
/** Interval of the check for hung nodes. */
const LOOK_MS = 100

/** State shared by all requests of a proxy: connections to the nodes, the retry budget, counters. */
export class ProxyCore {
  readonly budget: RetryBudget
  readonly hedging: Hedging | undefined
  readonly sticky: StickyCookie | undefined
  /** `undefined`: all requests are admitted. */
  readonly admission: Admission | undefined
  readonly counts = {
    requests: 0,
    retries: 0,
    withoutBudget: 0,
    hedges: 0,
    noNode: 0,
    limited: 0,
    shed: 0,
    failed: 0,
  }
  readonly now = (): number => performance.now()
  isClosed = false
  /** Client connections that became tunnels, and a callback for when the last one has ended. */
  readonly #tunnels = new Set<Duplex>()
  #onTunnelsEnded: (() => void) | undefined
  readonly #connections: ClientCounts | undefined
  readonly #upstreams = new Map<ServerNode, Upstream>()
  readonly #removed = new WeakSet<ServerNode>()
  readonly #stops: (() => void)[]
  readonly #timer: ReturnType<typeof setInterval> | undefined

  constructor(readonly options: ResolvedProxyOptions) {
    const { balancer, retry, hedge, hangTimeoutMs } = options
    this.budget = new RetryBudget(retry.budget, retry.burst)
    this.hedging = hedge && new Hedging(balancer, hedge, this.now)
    this.sticky = options.sticky && new StickyCookie(balancer, options.sticky)
    const isLimited =
      options.rateLimit !== undefined ||
      options.shed !== undefined ||
      options.maxConcurrentPerClient < Number.POSITIVE_INFINITY
    this.admission = isLimited ? new Admission(options, this.now) : undefined
    const { maxConnectionsPerClient } = options
    this.#connections =
      maxConnectionsPerClient < Number.POSITIVE_INFINITY
        ? new ClientCounts(maxConnectionsPerClient)
        : undefined
    this.#stops = [
      balancer.on('ejected', ({ node }) => this.#rescue(node)),
      balancer.on('statusChanged', ({ node, to }) => {
        if (to === 'unhealthy') this.#rescue(node)
      }),
      balancer.on('nodeRemoved', ({ node, abandoned }) => this.#forget(node, abandoned > 0)),
    ]
    if (hangTimeoutMs !== undefined) {
      this.#timer = setLongInterval(() => this.#look(hangTimeoutMs), LOOK_MS)
      this.#timer.unref()
    }
  }

  /**
   * Acquires a connection to a node that is up and has capacity. Returns `null` once the proxy is closed:
   * connections opened after that would stay open.
   *
   * @param tried - The nodes to which the request was sent before.
   */
  acquire(clientIp: string, tried: readonly ServerNode[], prefer: ServerNode | undefined): NodeLease | null {
    if (this.isClosed) return null
    const { balancer } = this.options
    const options = prefer === undefined ? {} : { prefer }
    const except = tried.at(-1)
    if (except === undefined) return balancer.acquire(clientIp, options)
    // A region in which several nodes failed has probably failed itself.
    const isElsewhere = (node: ServerNode) =>
      node.region === undefined || tried.filter(({ region }) => region === node.region).length < REGION_TRIES
    const isUntried = (node: ServerNode) => !tried.includes(node)
    return (
      balancer.acquire(clientIp, { ...options, accepts: (node) => isUntried(node) && isElsewhere(node) }) ??
      balancer.acquire(clientIp, { ...options, accepts: isUntried }) ??
      balancer.acquire(clientIp, { ...options, except })
    )
  }

  /** Counts a rejected request. */
  refused(status: 429 | 503): void {
    this.counts.failed += 1
    if (status === 429) this.counts.limited += 1
    else this.counts.shed += 1
  }

  /** Closes a connection if its client has too many. */
  connected(socket: Socket): void {
    if (this.#connections === undefined) return
    const release = this.#connections.take(clientNetwork(plainAddress(socket.remoteAddress) ?? ''))
    if (release !== undefined) {
      socket.once('close', release)
      return
    }
    this.counts.limited += 1
    socket.destroy()
  }

  /** Registers a client connection that became a tunnel, so that it ends with the proxy. */
  tunneled(client: Duplex): void {
    this.#tunnels.add(client)
    client.once('close', () => {
      this.#tunnels.delete(client)
      if (this.#tunnels.size === 0) this.#onTunnelsEnded?.()
    })
  }

  /** Adds the proof that a request comes from this proxy. */
  sign(headers: string[], method: string, path: string, host: string): void {
    const [secret] = this.options.nodeSecrets
    if (secret === undefined) return
    headers.push(
      NODE_AUTH_HEADER,
      signNodeRequest(secret, { method, path, host }, Math.floor(Date.now() / 1_000)),
    )
  }

  upstreamOf(node: ServerNode): Upstream {
    let upstream = this.#upstreams.get(node)
    if (upstream === undefined) {
      upstream = new Upstream(node, this.options)
      this.#upstreams.set(node, upstream)
    }
    return upstream
  }

  /** @param status - 0: no response. */
  record(node: ServerNode, ms: number, status: number): void {
    // The node may have been removed in the meantime.
    if (!this.#removed.has(node)) this.options.balancer.recordRequest(node.id, Math.max(0, ms), status)
  }

  recordAbandoned(node: ServerNode, ms: number): void {
    if (!this.#removed.has(node)) this.options.balancer.recordAbandoned(node.id, Math.max(0, ms))
  }

  async close(graceMs: number): Promise<void> {
    this.isClosed = true
    clearInterval(this.#timer)
    this.admission?.close()
    for (const stop of this.#stops) stop()
    const pools = [...this.#upstreams.values()].map(({ pool }) => pool)
    this.#upstreams.clear()
    const closed = Promise.all([...pools.map((pool) => pool.close()), this.#tunnelsEnded()])
    const timer = setLongTimeout(() => {
      for (const pool of pools) pool.destroy().catch(() => {})
      for (const client of this.#tunnels) client.destroy()
    }, graceMs)
    try {
      await closed
    } finally {
      clearTimeout(timer)
    }
    if (this.options.ownsBalancer) this.options.balancer.close()
  }

  #tunnelsEnded(): Promise<void> | undefined {
    if (this.#tunnels.size === 0) return undefined
    return new Promise((resolve) => {
      this.#onTunnelsEnded = resolve
    })
  }

  /**
   * Ejects nodes that have requests but send no response. The event then moves their requests to other nodes.
   */
  #look(hangTimeoutMs: number): void {
    const now = this.now()
    for (const upstream of this.#upstreams.values()) {
      const { node } = upstream
      if (upstream.hangs(now, hangTimeoutMs) && !this.#removed.has(node))
        this.options.balancer.eject(node.id, 'stalled')
    }
  }

  /** Moves requests that wait for an unhealthy node, and may be sent twice, to another node. */
  #rescue(node: ServerNode): void {
    const upstream = this.#upstreams.get(node)
    for (const attempt of [...(upstream?.attempts ?? [])])
      if (!attempt.hasAnswer && attempt.isRescuable) attempt.rescue()
  }

  #forget(node: ServerNode, isHurried: boolean): void {
    this.#removed.add(node)
    const upstream = this.#upstreams.get(node)
    this.#upstreams.delete(node)
    const ended = isHurried ? upstream?.pool.destroy() : upstream?.pool.close()
    ended?.catch(() => {})
  }
}
