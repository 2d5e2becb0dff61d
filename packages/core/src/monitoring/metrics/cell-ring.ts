/** Values of a stretch of time, as one. */
export interface Cell {
  /** When it begins, in seconds of the series. */
  readonly second: number
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** The latest cells of one length; older ones are overwritten. A cell in which nothing came is not there: missing is not zero. */
export class CellRing {
  /** Which cell a place holds, by its number since the beginning. */
  readonly #numbers: Int32Array
  readonly #counts: Uint32Array
  readonly #sums: Float64Array
  readonly #mins: Float64Array
  readonly #maxs: Float64Array

  constructor(
    readonly stepSeconds: number,
    readonly size: number,
  ) {
    this.#numbers = new Int32Array(size).fill(-1)
    this.#counts = new Uint32Array(size)
    this.#sums = new Float64Array(size)
    this.#mins = new Float64Array(size)
    this.#maxs = new Float64Array(size)
  }

  /** How far back it goes. */
  get seconds(): number {
    return this.stepSeconds * this.size
  }

  add(second: number, count: number, sum: number, min: number, max: number): void {
    const number = Math.floor(second / this.stepSeconds)
    const at = number % this.size
    if (this.#numbers[at] !== number) {
      this.#numbers[at] = number
      this.#counts[at] = 0
      this.#sums[at] = 0
      this.#mins[at] = Number.POSITIVE_INFINITY
      this.#maxs[at] = Number.NEGATIVE_INFINITY
    }
    this.#counts[at] = (this.#counts[at] as number) + count
    this.#sums[at] = (this.#sums[at] as number) + sum
    this.#mins[at] = Math.min(this.#mins[at] as number, min)
    this.#maxs[at] = Math.max(this.#maxs[at] as number, max)
  }

  /** @param from - In seconds, as `to`, which belongs to it: the cells that begin between them, in order. */
  between(from: number, to: number): Cell[] {
    const cells: Cell[] = []
    const last = Math.floor(to / this.stepSeconds)
    const first = Math.max(Math.ceil(from / this.stepSeconds), last - this.size + 1, 0)
    for (let number = first; number <= last; number += 1) {
      const at = number % this.size
      if (this.#numbers[at] !== number) continue
      cells.push({
        second: number * this.stepSeconds,
        count: this.#counts[at] as number,
        sum: this.#sums[at] as number,
        min: this.#mins[at] as number,
        max: this.#maxs[at] as number,
      })
    }
    return cells
  }
}
