/** Gives the least first. */
export class MinHeap<T> {
  readonly #items: T[] = []

  constructor(private readonly isLess: (left: T, right: T) => boolean) {}

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as T
      if (!this.isLess(item, above)) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  shift(): T | undefined {
    const items = this.#items
    const least = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return least
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.isLess(items[child + 1] as T, items[child] as T)) child += 1
      if (!this.isLess(items[child] as T, last)) break
      items[at] = items[child] as T
      at = child
    }
    items[at] = last
    return least
  }
}
