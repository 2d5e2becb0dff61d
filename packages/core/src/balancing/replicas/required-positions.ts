import { LRUCache } from 'lru-cache'
import type { Scope } from '../../pipeline/scope.ts'
import type { WriteOutcome } from '../../pipeline/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import { ORIGIN, type Position } from './positions.ts'

/** Number of distinguished tokens that were taken over. The position of a forgotten one is queried again. */
const MAX_TAKEN = 10_000

/** For how long a write of unknown outcome may still take effect. */
export const DOUBT_MS = 30_000

/** Minimum position of reads, which replicas must have replayed. */
export interface RequiredPosition {
  /** The number of the last write that they must see. */
  write: number
  /** Until then, a write of unknown outcome can take effect, which only the primary sees. */
  doubtfulUntil: number
  /**
   * Positions that were taken over, by primary. `undefined`: no position covers them all, so reads go to the
   * primary.
   */
  readonly taken: Map<number, Position | undefined>
  /** Writes of the scope itself, without those that were taken over. */
  own: OwnWrites
}

/** `unknown`: something, and of some of it the outcome is not known. */
type OwnWrites = 'nothing' | 'something' | 'unknown'

const REQUIRED = Symbol('required position')

/** The writes of one process, numbered as they end, and the positions that later reads require. */
export class RequiredPositions {
  /** Required position of all writes of the process, and of reads outside scopes. */
  readonly process: RequiredPosition = newRequiredPosition()
  #lastWrite = 0
  #takenBefore: LRUCache<string, number> | undefined
  readonly #listeners = new Set<() => void>()

  constructor(private readonly clock: Clock) {}

  get lastWrite(): number {
    return this.#lastWrite
  }

  /** The required position of a scope; `undefined`: nothing was written in it. */
  of(scope: Scope): RequiredPosition | undefined {
    const required = scope.stateOf(REQUIRED) as RequiredPosition | undefined
    return required === undefined ? undefined : this.#settled(required)
  }

  ofProcess(): RequiredPosition {
    return this.#settled(this.process)
  }

  /** A write took effect, or may have. Called before its caller is notified. */
  ended(scope: Scope | undefined, outcome: WriteOutcome): void {
    if (outcome === 'rolled-back') return
    this.#lastWrite += 1
    for (const required of scope === undefined ? [this.process] : [this.process, this.#openOf(scope)]) {
      this.#raise(required, outcome)
      if (required.own !== 'unknown') required.own = outcome === 'unknown' ? 'unknown' : 'something'
    }
    this.#notify()
  }

  /** A nested scope shares the position with its outer scope: each must see the writes of the other. */
  share(scope: Scope, outer: Scope): void {
    scope.setState(REQUIRED, this.#openOf(outer))
  }

  take(scope: Scope, positions: ReadonlyMap<number, Position>): void {
    const { taken } = this.#openOf(scope)
    for (const [place, position] of positions) {
      const known = taken.has(place) ? taken.get(place) : ORIGIN
      taken.set(place, known?.and(position))
    }
  }

  /**
   * Takes over a write of another process. It ended before now, so a position that is queried from now on
   * covers it.
   *
   * @param id - Id of the request that carried the token. If it was taken over before, the position of that
   * time covers it.
   */
  takeWrite(scope: Scope, outcome: WriteOutcome, id: string | undefined): void {
    const required = this.#openOf(scope)
    // No position covers a write that may still take effect.
    const key = outcome === 'unknown' ? undefined : id
    const known = key === undefined ? undefined : this.#takenBefore?.get(key)
    if (known !== undefined) {
      required.write = Math.max(required.write, known)
      return
    }
    this.#lastWrite += 1
    this.#raise(required, outcome)
    if (key !== undefined) {
      this.#takenBefore ??= new LRUCache({ max: MAX_TAKEN })
      this.#takenBefore.set(key, this.#lastWrite)
    }
    this.#notify()
  }

  /** Reports each write; returns a function that removes the listener. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #raise(required: RequiredPosition, outcome: WriteOutcome): void {
    required.write = this.#lastWrite
    if (outcome === 'unknown') required.doubtfulUntil = this.clock.now() + DOUBT_MS
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  #openOf(scope: Scope): RequiredPosition {
    const known = scope.stateOf(REQUIRED) as RequiredPosition | undefined
    const required = known ?? newRequiredPosition()
    if (known === undefined) scope.setState(REQUIRED, required)
    return required
  }

  /**
   * A doubtful write has taken effect by now, or never will: a position that is queried from now on covers
   * it.
   */
  #settled(required: RequiredPosition): RequiredPosition {
    if (required.doubtfulUntil !== 0 && this.clock.now() >= required.doubtfulUntil) {
      this.#lastWrite += 1
      required.write = this.#lastWrite
      required.doubtfulUntil = 0
    }
    return required
  }
}

function newRequiredPosition(): RequiredPosition {
  return { write: 0, doubtfulUntil: 0, taken: new Map(), own: 'nothing' }
}
