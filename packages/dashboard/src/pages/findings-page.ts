import type { FindingItem, FindingsPage } from '../protocol/finding.ts'
import { findingKey } from '../recorder/request-recorder.ts'
import { findingItem } from './finding-item.ts'
import type { PageParts } from './page-parts.ts'
import { placeOf } from './place.ts'

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
