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
    /** The first one; its numbers can be those of another occurrence. */
    private description: UnratedFinding,
    private readonly firstAt: number,
  ) {
    this.#worst = description
  }

  /** Number of scopes with the finding. */
  get occurrences(): number {
    return this.#occurrences
  }

  /** The occurrence with the most queries. */
  get worst(): UnratedFinding {
    return occurrenceOf(this.description, this.#worst, this.#requestId)
  }

  /**
   * Counts an occurrence.
   *
   * @param description - A finding with the same description.
   * @param requestId - Id of the HTTP request, if there is one.
   * @param scopeMs - Duration of the scope.
   */
  add(
    found: Occurrence,
    description: UnratedFinding,
    requestId: string | undefined,
    scopeMs: number,
    occurrences = 1,
  ): void {
    this.#occurrences += occurrences
    this.#savedMs += savingOf(found).ms * occurrences
    this.#scopeMs += scopeMs * occurrences
    if (found.count < this.#worst.count) return
    this.#worst = found
    this.description = description
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

/**
 * Returns the finding of another occurrence.
 *
 * @param description - A finding with the same description.
 */
export function occurrenceOf(
  description: UnratedFinding,
  { count, pattern, databaseMs, queries, queriesPossible }: Occurrence,
  requestId: string | undefined,
): UnratedFinding {
  const { code, id, scope, fingerprint, label, callSite, parent, fix, groups } = description
  // No spread: it costs several times as much, and each request can have findings.
  const finding: Mutable<UnratedFinding> = {
    code,
    id,
    scope,
    fingerprint,
    label,
    count,
    databaseMs,
    queries,
    queriesPossible,
    occurrences: 1,
  }
  if (pattern !== undefined) finding.pattern = pattern
  if (requestId !== undefined) finding.requestId = requestId
  if (callSite !== undefined) finding.callSite = callSite
  if (parent !== undefined) finding.parent = parent
  if (fix !== undefined) finding.fix = fix
  if (groups !== undefined) finding.groups = groups
  return finding
}
