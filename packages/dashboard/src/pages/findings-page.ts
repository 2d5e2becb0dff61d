import { type Finding, formatFinding } from '@sluice/core'
import { titleOf } from '@sluice/core/siblings'
import type { FindingItem, FindingsPage } from '../protocol/finding.ts'
import { findingKey } from '../recorder/request-recorder.ts'
import { type PageParts, placeOf } from './page-parts.ts'

const MAX_FINDINGS = 300

/** What to fix first: those that would have saved most time so far. */
export function findingItems({ sluice, recorder, muted }: Pick<PageParts, 'sluice' | 'recorder' | 'muted'>): FindingItem[] {
  const items = sluice.queries.getNPlusOnePatterns().map(({ estimatedSaving, ...finding }) => {
    const seen = recorder.traceOf(findingKey(finding))
    return findingItem(finding, { ...seen, isMuted: muted.has(finding.id), saving: estimatedSaving })
  })
  return items.sort((a, b) => Number(a.isMuted) - Number(b.isMuted) || b.savedMs - a.savedMs || b.count - a.count)
}

export function findingsPage(parts: PageParts): FindingsPage {
  const anomalies = parts.sluice.queries.getAnomalies()
  return {
    findings: findingItems(parts).slice(0, MAX_FINDINGS),
    requests: parts.recorder.requests,
    anomalies: anomalies.slice(0, MAX_FINDINGS).map(({ kind, severity, fingerprint, label, why, count, callSite }) => ({
      ...{ kind, severity, fingerprint, label, why, count, callSite: placeOf(callSite) },
    })),
  }
}

/** Characters of a line of the text. */
const WIDTH = 100

interface FindingFacts {
  readonly isMuted: boolean
  readonly request: string | null
  readonly lastAt: number | null
  /** What a repair would save in one request. */
  readonly saving: { readonly queries: number; readonly ms: number }
}

/** A finding as the page shows it. */
export function findingItem(finding: Finding, { isMuted, request, lastAt, saving }: FindingFacts): FindingItem {
  const { code, id, scope, fingerprint, label, count, pattern = null, severity, databaseMs, callSite, parent, fix = null } = finding
  const { queries, queriesPossible, occurrences, groups = [] } = finding
  return {
    ...{ key: findingKey(finding), id, code, title: titleOf(code), severity, scope, label, fingerprint, count, pattern, databaseMs },
    callSite: placeOf(callSite),
    parent: parent === undefined ? null : { label: parent.label, callSite: placeOf(parent.callSite) },
    ...{ fix, queries, queriesPossible, occurrences, saving },
    savedMs: saving.ms * occurrences,
    groups: groups.map((group) => ({
      ...{
        label: group.label,
        count: group.count,
        databaseMs: group.databaseMs,
        callSite: placeOf(group.callSite),
        fix: group.fix ?? null,
      },
    })),
    text: formatFinding(finding, { color: false, width: WIDTH }),
    ...{ isMuted, request, lastAt },
  }
}

/** What a repair would save in one request, by the finding's own figures. */
export function savingOf({ queries, queriesPossible, count, databaseMs }: Finding): { readonly queries: number; readonly ms: number } {
  const spared = Math.max(0, queries - queriesPossible)
  return { queries: spared, ms: count === 0 ? 0 : databaseMs * Math.min(1, spared / count) }
}
