import { LRUCache } from 'lru-cache'
import type { Finding } from './finding.ts'
import { FindingEntry, type UnratedFinding } from './finding-entry.ts'
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

/** Counts the findings of scopes that ended: equal ones of scopes with the same name are one finding. */
export class FindingBook {
  /** Created with the first finding, to save memory. */
  #entries: LRUCache<string, FindingEntry> | undefined
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
   */
  add(finding: UnratedFinding, scopeMs: number): FindingEntry {
    this.#entries ??= new LRUCache({ max: MAX_FINDINGS })
    const key = keyOf(finding)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = new FindingEntry(key, finding, this.#latestAt)
      this.#entries.set(key, entry)
    }
    entry.add(finding, finding, finding.requestId, scopeMs, finding.occurrences)
    return entry
  }

  /** Whether an entry was neither evicted nor cleared. Counts as a use of it. */
  has(entry: FindingEntry): boolean {
    return this.#entries?.get(entry.key) === entry
  }

  /** Adds the severity of a finding, and the number of its occurrences up to now, to the same object. */
  rate(finding: UnratedFinding): Finding {
    const entry = this.#entries?.get(keyOf(finding))
    return entry === undefined
      ? rated(finding)
      : Object.assign(finding, {
          occurrences: entry.occurrences,
          severity: severityOf(entry.impactAt(this.#latestAt)),
        })
  }

  /** Returns every finding. */
  list(): readonly CountedFinding[] {
    return [...(this.#entries?.values() ?? [])].map((entry) => {
      const impact = entry.impactAt(this.#latestAt)
      const { worst, occurrences } = entry
      return { finding: { ...worst, occurrences, severity: severityOf(impact) }, impact }
    })
  }

  clear(): void {
    this.#entries?.clear()
  }
}

/** Adds the severity of a finding that was seen in this scope only. */
export function rated(finding: UnratedFinding): Finding {
  const { occurrences } = finding
  const savedMs = savingOf(finding).ms * occurrences
  return { ...finding, severity: severityOf(impactOf({ occurrences, savedMs, scopeMs: 0, seenMs: 0 })) }
}

function keyOf({ scope, id, callSite }: UnratedFinding): string {
  return `${scope}\n${id}\n${siteKey(callSite)}`
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
