import type { FromWorker } from './messages.ts'
import type { Violation } from './oracle.ts'

const MAX_EXAMPLES = 10
const MAX_FAILURES = 50
const MESSAGE_LENGTH = 160

/** The counts of a run. */
export interface CheckReport {
  readonly reads: number
  readonly writes: number
  /** Writes that the subject did not execute because it could not notify other processes. */
  readonly rejected: number
  /** Writes that the database rejected. */
  readonly refused: number
  readonly unknownOutcomes: number
  readonly failedReads: number
  /** Reads that were served without the database. */
  readonly hits: number
  /**
   * The number of these reads that read only an entry from the store, because the process knew the state of
   * its tags.
   */
  readonly knownHits: number
  readonly violationsA: number
  readonly violationsB: number
  readonly violationsC: number
  /** Results that were compared at rest. */
  readonly compared: number
  readonly worstStaleMs: number
  readonly staleBeyondMax: number
  readonly faults: Readonly<Record<string, number>>
  /** The first few violations of each guarantee. */
  readonly examples: readonly string[]
  /** Messages of failures, with their counts. */
  readonly failures: Readonly<Record<string, number>>
}

export class Tally {
  reads = 0
  writes = 0
  compared = 0
  readonly #maxStalenessMs: number
  readonly #failed = { rejected: 0, refused: 0, unknown: 0, read: 0 }
  readonly #broken = { A: 0, B: 0, C: 0 }
  readonly #hits = new Map<number, Pick<CheckReport, 'hits' | 'knownHits'>>()
  readonly #failures = new Map<string, number>()
  readonly #examples: string[] = []
  #worstStaleMs = 0
  #beyond = 0

  constructor(maxStalenessMs: number) {
    this.#maxStalenessMs = maxStalenessMs
  }

  violated({ promise, kind, what, staleMs }: Violation): void {
    this.#broken[promise] += 1
    this.#worstStaleMs = Math.max(this.#worstStaleMs, staleMs)
    if (staleMs > this.#maxStalenessMs) this.#beyond += 1
    this.#example(promise, `${kind}: ${what}, ${Math.round(staleMs)} ms`)
  }

  differs(difference: string): void {
    this.#broken.C += 1
    this.#example('C', difference)
  }

  failed({ what, message }: Extract<FromWorker, { type: 'failed' }>): void {
    this.#failed[what] += 1
    const text = `${what}: ${message.replace(/\s+/g, ' ').slice(0, MESSAGE_LENGTH)}`
    const known = this.#failures.get(text)
    if (known !== undefined || this.#failures.size < MAX_FAILURES) this.#failures.set(text, (known ?? 0) + 1)
  }

  /** @param worker - Distinguishes it from earlier workers in its position. */
  hit(worker: number, { hits, knownHits }: Pick<CheckReport, 'hits' | 'knownHits'>): void {
    this.#hits.set(worker, { hits, knownHits })
  }

  report(faults: ReadonlyMap<string, number>): CheckReport {
    return {
      reads: this.reads,
      writes: this.writes,
      rejected: this.#failed.rejected,
      refused: this.#failed.refused,
      unknownOutcomes: this.#failed.unknown,
      failedReads: this.#failed.read,
      hits: this.#sum('hits'),
      knownHits: this.#sum('knownHits'),
      violationsA: this.#broken.A,
      violationsB: this.#broken.B,
      violationsC: this.#broken.C,
      compared: this.compared,
      worstStaleMs: Math.round(this.#worstStaleMs),
      staleBeyondMax: this.#beyond,
      faults: Object.fromEntries(faults),
      examples: this.#examples,
      failures: Object.fromEntries(this.#failures),
    }
  }

  #sum(count: 'hits' | 'knownHits'): number {
    return [...this.#hits.values()].reduce((sum, counts) => sum + counts[count], 0)
  }

  #example(promise: Violation['promise'] | 'C', text: string): void {
    if (this.#broken[promise] <= MAX_EXAMPLES) this.#examples.push(`${promise}: ${text}`)
  }
}
