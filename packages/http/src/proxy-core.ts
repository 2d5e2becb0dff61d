import type { NodeLease, ServerNode } from '@sluice/core'
import type { ResolvedProxyOptions } from './proxy-options.ts'
import { RetryBudget } from './retry-budget.ts'
import { Upstream } from './upstream.ts'

/** How often it is looked whether a node hangs. */
const LOOK_MS = 100
/** A node hangs when it takes so many times longer than it does. */
const STALL_FACTOR = 10
/** One slow request is one slow request. */
const MIN_WAITING = 2

/** What all requests of a proxy share: connections to the nodes, the budget for retries, counts. */
export class ProxyCore {
  readonly budget: RetryBudget
  readonly counts = { requests: 0, retries: 0, withoutBudget: 0, noNode: 0, failed: 0 }
  readonly now = (): number => performance.now()
  isClosed = false
  readonly #upstreams = new Map<ServerNode, Upstream>()
  readonly #removed = new WeakSet<ServerNode>()
  readonly #stops: (() => void)[]
  readonly #timer: ReturnType<typeof setInterval> | undefined

  constructor(readonly options: ResolvedProxyOptions) {
    const { balancer, retry, stallMs } = options
    this.budget = new RetryBudget(retry.budget, retry.burst)
    this.#stops = [
      balancer.on('ejected', ({ node }) => this.#rescue(node)),
      balancer.on('statusChanged', ({ node, to }) => {
        if (to === 'unhealthy') this.#rescue(node)
      }),
      balancer.on('nodeRemoved', ({ node, abandoned }) => this.#forget(node, abandoned > 0)),
    ]
    if (stallMs !== undefined) {
      this.#timer = setInterval(() => this.#look(stallMs), LOOK_MS)
      this.#timer.unref()
    }
  }

  /** A connection of a node that is up and has room. Once the proxy is closed there is none: connections that were made then would stay. */
  acquire(clientIp: string, except: ServerNode | undefined): NodeLease | null {
    return this.isClosed ? null : this.options.balancer.acquire(clientIp, except === undefined ? {} : { except })
  }

  upstreamOf(node: ServerNode): Upstream {
    let upstream = this.#upstreams.get(node)
    if (upstream === undefined) {
      upstream = new Upstream(node, this.options)
      this.#upstreams.set(node, upstream)
    }
    return upstream
  }

  /** @param status - 0: no answer. */
  record(node: ServerNode, ms: number, status: number): void {
    // It may have been removed meanwhile.
    if (!this.#removed.has(node)) this.options.balancer.recordRequest(node.id, Math.max(0, ms), status)
  }

  async close(graceMs: number): Promise<void> {
    this.isClosed = true
    clearInterval(this.#timer)
    for (const stop of this.#stops) stop()
    const pools = [...this.#upstreams.values()].map(({ pool }) => pool)
    this.#upstreams.clear()
    const closed = Promise.all(pools.map((pool) => pool.close()))
    const timer = setTimeout(() => {
      for (const pool of pools) pool.destroy().catch(() => {})
    }, graceMs)
    try {
      await closed
    } finally {
      clearTimeout(timer)
    }
    if (this.options.ownsBalancer) this.options.balancer.close()
  }

  /** Ejects a node that answers nothing while it has requests; the event brings them to others. */
  #look(stallMs: number): void {
    const now = this.now()
    for (const { node, waiting, progressAt } of this.#upstreams.values()) {
      if (waiting < MIN_WAITING || now - progressAt <= Math.max(stallMs, STALL_FACTOR * node.responseTime)) continue
      if (!this.#removed.has(node)) this.options.balancer.eject(node.id, 'stalled')
    }
  }

  /** What waits for a node that is not well, and may be sent twice, goes to another one. */
  #rescue(node: ServerNode): void {
    const upstream = this.#upstreams.get(node)
    for (const attempt of [...(upstream?.attempts ?? [])]) if (!attempt.hasAnswer && attempt.isRescuable) attempt.rescue()
  }

  #forget(node: ServerNode, isHurried: boolean): void {
    this.#removed.add(node)
    const upstream = this.#upstreams.get(node)
    this.#upstreams.delete(node)
    const ended = isHurried ? upstream?.pool.destroy() : upstream?.pool.close()
    ended?.catch(() => {})
  }
}
