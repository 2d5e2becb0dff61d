/** Number of changes that a register remembers; older ones count as the oldest of them. */
const MAX_CHANGES = 256

/** A value that only rises, in the order of events of the checker. */
class Floor {
  readonly #turns: number[] = []
  readonly #values: number[] = []
  readonly #times: number[] = []

  get last(): number {
    return this.#values.at(-1) ?? 0
  }

  raise(value: number, turn: number, timeMs: number): void {
    if (value <= this.last) return
    this.#turns.push(turn)
    this.#values.push(value)
    this.#times.push(timeMs)
    if (this.#turns.length <= 2 * MAX_CHANGES) return
    for (const list of [this.#turns, this.#values, this.#times]) list.splice(0, MAX_CHANGES)
  }

  /** The value at a turn; 0 if it is no longer known. */
  at(turn: number): number {
    const turns = this.#turns
    for (let index = turns.length - 1; index >= 0; index--)
      if ((turns[index] as number) <= turn) return this.#values[index] as number
    return 0
  }

  /** When it first rose above a value. */
  roseAbove(value: number): number | undefined {
    const index = this.#values.findIndex((known) => known > value)
    return index < 0 ? undefined : this.#times[index]
  }

  /** The changes until a turn, the latest first. */
  *before(
    turn: number,
  ): Generator<{ readonly value: number; readonly previous: number; readonly timeMs: number }> {
    for (let index = this.#turns.length - 1; index >= 0; index--) {
      if ((this.#turns[index] as number) > turn) continue
      yield {
        value: this.#values[index] as number,
        previous: this.#values[index - 1] ?? 0,
        timeMs: this.#times[index] as number,
      }
    }
  }
}

/** The known versions of a row, or of another number in the database that only rises. */
export class Register {
  /** Versions that writes acknowledged. */
  readonly acknowledged = new Floor()
  /** Versions that reads returned. */
  readonly seen = new Floor()
  /**
   * Versions at which the row is, or may have become, absent; ascending. Rows that are inserted and deleted
   * begin absent.
   */
  readonly #absences: number[] = []
  #lastVersion = 0

  /** A version that no earlier write had. */
  nextVersion(): number {
    this.#lastVersion += 1
    return this.#lastVersion
  }

  mayBecomeAbsent(version: number): void {
    this.#absences.push(version)
    if (this.#absences.length > 2 * MAX_CHANGES) this.#absences.splice(0, MAX_CHANGES)
  }

  /** The latest version at which the row may be absent. */
  get lastAbsence(): number {
    return this.#absences.at(-1) ?? 0
  }

  /** The first such version from a floor on. */
  firstAbsenceFrom(floor: number): number | undefined {
    return floor === 0 ? 0 : this.#absences.find((version) => version >= floor)
  }
}
