/** Round-trip times to regions, or to the zones of a region: as configured, or the shortest measured one. */
export class Distances {
  readonly #given: ReadonlyMap<string, number>
  readonly #measured = new Map<string, number>()

  /** @param rttMs - Milliseconds. */
  constructor(
    readonly local: string,
    rttMs: Readonly<Record<string, number>> = {},
  ) {
    this.#given = new Map(Object.entries(rttMs))
  }

  /** Milliseconds; `undefined`: unknown. */
  of(place: string): number | undefined {
    return place === this.local ? 0 : (this.#given.get(place) ?? this.#measured.get(place))
  }

  /** @returns Whether the known distance changed. */
  measured(place: string, ms: number): boolean {
    if (place === this.local || this.#given.has(place)) return false
    if (ms >= (this.#measured.get(place) ?? Number.POSITIVE_INFINITY)) return false
    this.#measured.set(place, ms)
    return true
  }
}
