interface Event {
  at: number
  readonly order: number
  readonly run: () => void
  /** When the process of the event resumes; the event waits for it. */
  readonly stopsUntil: (() => number) | undefined
}

/** Events in virtual milliseconds; those of one time run in the order in which they were added. */
export class EventQueue {
  now = 0
  readonly #heap: Event[] = []
  #order = 0

  /** @param stopsUntil - Until when the process of the event is suspended. */
  after(ms: number, run: () => void, stopsUntil?: () => number): void {
    this.#push({ at: this.now + ms, order: this.#order++, run, stopsUntil })
  }

  runUntil(end: number): void {
    for (let event = this.#pop(); event !== undefined && event.at <= end; event = this.#pop()) {
      this.now = Math.max(this.now, event.at)
      const resumes = event.stopsUntil?.() ?? 0
      if (resumes > this.now) {
        event.at = resumes
        this.#push(event)
      } else event.run()
    }
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent])) break
      heap[index] = heap[parent] as Event
      index = parent
    }
    heap[index] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child])) child += 1
      if (!isBefore(heap[child] as Event, last)) break
      heap[index] = heap[child] as Event
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(left: Event, right: Event | undefined): boolean {
  if (right === undefined) return false
  return left.at < right.at || (left.at === right.at && left.order < right.order)
}
