import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { checkArgument, option } from '../shared/options.ts'
import type { RandomSource } from '../shared/random.ts'
import { setLongTimeout } from '../shared/timers.ts'
import {
  type BalancingEfficiency,
  type BalancingEvents,
  balancingEvents,
  clusterStatsOf,
  efficiencyOf,
  type LoadBalancerStats,
  type NodeStats,
  statsOf,
} from './balancing-stats.ts'
import {
  checkLoadBalancingOptions,
  type LoadBalancingOptions,
  type NodeOptions,
  resolveNodeOptions,
} from './load-balancing-options.ts'
import { NodePool, type SelectOptions } from './node-pool.ts'
import {
  checkAddress,
  DuplicateNodeError,
  type HealthStatus,
  NodeState,
  nodeId,
  type ServerNode,
} from './node-state.ts'
import { type EjectionReason, OutlierDetector } from './outlier-detector.ts'
import { SessionAffinity } from './session-affinity.ts'
import { type BalancingStrategy, balancingStrategies } from './strategies/create-picker.ts'

/** A node with one of its connections. */
export interface NodeLease {
  readonly node: ServerNode
  /** Gives the connection back. A second call does nothing. */
  release(): void
}

/** Measurements of a node by a health check or an operator. */
export interface NodeMetrics {
  /** Milliseconds. */
  readonly responseTime?: number
  /** 0 to 1. */
  readonly errorRate?: number
}

export interface RemoveNodeOptions {
  /**
   * Milliseconds that open connections have to end.
   * @defaultValue 0
   */
  readonly drainMs?: number
}

/** Parts that a Sluice passes to its engine. */
export interface BalancingEngineParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown, event: PropertyKey) => void
}

const HEALTH: readonly HealthStatus[] = ['healthy', 'degraded', 'unhealthy', 'maintenance']
const MAX_TTL_SECONDS = 31_536_000
const TIME = option.number(0)

/**
 * Selects a node for each request, with a strategy and the state of the nodes. Failing nodes are ejected,
 * returning nodes start slowly, and full, unhealthy and maintained nodes receive no requests.
 *
 * The balancer sends no requests: health checks, proxies and routers report outcomes to it. Only draining
 * nodes use timers.
 *
 * @example
 * ```ts
 * const balancer = new LoadBalancingEngine('least-connections')
 * balancer.registerNode('10.0.0.1', 8080)
 * balancer.registerNode('10.0.0.2', 8080, 2)
 * const lease = balancer.acquire('203.0.113.7')
 * if (lease !== null) {
 *   // … send the request to lease.node …
 *   balancer.recordRequest(lease.node.id, 12, 200)
 *   lease.release()
 * }
 * ```
 */
export class LoadBalancingEngine {
  readonly #clock: Clock
  readonly #events: Emitter<BalancingEvents>
  readonly #pool: NodePool
  readonly #sessions: SessionAffinity
  readonly #outliers: OutlierDetector | undefined

  /** @throws InvalidOptionError for an unknown strategy or option, or one out of its bounds. */
  constructor(options?: BalancingStrategy | LoadBalancingOptions)
  /**
   * @param parts - Passed by a Sluice and by tests; apps omit it.
   * @internal
   */
  constructor(options?: BalancingStrategy | LoadBalancingOptions, parts?: BalancingEngineParts)
  constructor(config: BalancingStrategy | LoadBalancingOptions = {}, parts: BalancingEngineParts = {}) {
    const options = typeof config === 'string' ? { strategy: config } : config
    checkLoadBalancingOptions(options)
    const { strategy = 'round-robin', ejection = true, maxSessions = 100_000, region } = options
    this.#clock = parts.clock ?? systemClock
    this.#events = new Emitter(balancingEvents, parts.onError ?? (() => {}))
    this.#sessions = new SessionAffinity(this.#clock, maxSessions)
    this.#outliers = ejection ? new OutlierDetector() : undefined
    this.#pool = new NodePool(strategy, {
      clock: this.#clock,
      random: parts.random ?? Math.random,
      events: this.#events,
      sessions: this.#sessions,
      outliers: this.#outliers,
      region,
    })
  }

  get strategy(): BalancingStrategy {
    return this.#pool.strategy
  }

  /** As they were registered. */
  get nodes(): readonly ServerNode[] {
    return this.#pool.all
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof BalancingEvents>(event: K, listener: (payload: BalancingEvents[K]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Adds a node, which can be selected immediately.
   *
   * @param host - Host name or IP address.
   * @param weight - Share relative to the other nodes; above 0.
   * @throws InvalidArgumentError; InvalidOptionError; DuplicateNodeError if the host and port are already
   *   registered.
   */
  registerNode(host: string, port: number, weight?: number, maxConnections?: number): ServerNode
  registerNode(host: string, port: number, options: NodeOptions): ServerNode
  registerNode(
    host: string,
    port: number,
    config: number | NodeOptions = 1,
    maxConnections = 1_000,
  ): ServerNode {
    checkAddress(host, port)
    const options = resolveNodeOptions(config, maxConnections, this.#pool.regions?.options)
    const id = nodeId(host, port)
    if (this.#pool.has(id)) throw new DuplicateNodeError(id)
    const node = new NodeState(host, port, options)
    this.#pool.add(node)
    this.#events.emit('nodeAdded', { node })
    return node
  }

  /**
   * Removes a node. It receives no new requests, and is removed when its connections are released, or after
   * `drainMs`.
   *
   * @returns The number of connections that were still open.
   * @throws UnknownNodeError; InvalidArgumentError.
   */
  async removeNode(
    id: string,
    { drainMs = 0 }: RemoveNodeOptions = {},
  ): Promise<{ readonly abandoned: number }> {
    const node = this.#pool.get(id)
    checkArgument('drainMs', TIME, drainMs)
    if (!node.isDraining) {
      node.isDraining = true
      this.#pool.refresh()
      this.#events.emit('draining', { node, activeConnections: node.activeConnections })
    }
    if (node.activeConnections > 0 && drainMs > 0) await untilIdle(node, drainMs)
    if (this.#pool.remove(node)) this.#events.emit('nodeRemoved', { node, abandoned: node.activeConnections })
    return { abandoned: node.activeConnections }
  }

  /**
   * Selects a node without counting a connection; `acquire` counts one. With the option `region`, use
   * `acquire`: a region's limit counts connections only, so `selectNode` never leaves a busy region.
   *
   * @param clientIp - For `ip-hash`.
   * @returns `null` if no node is up and has capacity.
   */
  selectNode(clientIp?: string, options: SelectOptions = {}): ServerNode | null {
    return this.#pool.select(clientIp, options) ?? null
  }

  /**
   * Selects a node and counts a connection until the lease is released. `null` if no node is up and has
   * capacity.
   */
  acquire(clientIp?: string, options: SelectOptions = {}): NodeLease | null {
    const node = this.#pool.select(clientIp, options)
    if (node === undefined) return null
    this.#pool.take(node)
    let isHeld = true
    return {
      node,
      release: () => {
        if (!isHeld) return
        isHeld = false
        this.#pool.releaseNode(node)
      },
    }
  }

  /**
   * Reports the outcome of a request.
   *
   * @param responseTimeMs - Time until the response began, or until it was certain that there would be none.
   * @param status - HTTP status; 0 if there was no response. 0 and 502 to 504 count for ejection, 500 and
   *   above for the error rate.
   * @throws UnknownNodeError; InvalidArgumentError.
   */
  recordRequest(nodeId: string, responseTimeMs: number, status: number): void {
    const node = this.#pool.get(nodeId)
    checkArgument('responseTimeMs', TIME, responseTimeMs)
    if (!(status === 0 || (Number.isInteger(status) && status >= 100 && status <= 599)))
      throw new InvalidArgumentError('status', '0, or an integer from 100 to 599', status)
    const now = this.#clock.now()
    const isFailure = status === 0 || (status >= 502 && status <= 504)
    if (status === 0) node.counted(true)
    else this.#pool.answered(node, now, responseTimeMs, status >= 500)
    const reason = this.#outliers?.ended(node, now, isFailure)
    if (reason !== undefined) this.#pool.eject(node, reason)
    else if (!isFailure) this.#outliers?.forgive(node, now)
  }

  /**
   * Tells that a request was given up though nothing had failed: another node answered it first. It counts as
   * no request; a node that would have taken longer than it does is picked less where times matter.
   *
   * @param elapsedMs - Milliseconds that it had taken by then.
   * @throws UnknownNodeError; InvalidArgumentError.
   */
  recordAbandoned(nodeId: string, elapsedMs: number): void {
    const node = this.#pool.get(nodeId)
    checkArgument('elapsedMs', TIME, elapsedMs)
    node.takesLonger(this.#clock.now(), elapsedMs)
  }

  /**
   * Reports the round-trip time of a health check. The shortest one is the distance of the node's region, if
   * the option `region.rttMs` does not contain it.
   *
   * @param rttMs - Milliseconds; without the time to open a connection.
   * @throws UnknownNodeError; InvalidArgumentError.
   */
  recordProbe(nodeId: string, rttMs: number): void {
    const node = this.#pool.get(nodeId)
    checkArgument('rttMs', TIME, rttMs)
    this.#pool.regions?.measured(node, rttMs)
  }

  /**
   * Sets the health of a node. A node that returns from `unhealthy` or `maintenance` starts slowly, and its
   * ejection ends.
   *
   * @throws UnknownNodeError; InvalidArgumentError.
   */
  updateNodeHealth(nodeId: string, status: HealthStatus, metrics: NodeMetrics = {}): void {
    const node = this.#pool.get(nodeId)
    checkArgument('status', option.oneOf(...HEALTH), status)
    const { responseTime = node.responseTime, errorRate = node.errorRate } = metrics
    if (!option.number(0).accepts(responseTime))
      throw new InvalidArgumentError('metrics.responseTime', 'milliseconds', responseTime)
    checkArgument('metrics.errorRate', option.number(0, 1), errorRate)
    node.responseTime = responseTime
    node.errorRate = errorRate
    const from = node.status
    if (from === status) return
    const wasUp = node.isUp
    node.status = status
    if (node.isUp && !wasUp) this.#pool.reinstate(node)
    this.#pool.refresh()
    this.#events.emit('statusChanged', { node, from, to: status })
  }

  /**
   * Gives a node nothing for a while, as if it had failed too often. The last one that is left is not
   * ejected.
   *
   * @returns Whether it is ejected now.
   * @throws UnknownNodeError.
   */
  eject(nodeId: string, reason: EjectionReason = 'requested'): boolean {
    const node = this.#pool.get(nodeId)
    this.#pool.eject(node, reason)
    return node.isEjected
  }

  /**
   * Ends an ejection before its time: the node is known to answer again.
   *
   * @throws UnknownNodeError.
   */
  reinstate(nodeId: string): void {
    const node = this.#pool.get(nodeId)
    if (!node.isEjected) return
    this.#pool.reinstate(node)
    this.#pool.refresh()
    this.#events.emit('reinstated', { node })
  }

  /**
   * Binds a session to a node.
   *
   * @param ttlSeconds - From now on; above 0, a year at most.
   * @throws UnknownNodeError; InvalidArgumentError.
   */
  setSessionAffinity(sessionId: string, nodeId: string, ttlSeconds = 3_600): void {
    if (typeof sessionId !== 'string' || sessionId === '')
      throw new InvalidArgumentError('sessionId', 'a non-empty string', sessionId)
    const node = this.#pool.get(nodeId)
    if (!(typeof ttlSeconds === 'number' && ttlSeconds > 0 && ttlSeconds <= MAX_TTL_SECONDS))
      throw new InvalidArgumentError('ttlSeconds', `a number above 0, at most ${MAX_TTL_SECONDS}`, ttlSeconds)
    this.#sessions.set(sessionId, node, ttlSeconds)
  }

  /** Chooses in another way from now on; what is known of the nodes stays. */
  setStrategy(strategy: BalancingStrategy): void {
    checkArgument('strategy', option.oneOf(...balancingStrategies), strategy)
    const from = this.strategy
    if (from === strategy) return
    this.#pool.setStrategy(strategy)
    this.#events.emit('strategyChanged', { from, to: strategy })
  }

  getClusterStats(): LoadBalancerStats {
    this.#pool.catchUp()
    const [pool, sessions] = [this.#pool, this.#sessions.size]
    const { strategy, isPanic } = pool
    const regions = pool.regions?.picker.stats ?? []
    return clusterStatsOf(pool.all, { strategy, isPanic, sessions, regions }, this.#clock.now())
  }

  /** @throws UnknownNodeError. */
  getNodeStats(nodeId: string): NodeStats {
    this.#pool.catchUp()
    const picks = this.#pool.all.reduce((sum, node) => sum + node.picks, 0)
    return statsOf(this.#pool.get(nodeId), this.#clock.now(), picks)
  }

  /** How evenly nodes were picked since they were registered. */
  getBalancingEfficiency(): BalancingEfficiency {
    const byWeight = this.strategy !== 'round-robin' && this.strategy !== 'random'
    return efficiencyOf(this.#pool.all, byWeight)
  }

  /** Removes sessions and listeners. Nodes that drain continue to do so. */
  close(): void {
    this.#sessions.clear()
    this.#events.clear()
  }
}

function untilIdle(node: NodeState, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setLongTimeout(done, withinMs)
    timer.unref()
    const before = node.onIdle
    node.onIdle = () => {
      before?.()
      done()
    }
    function done() {
      clearTimeout(timer)
      resolve()
    }
  })
}
