const MAX_NAMES = 200
const MAX_LENGTH = 100

/**
 * Names of scopes that an app or its clients choose. Their number is bounded, because metrics have a series
 * per name.
 */
export class BoundedNames {
  readonly #known = new Set<string>()

  /** @param other - The name of all others. */
  constructor(private readonly other: string) {}

  of(name: string): string {
    const short = name.slice(0, MAX_LENGTH)
    if (this.#known.size < MAX_NAMES) this.#known.add(short)
    return this.#known.has(short) ? short : this.other
  }
}
