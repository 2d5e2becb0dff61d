import type { Clock } from '../../shared/clock.ts'
import type { RandomSource } from '../../shared/random.ts'
import type { NodeState } from '../node-state.ts'
import { type BalancingStrategy, createPicker } from '../strategies/create-picker.ts'
import type { Accepts, PickableNode, Picker } from '../strategies/picker.ts'
import { hashClient } from '../strategies/rendezvous.ts'
import { Distances, type RegionOptions } from './region-options.ts'

const STEP_MS = 100
/** Milliseconds of a request that does not wait, until any is known. */
const BASE_MS = 10
/** A guest may take this many times as long as a request that does not wait, without the way. */
const GUEST_FACTOR = 2

/** State of a region, or of a zone in the local region. */
export interface TierStats {
  readonly name: string
  readonly isLocal: boolean
  /** Round-trip time in milliseconds; `null`: unknown. */
  readonly rttMs: number | null
  /** Requests that were sent to its nodes, and those in flight. */
  readonly requests: number
  readonly activeConnections: number
  /** Requests in flight from which new ones go to another tier. */
  readonly limit: number
  /** Milliseconds: a moving average of response times, with the way. 0: unknown. */
  readonly responseTime: number
  /** The share of its requests that it receives, because of failed nodes: 0 to 1. */
  readonly healthShare: number
}

export interface RegionStats extends TierStats {
  /** The zones of the local region, nearest first; empty if zones are not distinguished. */
  readonly zones: readonly TierStats[]
}

interface RegionPickerParts<TNode extends PickableNode> {
  readonly distances: Distances
  readonly placeOf: (node: TNode) => string
  readonly create: (place: string) => Picker<TNode>
  /** Whether a client stays on its node, regardless of load. */
  readonly isSticky: () => boolean
  /** Milliseconds that a place of unknown distance is away, until its response times are known. */
  readonly unknownRttMs: number
  readonly stay: number
  readonly clock: Clock
  readonly random: RandomSource
}

interface Entry<TNode extends PickableNode> {
  readonly tier: Tier<TNode>
  /** The connections of the node that the tier counts. */
  active: number
}

/**
 * Selects the nearest region that has available nodes and capacity, then a node by the strategy.
 *
 * Each region has a limit on its requests in flight, which follows response times: the local region keeps
 * requests while they are faster there than elsewhere, and other regions take them while that does not slow
 * down their own. Requests in flight are known when a node is picked, so a region that stops responding is
 * left within milliseconds. Failed nodes reduce a region's share as in Envoy's priority levels.
 */
class RegionPicker<TNode extends PickableNode> implements Picker<TNode> {
  /** Nearest first. */
  #tiers: Tier<TNode>[] = []
  readonly #entries = new Map<TNode, Entry<TNode>>()
  #nextStepAt = 0

  constructor(private readonly parts: RegionPickerParts<TNode>) {}

  /** Nearest first. */
  get stats(): readonly RegionStats[] {
    return this.#tiers.map((tier) => ({
      name: tier.place,
      isLocal: tier.isLocal,
      rttMs: this.parts.distances.of(tier.place) ?? null,
      requests: tier.requests,
      activeConnections: tier.active,
      limit: Math.ceil(tier.limit),
      responseTime: tier.meanMs,
      healthShare: tier.healthShare,
      zones: tier.picker instanceof RegionPicker ? tier.picker.stats.map(withoutZones) : [],
    }))
  }

  /** The strategy changed. Its tiers keep their limits. A `rebuild` must follow. */
  restart(): void {
    for (const tier of this.#tiers) {
      if (tier.picker instanceof RegionPicker) tier.picker.restart()
      else tier.picker = this.parts.create(tier.place)
    }
  }

  rebuild(nodes: readonly TNode[], registered: readonly TNode[]): void {
    const known = new Set(registered)
    for (const [node, { tier, active }] of this.#entries) {
      if (known.has(node)) continue
      tier.active -= active
      this.#entries.delete(node)
    }
    for (const node of registered) if (!this.#entries.has(node)) this.#enter(node)
    this.#tiers = this.#tiers.filter((tier) => {
      const isHere = (node: TNode) => this.#entries.get(node)?.tier === tier
      const all = registered.filter(isHere)
      if (all.length > 0) tier.rebuild(nodes.filter(isHere), all)
      return all.length > 0
    })
    this.sort()
  }

  /** Distances changed. */
  sort(): void {
    const { distances } = this.parts
    const rttOf = ({ place }: Tier<TNode>) => distances.of(place) ?? Number.MAX_VALUE
    this.#tiers.sort((a, b) => rttOf(a) - rttOf(b))
    for (const { picker } of this.#tiers) if (picker instanceof RegionPicker) picker.sort()
  }

  pick(client: string | undefined, accepts: Accepts<TNode> | undefined): TNode | undefined {
    const { clock, random } = this.parts
    const now = clock.now()
    if (now >= this.#nextStepAt) this.#step(now)
    const isPinned = client !== undefined && this.parts.isSticky()
    for (const tier of this.#tiers) {
      const { available, healthShare } = tier
      if (available === 0 || !(isPinned || tier.hasRoom)) continue
      if (healthShare < 1 && (isPinned ? chanceOf(client) : random()) >= healthShare) continue
      const node = tier.picker.pick(client, accepts)
      if (node !== undefined) return node
    }
    const others = isPinned
      ? this.#tiers
      : this.#tiers.toSorted((a, b) => a.active / a.limit - b.active / b.limit)
    for (const { available, picker } of others) {
      const node = available === 0 ? undefined : picker.pick(client, accepts)
      if (node !== undefined) return node
    }
    return undefined
  }

  changed(node: TNode): void {
    const entry = this.#entries.get(node)
    // It was removed, and its connections are no longer counted.
    if (entry === undefined) return
    const { tier } = entry
    tier.changed(node.activeConnections - entry.active)
    entry.active = node.activeConnections
    tier.picker.changed?.(node)
  }

  answered(node: TNode, ms: number): void {
    const tier = this.#entries.get(node)?.tier
    tier?.answered(ms)
    tier?.picker.answered?.(node, ms)
  }

  #enter(node: TNode): void {
    const { placeOf, distances, create } = this.parts
    const place = placeOf(node)
    let tier = this.#tiers.find((one) => one.place === place)
    if (tier === undefined) {
      tier = new Tier(place, place === distances.local, create(place))
      this.#tiers.push(tier)
    }
    this.#entries.set(node, { tier, active: 0 })
    this.changed(node)
  }

  /** Moves the limits to where requests are fastest. */
  #step(now: number): void {
    this.#nextStepAt = now + STEP_MS
    for (const tier of this.#tiers) tier.settle(now)
    const { distances, stay, unknownRttMs } = this.parts
    const baseMs = this.#baseMs()
    /** Milliseconds of a request at the fastest tier that is further away. */
    let elsewhereMs = Number.POSITIVE_INFINITY
    for (const tier of this.#tiers.toReversed()) {
      const seenMs =
        tier.floorMs < Number.POSITIVE_INFINITY ? Math.max(0, tier.floorMs - baseMs) : unknownRttMs
      const rttMs = distances.of(tier.place) ?? seenMs
      // Guests leave before they slow down the requests of those who are at home.
      tier.adjust(
        now,
        tier.isLocal ? elsewhereMs * stay : Math.min(elsewhereMs, rttMs + GUEST_FACTOR * baseMs),
      )
      if (tier.available > 0)
        elsewhereMs = Math.min(elsewhereMs, tier.isFresh(now) ? tier.meanMs : rttMs + baseMs)
    }
  }

  /** Milliseconds of a request that does not wait, without the way. */
  #baseMs(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { place, floorMs } of this.#tiers) {
      const rttMs = this.parts.distances.of(place)
      if (rttMs !== undefined) least = Math.min(least, Math.max(1, floorMs - rttMs))
    }
    return least < Number.POSITIVE_INFINITY ? least : BASE_MS
  }
}

/** From 0 to 1, the same for each request of a client. */
function chanceOf(client: string): number {
  return hashClient(client) / 4_294_967_296
}

function withoutZones({ zones: _, ...tier }: RegionStats): TierStats {
  return tier
}

const UNKNOWN_REGION_MS = 100
const UNKNOWN_ZONE_MS = 1

/** The regions of a balancer's nodes, and the zones of the local one. */
export class Regions {
  readonly picker: RegionPicker<NodeState>
  readonly #regions: Distances
  readonly #zones: Distances | undefined

  constructor(
    readonly options: RegionOptions,
    clock: Clock,
    random: RandomSource,
    strategy: () => BalancingStrategy,
  ) {
    const { local, zone, rttMs, stay = 1 } = options
    this.#regions = new Distances(local, rttMs)
    const zones = zone === undefined ? undefined : new Distances(zone)
    this.#zones = zones
    const isSticky = () => strategy() === 'ip-hash'
    const common = { stay, isSticky, clock, random }
    const create = () => createPicker<NodeState>(strategy(), { clock, random })
    this.picker = new RegionPicker({
      ...common,
      distances: this.#regions,
      placeOf: ({ region }) => region ?? '',
      create: (region) =>
        zones === undefined || region !== local
          ? create()
          : new RegionPicker({
              ...common,
              distances: zones,
              create,
              unknownRttMs: UNKNOWN_ZONE_MS,
              placeOf: (node) => node.zone ?? '',
            }),
      unknownRttMs: UNKNOWN_REGION_MS,
    })
  }

  /** Milliseconds; `undefined`: unknown. */
  rttMsOf(region: string): number | undefined {
    return this.#regions.of(region)
  }

  /** A node of this place was reached, there and back, within this time. */
  measured({ region, zone }: Pick<NodeState, 'region' | 'zone'>, ms: number): void {
    if (region === undefined) return
    const isNearer = this.#regions.measured(region, ms)
    const isNearerZone =
      region === this.options.local && zone !== undefined && this.#zones?.measured(zone, ms) === true
    if (isNearer || isNearerZone) this.picker.sort()
  }
}

/**
 * A region with failed nodes receives all its requests while its available weight times this is at least its
 * registered weight. Below that, it receives the same share of its requests.
 */
const OVERPROVISIONING = 1.4
const LEAST_LIMIT = 4
const FIRST_LIMIT = 16
/** Answers after which the mean is updated. */
const MIN_ANSWERS = 5
/** Weight of a step in the moving average. */
const MEAN_STEP = 0.4
/** Milliseconds in which a mean is current. */
const FRESH_MS = 5_000
/** Factor of the least mean in each step: it is forgotten within a minute. */
const FLOOR_RISE = 1.002
const SHRINK = 0.85
const GROWTH = 0.1

/** Nodes at the same distance, with a limit on their requests in flight. */
class Tier<TNode extends PickableNode> {
  /** The share of the registered weight that is available. */
  available = 0
  /** The share of its requests that it receives: 1 while enough of its weight is available. */
  healthShare = 1
  /** Requests in flight. */
  active = 0
  /** Requests that were ever in flight. */
  requests = 0
  /** Requests in flight above which others go to another tier. */
  limit: number = FIRST_LIMIT
  /** Moving average of response times in milliseconds, the way included. 0: unknown. */
  meanMs = 0
  /** The least mean of late: what a request takes that does not wait. */
  floorMs: number = Number.POSITIVE_INFINITY
  #weight = 0
  #peakActive = 0
  #meanAt: number = Number.NEGATIVE_INFINITY
  #sumMs = 0
  #answers = 0
  /** Whether it has responded, and whether the mean was updated, since the last step. */
  #hasAnswered = false
  #isSettled = false

  constructor(
    readonly place: string,
    readonly isLocal: boolean,
    public picker: Picker<TNode>,
  ) {}

  get hasRoom(): boolean {
    return this.active < this.limit
  }

  isFresh(now: number): boolean {
    return now - this.#meanAt < FRESH_MS
  }

  /** Its nodes, or their shares, changed. */
  rebuild(nodes: readonly TNode[], registered: readonly TNode[]): void {
    this.picker.rebuild(nodes, registered)
    const weight = nodes.reduce((sum, { share }) => sum + share, 0)
    if (weight === 0 && this.#weight > 0) this.limit = LEAST_LIMIT
    // The nodes that are left cannot take the requests of those that are not.
    else if (weight < this.#weight) this.limit = Math.max(LEAST_LIMIT, (this.limit * weight) / this.#weight)
    this.#weight = weight
    this.available = weight / registered.reduce((sum, node) => sum + node.weight, 0)
    this.healthShare = Math.min(1, OVERPROVISIONING * this.available)
  }

  /** The connections of a node changed. */
  changed(by: number): void {
    this.active += by
    if (by > 0) this.requests += by
    if (this.active > this.#peakActive) this.#peakActive = this.active
  }

  answered(ms: number): void {
    this.#sumMs += ms
    this.#answers += 1
    this.#hasAnswered = true
  }

  /** Adds the answers of a step to the moving average. */
  settle(now: number): void {
    this.#isSettled = this.#answers >= MIN_ANSWERS
    if (!this.#isSettled) return
    const mean = this.#sumMs / this.#answers
    this.meanMs = this.isFresh(now) ? this.meanMs + MEAN_STEP * (mean - this.meanMs) : mean
    this.#meanAt = now
    this.floorMs = Math.min(this.floorMs * FLOOR_RISE, this.meanMs)
    this.#sumMs = 0
    this.#answers = 0
  }

  /** Moves the limit to where requests take as long as `targetMs`. */
  adjust(now: number, targetMs: number): void {
    // Too few answers for a mean do not show that it is slow. A tier without answers must not grow.
    const mayGrow = this.#isSettled
      ? this.meanMs < SHRINK * targetMs
      : this.#hasAnswered && !this.isFresh(now)
    if (this.#isSettled && this.meanMs > targetMs)
      this.limit = Math.max(LEAST_LIMIT, this.limit * Math.max(SHRINK, targetMs / this.meanMs))
    else if (mayGrow && this.#peakActive > this.limit / 2) this.limit += Math.max(1, this.limit * GROWTH)
    if (this.#isSettled || mayGrow) this.#peakActive = this.active
    this.#hasAnswered = false
  }
}
