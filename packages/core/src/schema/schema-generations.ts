/** How long a definition whose outcome is unknown counts as under way, in milliseconds. */
const LEASE_MS = 30_000

/**
 * Counts what may change the schema of a database. A catalog that was read in one generation says nothing about the next, and a
 * statement that was understood in one may do something else in the next: `CREATE TRIGGER` waits for the same locks as an `UPDATE`.
 */
export class SchemaGenerations {
  #current = 0
  #definitions = 0
  readonly #writes = new Set<object>()
  /** Definitions that have ended, each with the writes that were under way then. */
  readonly #ending = new Map<object, Set<object>>()
  readonly #leases = new Set<NodeJS.Timeout>()

  constructor(private readonly changed: () => void) {}

  /** Rises when a definition begins and when it ends. */
  get current(): number {
    return this.#current
  }

  /** Whether a definition is under way, its outcome is unknown, or a write from before it is under way. */
  get isChanging(): boolean {
    return this.#definitions > 0
  }

  /**
   * A statement that may change the schema is about to be sent, or the transaction that contains it to be committed.
   *
   * @returns The function that reports its end, and whether it certainly has ended.
   */
  beginDefinition(): (isOver: boolean) => void {
    this.#definitions += 1
    this.#next()
    let isEnded = false
    return (isOver) => {
      if (isEnded) return
      isEnded = true
      if (isOver) return this.#end()
      const lease = setTimeout(() => {
        this.#leases.delete(lease)
        this.#end()
      }, LEASE_MS)
      this.#leases.add(lease.unref())
    }
  }

  /** A write that takes effect by itself is about to be sent. Until it has ended, a definition that ends meanwhile stays under way. */
  beginWrite(): () => void {
    const write = {}
    this.#writes.add(write)
    return () => {
      this.#writes.delete(write)
      for (const [definition, writes] of this.#ending) {
        writes.delete(write)
        if (writes.size === 0) this.#close(definition)
      }
    }
  }

  clear(): void {
    for (const lease of this.#leases) clearTimeout(lease)
    this.#leases.clear()
    this.#ending.clear()
    this.#definitions = 0
    this.#next()
  }

  #end(): void {
    const definition = {}
    const before = new Set(this.#writes)
    this.#ending.set(definition, before)
    if (before.size === 0) this.#close(definition)
    else this.#next()
  }

  #close(definition: object): void {
    this.#ending.delete(definition)
    if (this.#definitions > 0) this.#definitions -= 1
    this.#next()
  }

  #next(): void {
    this.#current += 1
    this.changed()
  }
}
