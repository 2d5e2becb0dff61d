/** The first of a shape's operations are all traced; then one of 16. */
const FIRST = 4
const GAP = 16

/** Chooses the operations of a shape that their statements are told of: to carry it along costs time. */
export class TraceSchedule {
  #operations = 0
  #dueAt = 1

  /** Counts one operation. */
  isDue(): boolean {
    this.#operations += 1
    if (this.#operations < this.#dueAt) return false
    // By chance: what takes turns would be seen at one place only.
    this.#dueAt = this.#operations + (this.#operations < FIRST ? 1 : 1 + Math.floor(Math.random() * (2 * GAP - 1)))
    return true
  }
}
