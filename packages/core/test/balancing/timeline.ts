import { MinHeap } from '../../src/shared/heap.ts'
import { FakeClock } from '../helpers.ts'

interface Arrival {
  readonly at: number
  /** Events at the same time run in the order in which they were added. */
  readonly place: number
  readonly run: () => void
}

/** Events in virtual time. */
export class Timeline {
  readonly clock = new FakeClock()
  readonly #events = new MinHeap<Arrival>(
    (first, second) => first.at < second.at || (first.at === second.at && first.place < second.place),
  )
  #places = 0

  after(ms: number, run: () => void): void {
    this.#places += 1
    this.#events.add({ at: this.clock.ms + ms, place: this.#places, run })
  }

  /** Runs all events until then. */
  until(end: number): void {
    for (let next = this.#events.peek(); next !== undefined && next.at <= end; next = this.#events.peek()) {
      this.#events.shift()
      this.clock.ms = next.at
      next.run()
    }
  }
}
