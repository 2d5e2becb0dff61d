/** How long a definition whose outcome is unknown counts as under way, in milliseconds. */
const LEASE_MS = 30_000

/** The writes that began between two ends of definitions. */
export interface WriteEra {
  /** Those that are in flight. */
  open: number
}

/**
 * Counts what may change the schema of a database. A catalog that was read in one generation says nothing about the next, and a
 * statement that was understood in one may do something else in the next: `CREATE TRIGGER` waits for the same locks as an `UPDATE`.
 */
export class SchemaGenerations {
  #current = 0
  #definitions = 0
  /** The era of the next write. Writes are counted, not listed: each takes part in this. */
  #era: WriteEra = { open: 0 }
  /** Earlier eras with writes in flight. */
  readonly #eras = new Set<WriteEra>()
  /** Definitions that have ended, each with the eras whose writes were in flight then. */
  readonly #ending = new Map<object, Set<WriteEra>>()
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

  /**
   * A write that takes effect by itself is about to be sent. Until it has ended, a definition that ends meanwhile stays under way.
   *
   * @returns What `endWrite` must be called with, once.
   */
  beginWrite(): WriteEra {
    this.#era.open += 1
    return this.#era
  }

  endWrite(era: WriteEra): void {
    era.open -= 1
    if (era.open > 0 || era === this.#era) return
    this.#eras.delete(era)
    for (const [definition, eras] of this.#ending) {
      eras.delete(era)
      if (eras.size === 0) this.#close(definition)
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
    if (this.#era.open > 0) {
      this.#eras.add(this.#era)
      this.#era = { open: 0 }
    }
    const before = new Set(this.#eras)
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
