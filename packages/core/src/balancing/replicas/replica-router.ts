import type { ClientErrors } from '../../pipeline/outcome.ts'
import type { ReadRouter, ReplicaAttempt, ReplicaTarget, RoutedRead } from '../../pipeline/read-routing.ts'
import type { Scope } from '../../pipeline/scope.ts'
import type { Connection } from '../../schema/connection.ts'
import type { Clock } from '../../shared/clock.ts'
import type { RandomSource } from '../../shared/random.ts'
import { isInstance } from '../../shared/thrown.ts'
import type { SluiceWarningCode } from '../../shared/warning-codes.ts'
import { LoadBalancingEngine, type NodeLease } from '../load-balancing-engine.ts'
import type { ServerNode } from '../node-state.ts'
import { Distances } from '../regions/region-options.ts'
import { HeldSession } from './held-session.ts'
import { ORIGIN, type Position, type Positions } from './positions.ts'
import { PrimaryLog } from './primary-log.ts'
import { Replica } from './replica.ts'
import { kindOfReplicaError, NotCurrentError } from './replica-errors.ts'
import type { ResolvedReplicaOptions } from './replica-options.ts'
import { noReasons, type PrimaryReason, type ReplicaRoutingStats } from './replica-stats.ts'
import type { RequiredPosition, RequiredPositions } from './required-positions.ts'

/** After this time without a read, positions are no longer queried. */
const IDLE_MS = 10_000
const QUERY_TIMEOUT_MS = 1_000
/** Replicas have connections of their clients' pools, which count them. */
const MAX_CONNECTIONS = 1_000_000

export interface ReplicaRouterParts {
  readonly sourceId: string
  /** The place of its primary among those of the Sluice. */
  readonly place: number
  readonly positions: Positions
  readonly primary: () => Connection | undefined
  readonly replicas: readonly ReplicaTarget[]
  readonly errors?: ClientErrors | undefined
  readonly options: ResolvedReplicaOptions
  readonly requiredPositions: RequiredPositions
  /**
   * Whether cached results are shared with other processes, whose writes raise no required positions here.
   */
  readonly sharesCached: boolean
  readonly clock: Clock
  readonly random: RandomSource
  readonly warn: (message: string, code: SluiceWarningCode) => void
  readonly onError: (error: unknown) => void
  readonly onClose: () => void
}

/** Whether a replica with a known position can be read from. */
type IsCurrent = (replayed: Position) => boolean
type Refusal = Extract<PrimaryReason, 'read-your-writes' | 'lag' | 'no-replica' | 'nearer'>

/**
 * Sends reads to replicas if the result is as good as that of the primary: within the maximum lag, and never
 * older than the reader's own writes. If a replica does not respond, the read is retried on another
 * replica, and then on the primary.
 */
export class ReplicaRouter implements ReadRouter {
  readonly balancer: LoadBalancingEngine
  readonly place: number
  readonly #log: PrimaryLog
  readonly #replicas: readonly Replica[]
  readonly #byNode = new Map<string, Replica>()
  /** `undefined`: regions are not distinguished. */
  readonly #distances: Distances | undefined
  readonly #reasons = noReasons()
  readonly #stopWatching: () => void
  #usedAt: number
  #isClosed = false

  constructor(private readonly parts: ReplicaRouterParts) {
    const { clock, random, requiredPositions, options, positions, warn, onError } = parts
    this.#usedAt = clock.now()
    this.place = parts.place
    this.balancer = new LoadBalancingEngine(options.balancer, { clock, random, onError })
    const { balancer, primaryRegion } = options
    this.#distances = balancer.region && new Distances(balancer.region.local, balancer.region.rttMs)
    const timeoutMs = Math.min(QUERY_TIMEOUT_MS, options.readTimeoutMs)
    const isInUse = () => clock.now() - this.#usedAt < IDLE_MS
    this.#log = new PrimaryLog({
      session: new HeldSession(parts.primary, timeoutMs),
      positions,
      clock,
      maxLagMs: options.maxLagMs,
      isInUse,
      onError,
      lastWrite: () => requiredPositions.lastWrite,
      onPosition: (acknowledged, sent, at) => this.#newPosition(acknowledged, sent, at),
      onRoundTrip: (ms) => {
        if (primaryRegion !== undefined) this.#distances?.measured(primaryRegion, ms)
      },
      onUnusable: (why) =>
        warn(
          `The replicas of ${parts.sourceId} are not read from, because of its own server. ${why}`,
          'SLUICE_REPLICAS_UNUSED',
        ),
    })
    this.#replicas = parts.replicas.map((target, index) => {
      const { id: nodeId, region } = this.#register(target, index)
      const replica: Replica = new Replica({
        index,
        nodeId,
        region,
        positions,
        clock,
        readTimeoutMs: options.readTimeoutMs,
        isInUse,
        session: new HeldSession(target.connection, timeoutMs),
        onChange: () => this.#updateHealth(replica),
        onRoundTrip: (ms) => {
          if (region === undefined || this.#isClosed) return
          this.#distances?.measured(region, ms)
          this.balancer.recordProbe(nodeId, ms)
        },
        onUnusable: (why) =>
          warn(
            `The replica ${nodeId} of ${parts.sourceId} is not read from. ${why}`,
            'SLUICE_REPLICAS_UNUSED',
          ),
      })
      this.#byNode.set(replica.nodeId, replica)
      return replica
    })
    this.#stopWatching = requiredPositions.watch(() => this.#log.wake())
    this.#wake()
  }

  leave(reason: 'write' | 'transaction'): void {
    this.#reasons[reason] += 1
  }

  read<T>(read: RoutedRead<T>): Promise<T> {
    if (this.#isClosed) return read.onPrimary()
    const { scope, demand } = read
    if (demand === 'primary') return this.#onPrimary(read, 'forced')
    const isCached = demand === 'kept'
    if (isCached && this.parts.sharesCached) return this.#onPrimary(read, 'cached')
    this.#use()
    const position = this.#neededBy(scope, isCached)
    if (position === undefined) {
      this.#log.wake()
      return this.#onPrimary(read, 'read-your-writes')
    }
    const isCurrent: IsCurrent = (replayed) =>
      replayed.covers(position) && this.#log.ageOf(replayed) <= this.parts.options.maxLagMs
    const chosen = this.#choose(position, undefined)
    return typeof chosen === 'string'
      ? this.#onPrimary(read, chosen)
      : this.#onReplicas(read, position, isCurrent, chosen)
  }

  /** The position that is required on this primary, as a string; `undefined` if it is not known. */
  async textOf(required: RequiredPosition): Promise<string | undefined> {
    this.#use()
    await this.#log.settled(required.write)
    const position = this.#positionOf(required)
    return position?.toText()
  }

  get maxLagMs(): number {
    return this.parts.options.maxLagMs
  }

  positionFrom(text: string): Position | undefined {
    return this.parts.positions.fromText(text)
  }

  getStats(): ReplicaRoutingStats {
    const replicas = this.#replicas.map((replica) => {
      const { nodeId: id, region, reads, failures, position } = replica
      const lagMs =
        position === undefined
          ? Number.POSITIVE_INFINITY
          : this.#log.isNewest(position)
            ? 0
            : this.#log.ageOf(position)
      return { id, ...(region && { region }), reads, failures, isUp: position !== undefined, lagMs }
    })
    return {
      source: this.parts.sourceId,
      replicaReads: replicas.reduce((sum, { reads }) => sum + reads, 0),
      primaryReads: Object.values(this.#reasons).reduce((sum, count) => sum + count, 0),
      primaryReasons: { ...this.#reasons },
      replicas,
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.parts.onClose()
    this.#stopWatching()
    this.#log.close()
    for (const replica of this.#replicas) replica.close()
    this.balancer.close()
  }

  #register({ host, port, region, zone }: ReplicaTarget, index: number): ServerNode {
    const { balancer } = this
    const options = {
      ...(region === undefined ? {} : { region }),
      ...(zone === undefined ? {} : { zone }),
      maxConnections: MAX_CONNECTIONS,
    }
    if (host !== undefined && port !== undefined) {
      try {
        return balancer.registerNode(host, port, options)
      } catch {
        // No address, or the same one twice: it is known by its place then.
      }
    }
    return balancer.registerNode(`replica-${index + 1}`, 1, options)
  }

  /** The position that a read must not be older than; `undefined`: it is not known. */
  #neededBy(scope: Scope | undefined, isCached: boolean): Position | undefined {
    const { requiredPositions } = this.parts
    const own =
      scope === undefined || scope.ended ? requiredPositions.ofProcess() : requiredPositions.of(scope)
    const position = own === undefined ? ORIGIN : this.#positionOf(own)
    if (!isCached || position === undefined) return position
    // Cached results are returned to other readers, too: they must include all writes of this process, and
    // those that the reader took over.
    return this.#positionOf(requiredPositions.ofProcess())?.and(position)
  }

  /** `undefined`: it is not known, and only the primary is certain to be there. */
  #positionOf(required: RequiredPosition): Position | undefined {
    const { clock } = this.parts
    const { place } = this
    if (clock.now() < required.doubtfulUntil) return undefined
    const written = required.write === 0 ? ORIGIN : this.#log.positionOf(required.write)
    const taken = required.taken.has(place) ? required.taken.get(place) : ORIGIN
    return taken && written?.and(taken)
  }

  /** Acquires a connection of a replica that can be read from; otherwise, returns the reason. */
  #choose(position: Position, tried: ReadonlySet<Replica> | undefined): NodeLease | Refusal {
    let reason: Refusal = 'no-replica'
    let usable = 0
    for (const replica of this.#replicas) {
      if (tried?.has(replica) === true) continue
      const refusal = this.#refusalOf(replica, position)
      if (refusal === undefined) usable += 1
      else if (reason === 'no-replica' || refusal === 'read-your-writes') reason = refusal
    }
    if (usable === 0) return reason
    const accepts = ({ id }: ServerNode) => {
      const replica = this.#byNode.get(id) as Replica
      return tried?.has(replica) !== true && this.#refusalOf(replica, position) === undefined
    }
    return this.balancer.acquire(undefined, { accepts }) ?? reason
  }

  #refusalOf(replica: Replica, position: Position): Refusal | undefined {
    const replayed = replica.position
    if (replayed === undefined) return 'no-replica'
    if (this.#isBeyondPrimary(replica)) return 'nearer'
    if (!replayed.covers(position)) {
      replica.want(position)
      return 'read-your-writes'
    }
    return this.#log.ageOf(replayed) > this.parts.options.maxLagMs ? 'lag' : undefined
  }

  /** Within a region, replicas come before the primary. */
  #isBeyondPrimary({ region }: Replica): boolean {
    const { primaryRegion } = this.parts.options
    if (this.#distances === undefined || primaryRegion === undefined || region === undefined) return false
    const primaryMs = this.#distances.of(primaryRegion)
    if (primaryMs === undefined) return false
    return primaryMs < (this.#distances.of(region) ?? Number.POSITIVE_INFINITY)
  }

  async #onReplicas<T>(
    read: RoutedRead<T>,
    position: Position,
    isCurrent: IsCurrent,
    first: NodeLease,
  ): Promise<T> {
    const tried = new Set<Replica>()
    let lease: NodeLease | Refusal = first
    while (typeof lease !== 'string') {
      const replica = this.#byNode.get(lease.node.id) as Replica
      tried.add(replica)
      const answer = await this.#query(read, replica, lease, position !== ORIGIN, isCurrent)
      if ('value' in answer) return answer.value
      if (answer.kind === 'answer' && read.retriesErrors !== true) throw answer.error
      // A read that may depend on the primary's state is not retried on another replica.
      if (answer.kind !== 'node' || this.#isClosed) return this.#onPrimary(read, reasonOf(answer.error))
      lease = this.#choose(position, tried)
    }
    return this.#onPrimary(read, 'failed')
  }

  async #query<T>(
    read: RoutedRead<T>,
    replica: Replica,
    lease: NodeLease,
    hasRequiredPosition: boolean,
    isCurrent: IsCurrent,
  ): Promise<
    { readonly value: T } | { readonly error: unknown; readonly kind: 'node' | 'again' | 'answer' }
  > {
    const { clock } = this.parts
    const startedAt = clock.now()
    let onAbandoned: (() => void) | undefined
    const { epoch } = replica
    let end = (): void => {}
    const report = (status: number) => {
      if (!this.#isClosed) this.balancer.recordRequest(replica.nodeId, clock.now() - startedAt, status)
    }
    try {
      const value = await new Promise<T>((resolve, reject) => {
        end = replica.began((reason) => {
          reject(new AbandonedError(reason))
          onAbandoned?.()
        })
        const attempt: ReplicaAttempt = {
          index: replica.index,
          hasRequiredPosition,
          admit: (query) => replica.admit(query, isCurrent),
          onAbandoned: (callback) => {
            onAbandoned = callback
          },
        }
        read.onReplica(attempt).then(resolve, reject)
      })
      replica.succeeded()
      report(200)
      return { value }
    } catch (error) {
      const kind = isInstance(error, AbandonedError)
        ? 'node'
        : (this.parts.errors?.replicaError(error) ?? kindOfReplicaError(error))
      report(kind === 'node' ? 0 : 200)
      if (kind === 'node') replica.failed(epoch)
      return { error, kind }
    } finally {
      end()
      lease.release()
    }
  }

  #onPrimary<T>(read: RoutedRead<T>, reason: PrimaryReason): Promise<T> {
    this.#reasons[reason] += 1
    return read.onPrimary()
  }

  #use(): void {
    const now = this.parts.clock.now()
    const wasIdle = now - this.#usedAt >= IDLE_MS
    this.#usedAt = now
    if (wasIdle) this.#wake()
  }

  #wake(): void {
    this.#log.wake()
    for (const replica of this.#replicas) replica.wake()
  }

  /** Those who wrote are about to read. */
  #newPosition(acknowledged: Position | undefined, sent: Position, at: number): void {
    for (const replica of this.#replicas) {
      replica.compare(sent, at)
      if (acknowledged !== undefined && replica.position?.covers(acknowledged) === false)
        replica.want(acknowledged)
      this.#updateHealth(replica)
    }
  }

  #updateHealth({ nodeId, position, isKnown }: Replica): void {
    // A replica that is not known yet is up: it would otherwise start slowly, as after a failure.
    if (this.#isClosed || !isKnown) return
    const isLate =
      this.#log.isKnown && position !== undefined && this.#log.ageOf(position) > this.parts.options.maxLagMs
    this.balancer.updateNodeHealth(
      nodeId,
      position === undefined ? 'unhealthy' : isLate ? 'degraded' : 'healthy',
    )
  }
}

function reasonOf(error: unknown): PrimaryReason {
  return isInstance(error, NotCurrentError) ? 'read-your-writes' : 'failed'
}

class AbandonedError extends Error {
  override readonly name = 'AbandonedError'

  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}
