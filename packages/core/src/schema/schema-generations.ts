import { setBackgroundTimeout } from '../shared/timers.ts'

/** How long a definition whose outcome is unknown counts as in progress, in milliseconds. */
const LEASE_MS = 30_000

/** The writes that began between the ends of two definitions. */
export interface WriteEra {
  /** Number of writes in flight. */
  open: number
}

/**
 * Counts events that can change the schema of a database. A catalog from one generation is not valid in the
 * next, and a statement analyzed in one generation can have different effects in the next: `CREATE TRIGGER`
 * waits for the same locks as an `UPDATE`.
 */
export class SchemaGenerations {
  #current = 0
  #definitions = 0
  /** The era of the next write. Writes are counted per era, not listed. */
  #era: WriteEra = { open: 0 }
  /** Earlier eras with writes in flight. */
  readonly #eras = new Set<WriteEra>()
  /** Definitions that have ended, each with the eras whose writes were in flight at that time. */
  readonly #ending = new Map<object, Set<WriteEra>>()
  readonly #leases = new Set<NodeJS.Timeout>()

  constructor(private readonly changed: () => void) {}

  /** Increases when a definition begins and when it ends. */
  get current(): number {
    return this.#current
  }

  /**
   * Whether a definition is in progress or its outcome is unknown, or a write that began before its end is in
   * flight.
   */
  get isChanging(): boolean {
    return this.#definitions > 0
  }

  /**
   * Call this before sending a statement that can change the schema, or before committing the transaction
   * that contains it.
   *
   * @returns The function that reports its end, and whether it has certainly ended.
   */
  beginDefinition(): (isOver: boolean) => void {
    this.#definitions += 1
    this.#next()
    let isEnded = false
    return (isOver) => {
      if (isEnded) return
      isEnded = true
      if (isOver) return this.#end()
      const lease = setBackgroundTimeout(() => {
        this.#leases.delete(lease)
        this.#end()
      }, LEASE_MS)
      this.#leases.add(lease)
    }
  }

  /**
   * Call this before sending a write that takes effect without a separate commit. Until the write has ended,
   * a definition that ends meanwhile stays in progress.
   *
   * @returns The argument for `endWrite`, which must be called once.
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
