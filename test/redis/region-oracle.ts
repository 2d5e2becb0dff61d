import { Random } from '../support/random.ts'

interface Version {
  readonly value: number
  /** When its write was acknowledged; `undefined`: not yet. */
  ackedAt: number | undefined
}

/** The result of a run: how old the results of reads were. */
export interface Verdict {
  readonly reads: number
  /** Reads that did not query the source. */
  readonly hits: number
  /** Reads that returned an older value than the last one acknowledged before they started. */
  readonly stale: number
  /** Stale reads whose next version had been acknowledged more than the bound before they started. */
  readonly beyond: number
  /** The oldest result, in milliseconds after the acknowledgement of the next version. */
  readonly oldestMs: number
}

/** A source of values, each of which is written once. Measures how old the results of reads are. */
export class RegionOracle {
  readonly keys: readonly string[]
  readonly #versions = new Map<string, Version[]>()
  readonly #random = new Random(7)
  #lastValue = 0
  #reads = 0
  #loads = 0
  #stale = 0
  #beyond = 0
  #oldestMs = 0

  constructor(
    count: number,
    private readonly boundMs: number,
  ) {
    this.keys = Array.from({ length: count }, (_, at) => `key-${at}`)
    for (const key of this.keys) this.#versions.set(key, [{ value: 0, ackedAt: 0 }])
  }

  get someKey(): string {
    return this.#random.pick(this.keys)
  }

  current(key: string): number {
    return this.#of(key).at(-1)?.value as number
  }

  newValue(): number {
    this.#lastValue += 1
    return this.#lastValue
  }

  /** A write. Often, its announcement has arrived in the other region before it takes effect. */
  async write(key: string, value: number): Promise<void> {
    const version: Version = { value, ackedAt: undefined }
    if (this.#random.chance(0.3)) await pause(800 * this.#random.next())
    this.#of(key).push(version)
    await pause(5 * this.#random.next())
    version.ackedAt = performance.now()
  }

  /** Queries the source, which is in the other region. */
  async load(key: string, wayMs: number): Promise<number> {
    this.#loads += 1
    await pause(wayMs)
    const value = this.current(key)
    await pause(wayMs)
    return value
  }

  async read(key: string, ask: () => Promise<number>): Promise<void> {
    const startedAt = performance.now()
    const value = await ask()
    this.#reads += 1
    const versions = this.#of(key)
    const newer = versions.slice(versions.findIndex((version) => version.value === value) + 1)
    const ackedAt = Math.min(...newer.map((version) => version.ackedAt ?? Number.POSITIVE_INFINITY))
    if (ackedAt > startedAt) return
    const ageMs = startedAt - ackedAt
    this.#stale += 1
    if (ageMs > this.boundMs) this.#beyond += 1
    this.#oldestMs = Math.max(this.#oldestMs, ageMs)
  }

  verdict(): Verdict {
    return {
      reads: this.#reads,
      hits: this.#reads - this.#loads,
      stale: this.#stale,
      beyond: this.#beyond,
      oldestMs: Math.round(this.#oldestMs),
    }
  }

  #of(key: string): Version[] {
    return this.#versions.get(key) as Version[]
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
