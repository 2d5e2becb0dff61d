import { Register } from './register.ts'

/** The part of a read about one row: its version, or `null` if it is absent. */
export type RowSeen = readonly [row: string, version: number | null]

/** The part of a read about many rows together: a number that only rises as their versions rise. */
export interface TotalSeen {
  /** The sum of the versions, or how many are at least a version. */
  readonly of: 'sum' | { readonly atLeast: number }
  readonly name: string
  readonly rows: readonly string[]
  readonly value: number
}

/** A position in the oracle's order of events. */
export interface Turn {
  readonly turn: number
  readonly timeMs: number
}

export interface ReadSeen {
  readonly kind: string
  /** Requested before the read began. */
  readonly began: Turn
  readonly rows: readonly RowSeen[]
  readonly total?: TotalSeen
}

export interface Violation {
  /**
   * A: older than a value acknowledged before the read began. B: only older than a value that a read had
   * returned before.
   */
  readonly promise: 'A' | 'B'
  readonly kind: string
  readonly what: string
  /** For A: milliseconds from the first acknowledgement of something newer to the read's start. */
  readonly staleMs: number
}

interface Lock {
  readonly rows: readonly string[]
  readonly holder: number
}

interface Waiting {
  readonly lock: Lock
  readonly granted: (id: number) => void
}

/**
 * Knows which versions were acknowledged and seen, and in what order. Its turns are requested before a read
 * begins, and events reach it after they happened, so that it never reports a fresh read as stale: everything
 * that it knows at a read's turn had happened before the read began.
 */
export class Oracle {
  readonly #registers = new Map<string, Register>()
  readonly #locks = new Map<number, Lock>()
  readonly #locked = new Set<string>()
  readonly #waiting: Waiting[] = []
  readonly #now: () => number
  #turn = 0
  #lockId = 0

  /** @param now - Monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Orders events: everything that is known now precedes the turn. */
  turn(): Turn {
    return { turn: this.#turn, timeMs: this.#now() }
  }

  acknowledge(rows: readonly (readonly [row: string, version: number])[]): void {
    const turn = ++this.#turn
    for (const [row, version] of rows) this.#register(row).acknowledged.raise(version, turn, this.#now())
  }

  /**
   * A write that raised each of the rows by one, requested at a turn: each is now at least one above the
   * version known then.
   */
  acknowledgeRaise(rows: readonly string[], turn: number): void {
    this.acknowledge(rows.map((row) => [row, this.#floor(row, turn) + 1]))
  }

  /** Returns the stale parts of a read, and remembers the versions that it has shown. */
  judge(read: ReadSeen): Violation[] {
    const violations: Violation[] = []
    for (const [row, version] of read.rows) this.#judgeRow(read, row, version, violations)
    if (read.total !== undefined) this.#judgeTotal(read, read.total, violations)
    return violations
  }

  /**
   * Requests an exclusive lock on rows that are inserted and deleted. The id is for `attempt` and `release`.
   */
  lock(holder: number, rows: readonly string[], granted: (id: number) => void): void {
    this.#waiting.push({ lock: { holder, rows }, granted })
    this.#grant()
  }

  /** A new version of a row, before the write that sets it is sent. */
  attempt(row: string, isAbsence: boolean): number {
    const register = this.#register(row)
    const version = register.nextVersion()
    if (isAbsence) register.mayBecomeAbsent(version)
    return version
  }

  release(id: number): void {
    for (const row of this.#locks.get(id)?.rows ?? []) this.#locked.delete(row)
    this.#locks.delete(id)
    this.#grant()
  }

  /** The locks of a dead holder, whose last writes may still be executed. */
  locksOf(holder: number): number[] {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index]?.lock.holder === holder) this.#waiting.splice(index, 1)
    }
    return [...this.#locks].filter(([, lock]) => lock.holder === holder).map(([id]) => id)
  }

  #grant(): void {
    for (let index = 0; index < this.#waiting.length; index++) {
      const { lock, granted } = this.#waiting[index] as Waiting
      if (lock.rows.some((row) => this.#locked.has(row))) continue
      this.#waiting.splice(index, 1)
      index -= 1
      for (const row of lock.rows) this.#locked.add(row)
      this.#lockId += 1
      this.#locks.set(this.#lockId, lock)
      granted(this.#lockId)
    }
  }

  #judgeRow(
    { kind, began: { turn, timeMs } }: ReadSeen,
    row: string,
    version: number | null,
    violations: Violation[],
  ): void {
    const register = this.#register(row)
    const acknowledged = register.acknowledged.at(turn)
    const seen = register.seen.at(turn)
    const floor = Math.max(acknowledged, seen)
    // An absent row is at some version at which it may be absent: the best for the read, and then the least
    // that it can have shown.
    const best = version ?? register.lastAbsence
    const shown = version ?? register.firstAbsenceFrom(floor)
    const what = `${row} ${version ?? 'absent'}, acknowledged ${acknowledged}, seen ${seen}`
    if (best < acknowledged)
      violations.push({
        promise: 'A',
        kind,
        what,
        staleMs: timeMs - (register.acknowledged.roseAbove(best) ?? timeMs),
      })
    else if (best < seen) violations.push({ promise: 'B', kind, what, staleMs: 0 })
    if (shown !== undefined) register.seen.raise(shown, ++this.#turn, this.#now())
  }

  #judgeTotal(
    { kind, began: { turn, timeMs } }: ReadSeen,
    { of, name, rows, value }: TotalSeen,
    violations: Violation[],
  ): void {
    const measure = (version: number) => (of === 'sum' ? version : Number(version >= of.atLeast))
    const registers = rows.map((row) => this.#register(row))
    const total = this.#register(name)
    const acknowledged = registers.reduce((sum, register) => sum + measure(register.acknowledged.at(turn)), 0)
    const known = rows.reduce((sum, row) => sum + measure(this.#floor(row, turn)), 0)
    const seen = Math.max(known, total.seen.at(turn))
    const what = `${name} ${value}, acknowledged ${acknowledged}, seen ${seen}`
    if (value < acknowledged) {
      const changes = registers
        .flatMap((register) => [...register.acknowledged.before(turn)])
        .sort((left, right) => right.timeMs - left.timeMs)
      let sum = acknowledged
      let since = timeMs
      for (const change of changes) {
        if (sum <= value) break
        sum -= measure(change.value) - measure(change.previous)
        since = change.timeMs
      }
      violations.push({ promise: 'A', kind, what, staleMs: timeMs - since })
    } else if (value < seen) violations.push({ promise: 'B', kind, what, staleMs: 0 })
    total.seen.raise(value, ++this.#turn, this.#now())
  }

  #floor(row: string, turn: number): number {
    const { acknowledged, seen } = this.#register(row)
    return Math.max(acknowledged.at(turn), seen.at(turn))
  }

  #register(row: string): Register {
    let register = this.#registers.get(row)
    if (register === undefined) {
      register = new Register()
      this.#registers.set(row, register)
    }
    return register
  }
}
