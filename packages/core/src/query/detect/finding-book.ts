import { LRUCache } from 'lru-cache'
import type { Finding } from './finding.ts'
import { type FindingImpact, impactOf, savingOf, severityOf } from './severity.ts'
import { siteKey } from './sites.ts'

/** Maximum number of stored findings. Those that were not seen for the longest time are evicted first. */
const MAX_FINDINGS = 1_000

/** A finding with the savings of its fix over all occurrences. */
export interface CountedFinding {
  /** The occurrence with the most queries. */
  readonly finding: Finding
  readonly impact: FindingImpact
}

/** A finding of one scope, before its severity is known. */
export type UnratedFinding = Omit<Finding, 'severity'>

interface Entry {
  /** The occurrence with the most queries. */
  worst: UnratedFinding
  occurrences: number
  savedMs: number
  scopeMs: number
  readonly firstAt: number
}

/** Counts the findings of scopes that ended: equal ones of scopes with the same name are one finding. */
export class FindingBook {
  /** Created with the first finding, to save memory. */
  #entries: LRUCache<string, Entry> | undefined
  /** Time at which the latest scope of the app ended. */
  #latestAt = 0

  /**
   * A scope ended, with or without findings.
   *
   * @param at - Monotonic time in milliseconds.
   */
  ended(at: number): void {
    this.#latestAt = at
  }

  /**
   * Counts a finding of the scope that ended last.
   *
   * @param scopeMs - Duration of the scope.
   * @returns The same object, with the severity and the number of occurrences up to now.
   */
  add(finding: UnratedFinding, scopeMs: number): Finding {
    this.#entries ??= new LRUCache({ max: MAX_FINDINGS })
    const { occurrences } = finding
    const savedMs = savingOf(finding).ms * occurrences
    const key = `${finding.scope}\n${finding.id}\n${siteKey(finding.callSite)}`
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { worst: finding, occurrences: 0, savedMs: 0, scopeMs: 0, firstAt: this.#latestAt }
      this.#entries.set(key, entry)
    } else if (finding.count >= entry.worst.count) entry.worst = finding
    entry.occurrences += occurrences
    entry.savedMs += savedMs
    entry.scopeMs += scopeMs * occurrences
    const severity = severityOf(this.#impactOf(entry))
    return Object.assign(finding, { occurrences: entry.occurrences, severity })
  }

  /** Returns every finding. */
  list(): readonly CountedFinding[] {
    return [...(this.#entries?.values() ?? [])].map((entry) => {
      const impact = this.#impactOf(entry)
      const { occurrences } = entry
      return { finding: { ...entry.worst, occurrences, severity: severityOf(impact) }, impact }
    })
  }

  clear(): void {
    this.#entries?.clear()
  }

  #impactOf({ occurrences, savedMs, scopeMs, firstAt }: Entry): FindingImpact {
    return impactOf({ occurrences, savedMs, scopeMs, seenMs: this.#latestAt - firstAt })
  }
}

/**
 * Maximum number of findings whose repeats are counted. Beyond it, earlier findings can be reported again.
 */
const MAX_REPEATED = 1000

/**
 * Selects the findings to report: each the 1st time in scopes of one name, and then at the 10th, 100th,
 * 1,000th … time.
 */
export class FindingRepeats {
  readonly #seen = new Map<string, number>()

  /** @returns How often the finding was seen; `undefined` if it must not be reported now. */
  timesToReport({ scope, id }: Finding): number | undefined {
    const key = `${scope}\n${id}`
    const times = (this.#seen.get(key) ?? 0) + 1
    if (this.#seen.size >= MAX_REPEATED && times === 1) this.#seen.clear()
    this.#seen.set(key, times)
    return Number.isInteger(Math.log10(times)) ? times : undefined
  }
}
