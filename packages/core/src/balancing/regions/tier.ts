import type { PickableNode, Picker } from '../strategies/picker.ts'

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
export class Tier<TNode extends PickableNode> {
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
