/** Objects of the app, in the order in which it created them. Does not keep them alive. */
export class LivingObjects<T extends object> implements Iterable<T> {
  #references: WeakRef<T>[] = []

  add(object: T): void {
    const living = this.#references.filter((reference) => reference.deref() !== undefined)
    this.#references = [...living.filter((reference) => reference.deref() !== object), new WeakRef(object)]
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const reference of this.#references) {
      const object = reference.deref()
      if (object !== undefined) yield object
    }
  }
}
