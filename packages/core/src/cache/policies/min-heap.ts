/** What a heap can hold: it knows its place there. */
export interface HeapItem {
  /** Index in the heap; of no meaning while outside. */
  place: number
}

/** A binary heap with the least item on top. Adding, removing and moving any item take O(log n). */
export class MinHeap<T extends HeapItem> {
  readonly #items: T[] = []

  /** @param isBefore - Whether the first item ranks before the second. */
  constructor(private readonly isBefore: (first: T, second: T) => boolean) {}

  get size(): number {
    return this.#items.length
  }

  get least(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    item.place = this.#items.length
    this.#items.push(item)
    this.#rise(item)
  }

  remove(item: T): void {
    const last = this.#items.pop()
    if (last === undefined || last === item) return
    last.place = item.place
    this.#items[last.place] = last
    this.update(last)
  }

  /** Moves an item to where it belongs after its rank has changed. */
  update(item: T): void {
    this.#rise(item)
    this.#sink(item)
  }

  #rise(item: T): void {
    let { place } = item
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#items[above] as T
      if (!this.isBefore(item, parent)) break
      this.#put(parent, place)
      place = above
    }
    this.#put(item, place)
  }

  #sink(item: T): void {
    let { place } = item
    for (;;) {
      let below = 2 * place + 1
      let child = this.#items[below]
      if (child === undefined) break
      const sibling = this.#items[below + 1]
      if (sibling !== undefined && this.isBefore(sibling, child)) {
        below++
        child = sibling
      }
      if (!this.isBefore(child, item)) break
      this.#put(child, place)
      place = below
    }
    this.#put(item, place)
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    item.place = place
  }
}
