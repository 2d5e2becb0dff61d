/** The instances of a class that are not closed. One that an app abandons can be collected. */
export class OpenInstances<T extends object> {
  readonly #known = new Set<WeakRef<T>>()

  /** @returns Removes the instance. */
  add(instance: T): () => void {
    const reference = new WeakRef(instance)
    this.#known.add(reference)
    return () => void this.#known.delete(reference)
  }

  list(): readonly T[] {
    const open: T[] = []
    for (const reference of this.#known) {
      const instance = reference.deref()
      if (instance === undefined) this.#known.delete(reference)
      else open.push(instance)
    }
    return open
  }
}
