import { LRUCache } from 'lru-cache'
import type { Scope } from '../../pipeline/scope.ts'
import type { WriteOutcome } from '../../pipeline/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import { ORIGIN, type Position } from './positions.ts'

/** Of what was taken over so many are told apart; one that is forgotten is asked for anew. */
const MAX_TAKEN = 10_000

/** For how long a write of unknown outcome may still take effect. */
export const DOUBT_MS = 30_000

/** What reads must not be older than. */
export interface ReadFloor {
  /** The number of the last write that they must see. */
  write: number
  /** Until then, a write of unknown outcome may take effect, and nobody but the primary knows of it. */
  doubtfulUntil: number
  /** Positions that were taken over, by the place of the primary. `undefined`: no position covers them all, so that the primary must be asked. */
  readonly taken: Map<number, Position | undefined>
  /** What was written in the scope itself, and not taken over. */
  own: OwnWrites
}

/** `unknown`: something, and of some of it the outcome is not known. */
type OwnWrites = 'nothing' | 'something' | 'unknown'

const FLOOR = Symbol('read floor')

/** The writes of one process, numbered as they end, and the floors of those who read after them. */
export class ReadFloors {
  /** Of everybody, and of those who read outside of any scope. */
  readonly process: ReadFloor = newFloor()
  #lastWrite = 0
  #takenBefore: LRUCache<string, number> | undefined
  readonly #listeners = new Set<() => void>()

  constructor(private readonly clock: Clock) {}

  get lastWrite(): number {
    return this.#lastWrite
  }

  /** The floor of a scope; `undefined`: nothing was written in it. */
  of(scope: Scope): ReadFloor | undefined {
    const floor = scope.state.get(FLOOR) as ReadFloor | undefined
    return floor === undefined ? undefined : this.#settled(floor)
  }

  ofProcess(): ReadFloor {
    return this.#settled(this.process)
  }

  /** A write took effect, or may have. Before its caller is told. */
  ended(scope: Scope | undefined, outcome: WriteOutcome): void {
    if (outcome === 'rolled-back') return
    this.#lastWrite += 1
    for (const floor of scope === undefined ? [this.process] : [this.process, this.#openOf(scope)]) {
      this.#raise(floor, outcome)
      if (floor.own !== 'unknown') floor.own = outcome === 'unknown' ? 'unknown' : 'something'
    }
    this.#tell()
  }

  /** A scope within another one: what is written in one of them, the other must see. */
  share(scope: Scope, outer: Scope): void {
    scope.state.set(FLOOR, this.#openOf(outer))
  }

  take(scope: Scope, positions: ReadonlyMap<number, Position>): void {
    const { taken } = this.#openOf(scope)
    for (const [place, position] of positions) {
      const known = taken.has(place) ? taken.get(place) : ORIGIN
      taken.set(place, known?.and(position))
    }
  }

  /**
   * Takes over a write that somebody else made. It ended before now: a position that is asked for from now on covers it.
   *
   * @param id - Of what brought it; where that came before, the position of then covers it.
   */
  takeWrite(scope: Scope, outcome: WriteOutcome, id: string | undefined): void {
    const floor = this.#openOf(scope)
    // A position says nothing of a write that may still take effect.
    const key = outcome === 'unknown' ? undefined : id
    const known = key === undefined ? undefined : this.#takenBefore?.get(key)
    if (known !== undefined) {
      floor.write = Math.max(floor.write, known)
      return
    }
    this.#lastWrite += 1
    this.#raise(floor, outcome)
    if (key !== undefined) {
      this.#takenBefore ??= new LRUCache({ max: MAX_TAKEN })
      this.#takenBefore.set(key, this.#lastWrite)
    }
    this.#tell()
  }

  /** Tells of each write; returns the function that stops it. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #raise(floor: ReadFloor, outcome: WriteOutcome): void {
    floor.write = this.#lastWrite
    if (outcome === 'unknown') floor.doubtfulUntil = this.clock.now() + DOUBT_MS
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  #openOf(scope: Scope): ReadFloor {
    const known = scope.state.get(FLOOR) as ReadFloor | undefined
    const floor = known ?? newFloor()
    if (known === undefined) scope.state.set(FLOOR, floor)
    return floor
  }

  /** What was doubtful has taken effect by now, or never will: a position that is asked for from now on covers it. */
  #settled(floor: ReadFloor): ReadFloor {
    if (floor.doubtfulUntil !== 0 && this.clock.now() >= floor.doubtfulUntil) {
      this.#lastWrite += 1
      floor.write = this.#lastWrite
      floor.doubtfulUntil = 0
    }
    return floor
  }
}

function newFloor(): ReadFloor {
  return { write: 0, doubtfulUntil: 0, taken: new Map(), own: 'nothing' }
}
