import type { Clock } from '../shared/clock.ts'
import type { Emitter } from '../shared/emitter.ts'
import type { RandomSource } from '../shared/random.ts'
import type { BalancingEvents } from './balancing-stats.ts'
import { type NodeState, type ServerNode, UnknownNodeError } from './node-state.ts'
import type { EjectionReason, OutlierDetector } from './outlier-detector.ts'
import type { RegionOptions } from './regions/region-options.ts'
import { Regions } from './regions/region-picker.ts'
import type { SessionAffinity } from './session-affinity.ts'
import { type BalancingStrategy, createPicker } from './strategies/create-picker.ts'
import { type Accepts, canTake, type Picker } from './strategies/picker.ts'

export interface SelectOptions {
  /** Stays with one node for as long as that can be picked. */
  readonly sessionId?: string
  /** A node that is not to be picked: the one that failed. */
  readonly except?: ServerNode
  /**
   * A node to select if it is available and has capacity, such as the client's previous node. Takes
   * precedence over `sessionId`.
   */
  readonly prefer?: ServerNode
  /**
   * Whether a node can be selected. Called for nodes that are available and have capacity, until one is
   * accepted.
   */
  readonly accepts?: (node: ServerNode) => boolean
}

export interface NodePoolParts {
  readonly clock: Clock
  readonly random: RandomSource
  readonly events: Emitter<BalancingEvents>
  readonly sessions: SessionAffinity
  /** `undefined`: no node is ejected. */
  readonly outliers: OutlierDetector | undefined
  /** `undefined`: all nodes are equally near. */
  readonly region: RegionOptions | undefined
}

/** Milliseconds in which a returning node's load rises from `LEAST_FACTOR` of its share to all of it. */
const SLOW_START_MS = 5_000
const LEAST_FACTOR = 0.1
/** The part of its share that a degraded node receives. */
const DEGRADED_SHARE = 0.25
/** How often a node's share grows while it starts. */
const STEP_MS = 100

/** The nodes of a balancer: which of them can be picked, with what share, and which one is. */
export class NodePool {
  /** `undefined`: all nodes are equally near. */
  readonly regions: Regions | undefined
  readonly #nodes = new Map<string, NodeState>()
  #strategy: BalancingStrategy
  #picker: Picker<NodeState>
  #isPanic = false
  /** When an ejection ends or a share grows, without a call. */
  #nextChangeAt: number = Number.POSITIVE_INFINITY

  constructor(
    strategy: BalancingStrategy,
    private readonly parts: NodePoolParts,
  ) {
    this.#strategy = strategy
    const { region, clock, random } = parts
    this.regions = region && new Regions(region, clock, random, () => this.#strategy)
    this.#picker = this.regions?.picker ?? createPicker(strategy, parts)
  }

  get strategy(): BalancingStrategy {
    return this.#strategy
  }

  /** As they were registered. */
  get all(): NodeState[] {
    return [...this.#nodes.values()]
  }

  /** So few nodes are left that ejected ones are used as well. */
  get isPanic(): boolean {
    return this.#isPanic
  }

  has(id: string): boolean {
    return this.#nodes.has(id)
  }

  /** @throws UnknownNodeError. */
  get(id: string): NodeState {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new UnknownNodeError(id, [...this.#nodes.keys()])
    return node
  }

  add(node: NodeState): void {
    node.progressAt = this.parts.clock.now()
    this.#nodes.set(node.id, node)
    this.refresh()
  }

  /** @returns Whether it was there. */
  remove(node: NodeState): boolean {
    if (this.#nodes.get(node.id) !== node) return false
    this.#nodes.delete(node.id)
    node.isRemoved = true
    this.refresh()
    return true
  }

  setStrategy(strategy: BalancingStrategy): void {
    this.#strategy = strategy
    if (this.regions === undefined) this.#picker = createPicker(strategy, this.parts)
    else this.regions.picker.restart()
    this.refresh()
  }

  /** Chooses a node, and counts it. */
  select(
    clientIp: string | undefined,
    { sessionId, except, prefer, accepts: accepted }: SelectOptions,
  ): NodeState | undefined {
    this.catchUp()
    const accepts = except === undefined ? accepted : this.#othersThan(except, accepted)
    const preferred = prefer === undefined ? undefined : this.#nodes.get(prefer.id)
    if (preferred !== undefined && this.#isPickable(preferred) && canTake(preferred, accepts))
      return this.#picked(preferred)
    if (sessionId === undefined) return this.#picked(this.#picker.pick(clientIp, accepts))
    const home = this.parts.sessions.get(sessionId)
    if (home !== undefined && this.#isPickable(home)) {
      if (canTake(home, accepts)) return this.#picked(home)
      // It is only busy: the session stays where it is.
      return this.#picked(this.#picker.pick(clientIp, accepts))
    }
    const node = this.#picker.pick(clientIp, accepts)
    if (node !== undefined && home !== undefined) this.parts.sessions.move(sessionId, node)
    else if (node !== undefined) this.parts.sessions.set(sessionId, node)
    return this.#picked(node)
  }

  #othersThan(except: ServerNode, accepts: Accepts<NodeState> | undefined): Accepts<NodeState> {
    const excepted = this.#nodes.get(except.id)
    return (node) => node !== excepted && (accepts === undefined || accepts(node))
  }

  #picked(node: NodeState | undefined): NodeState | undefined {
    if (node !== undefined) node.picks += 1
    return node
  }

  #isPickable(node: NodeState): boolean {
    return !node.isRemoved && node.isUp && (this.#isPanic || !node.isEjected)
  }

  take(node: NodeState): void {
    if (node.activeConnections === 0) node.progressAt = this.parts.clock.now()
    node.activeConnections += 1
    this.#picker.changed?.(node)
  }

  answered(node: NodeState, now: number, ms: number, isError: boolean): void {
    node.answered(now, ms, isError)
    this.#picker.answered?.(node, ms)
  }

  releaseNode(node: NodeState): void {
    node.activeConnections -= 1
    this.#picker.changed?.(node)
    if (node.activeConnections === 0) node.onIdle?.()
  }

  /** Does nothing for the last one that is left. */
  eject(node: NodeState, reason: EjectionReason): void {
    if (this.parts.outliers?.mayEject(node, [...this.#nodes.values()]) !== true) return
    const now = this.parts.clock.now()
    this.parts.outliers.eject(node, now)
    this.refresh()
    this.parts.events.emit('ejected', { node, reason, forMs: node.ejectedUntil - now })
  }

  /** Its ejection has ended, or it is up again: it starts slowly. */
  reinstate(node: NodeState): void {
    const now = this.parts.clock.now()
    node.ejectedUntil = 0
    node.consecutiveFailures = 0
    node.reinstatedAt = now
    node.progressAt = now
    // Its old response time is outdated, and would keep requests away for long. It gets the others' time
    // until it responds.
    const others = [...this.#nodes.values()].filter(
      (other) => other !== node && other.isUp && !other.isEjected,
    )
    if (others.length === 0) return
    const mean = others.reduce((sum, { peakMs }) => sum + peakMs, 0) / others.length
    node.peakMs = Math.min(node.peakMs, mean)
  }

  /** Ends ejections that have expired, and increases the shares of slow starts. */
  catchUp(): void {
    if (this.#nextChangeAt === Number.POSITIVE_INFINITY || this.parts.clock.now() < this.#nextChangeAt) return
    const now = this.parts.clock.now()
    const reinstated = [...this.#nodes.values()].filter((node) => node.isEjected && node.ejectedUntil <= now)
    for (const node of reinstated) this.reinstate(node)
    this.refresh()
    for (const node of reinstated) this.parts.events.emit('reinstated', { node })
  }

  /** Recomputes which nodes can be selected, and their shares. */
  refresh(): void {
    const now = this.parts.clock.now()
    this.#nextChangeAt = Number.POSITIVE_INFINITY
    const up = [...this.#nodes.values()].filter(({ isUp }) => isUp)
    for (const node of up) {
      node.steadyFactor = node.status === 'degraded' ? DEGRADED_SHARE : 1
      node.factor = node.steadyFactor * this.#started(node, now)
      if (node.isEjected) this.#nextChangeAt = Math.min(this.#nextChangeAt, node.ejectedUntil)
      else if (node.factor < node.steadyFactor)
        this.#nextChangeAt = Math.min(this.#nextChangeAt, now + STEP_MS)
    }
    const left = up.filter(({ isEjected }) => !isEjected)
    const isPanic = left.length === 0 && up.length > 0
    this.#picker.rebuild(isPanic ? up : left, this.all)
    if (isPanic === this.#isPanic) return
    this.#isPanic = isPanic
    this.parts.events.emit('panic', { isPanic })
  }

  /** The part of its share that a node has got to since it came back. */
  #started({ reinstatedAt }: NodeState, now: number): number {
    return Math.min(1, LEAST_FACTOR + ((1 - LEAST_FACTOR) * (now - reinstatedAt)) / SLOW_START_MS)
  }
}
