import type { Mutable } from '../../shared/mutable.ts'
import type { Finding } from './finding.ts'
import { type FindingImpact, impactOf, savingOf } from './severity.ts'

/** A finding of one scope, before its severity is known. */
export type UnratedFinding = Omit<Finding, 'severity'>

/** The numbers of one occurrence. */
export type Occurrence = Pick<
  UnratedFinding,
  'code' | 'count' | 'pattern' | 'databaseMs' | 'queries' | 'queriesPossible'
>

/** A finding, and its occurrences. */
export class FindingEntry {
  #occurrences = 0
  #savedMs = 0
  #scopeMs = 0
  /** The numbers of the occurrence with the most queries. */
  #worst: Occurrence
  #requestId: string | undefined

  constructor(
    readonly key: string,
    /** Its description; the numbers in it can be those of another occurrence. */
    private described: UnratedFinding,
    private readonly firstAt: number,
  ) {
    this.#worst = described
  }

  /** Number of scopes with the finding. */
  get occurrences(): number {
    return this.#occurrences
  }

  /** The occurrence with the most queries. */
  get worst(): UnratedFinding {
    const { count, pattern, databaseMs, queries, queriesPossible } = this.#worst
    const finding: Mutable<UnratedFinding> = {
      ...this.described,
      count,
      databaseMs,
      queries,
      queriesPossible,
    }
    if (pattern !== undefined) finding.pattern = pattern
    if (this.#requestId !== undefined) finding.requestId = this.#requestId
    else delete finding.requestId
    return finding
  }

  /** Counts a finding with its new description. */
  describe(finding: UnratedFinding, scopeMs: number): void {
    if (finding.count >= this.#worst.count) this.described = finding
    this.add(finding, finding.requestId, scopeMs, finding.occurrences)
  }

  /**
   * Counts an occurrence.
   *
   * @param requestId - Id of the HTTP request, if there is one.
   * @param scopeMs - Duration of the scope.
   */
  add(found: Occurrence, requestId: string | undefined, scopeMs: number, occurrences = 1): void {
    this.#occurrences += occurrences
    this.#savedMs += savingOf(found).ms * occurrences
    this.#scopeMs += scopeMs * occurrences
    if (found.count < this.#worst.count) return
    this.#worst = found
    this.#requestId = requestId
  }

  /** @param latestAt - Time at which the latest scope of the app ended. */
  impactAt(latestAt: number): FindingImpact {
    return impactOf({
      occurrences: this.#occurrences,
      savedMs: this.#savedMs,
      scopeMs: this.#scopeMs,
      seenMs: latestAt - this.firstAt,
    })
  }
}
