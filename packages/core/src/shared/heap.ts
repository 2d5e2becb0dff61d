/** A binary heap with the least item on top. Adding and removing the least take O(log n). */
export class MinHeap<T> {
  protected readonly items: T[] = []

  /** @param isBefore - Whether the first item ranks before the second. */
  constructor(protected readonly isBefore: (first: T, second: T) => boolean) {}

  peek(): T | undefined {
    return this.items[0]
  }

  add(item: T): void {
    this.rise(item, this.items.push(item) - 1)
  }

  /** Removes the least item and returns it. */
  shift(): T | undefined {
    const least = this.items[0]
    const last = this.items.pop()
    if (last !== undefined && this.items.length > 0) this.sink(last, 0)
    return least
  }

  protected rise(item: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.items[above] as T
      if (!this.isBefore(item, parent)) break
      this.put(parent, place)
      place = above
    }
    this.put(item, place)
  }

  protected sink(item: T, from: number): void {
    const { items } = this
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= items.length) break
      if (below + 1 < items.length && this.isBefore(items[below + 1] as T, items[below] as T)) below += 1
      const child = items[below] as T
      if (!this.isBefore(child, item)) break
      this.put(child, place)
      place = below
    }
    this.put(item, place)
  }

  protected put(item: T, place: number): void {
    this.items[place] = item
  }
}

/** An item that knows its place in a heap. */
export interface HeapItem {
  /** Index in the heap; of no meaning while outside. */
  place: number
}

/** A heap that can also remove and move any of its items, in O(log n). */
export class PlacedHeap<T extends HeapItem> extends MinHeap<T> implements Iterable<T> {
  remove(item: T): void {
    const last = this.items.pop()
    if (last === undefined || last === item) return
    last.place = item.place
    this.update(last)
  }

  /** Moves an item to where it belongs after its rank has changed. */
  update(item: T): void {
    this.rise(item, item.place)
    this.sink(item, item.place)
  }

  /** The items, in no particular order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.items.values()
  }

  protected override put(item: T, place: number): void {
    this.items[place] = item
    item.place = place
  }
}
