import { type Finding, formatFinding } from '@sluice/core'
import {
  causeOf,
  compareFindings,
  type FindingImpact,
  type FindingRoute,
  titleOf,
} from '@sluice/core/siblings'
import type { FindingItem, FindingsPage } from '../protocol/finding.ts'
import { type PageParts, placeOf } from './page-parts.ts'

export const MAX_FINDINGS = 300

/** Findings, ordered by severity, then by the time that a fix would save per minute; muted ones last. */
export function findingItems({
  sluice,
  recorder,
  muted,
}: Pick<PageParts, 'sluice' | 'recorder' | 'muted'>): FindingItem[] {
  const items = sluice.queries
    .getNPlusOnePatterns()
    .map(({ estimatedSaving, impact, routes, ...finding }) => {
      const seen = recorder.traceOf(causeOf(finding))
      const isMuted = muted.has(finding.id)
      return findingItem(finding, { ...seen, isMuted, saving: estimatedSaving, impact, routes })
    })
  return items.sort((a, b) => Number(a.isMuted) - Number(b.isMuted) || compareFindings(a, b))
}

export function findingsPage(parts: PageParts): FindingsPage {
  const anomalies = parts.sluice.queries.getAnomalies()
  return {
    findings: findingItems(parts).slice(0, MAX_FINDINGS),
    requests: parts.recorder.requests,
    anomalies: anomalies
      .slice(0, MAX_FINDINGS)
      .map(({ kind, severity, fingerprint, label, why, count, callSite }) => ({
        kind,
        severity,
        fingerprint,
        label,
        why,
        count,
        callSite: placeOf(callSite),
      })),
  }
}

/** Line length of the text, in characters. */
const WIDTH = 100

interface FindingFacts {
  readonly isMuted: boolean
  readonly request: string | null
  readonly lastAt: number | null
  /** Savings of a fix in one request. */
  readonly saving: { readonly queries: number; readonly ms: number }
  readonly impact: FindingImpact
  readonly routes: readonly FindingRoute[]
}

/** Converts a finding to the format of the page. */
export function findingItem(
  finding: Finding,
  { isMuted, request, lastAt, saving, impact, routes }: FindingFacts,
): FindingItem {
  const {
    code,
    id,
    scope,
    fingerprint,
    label,
    count,
    pattern = null,
    severity,
    databaseMs,
    callSite,
    parent,
    fix = null,
  } = finding
  const { queries, queriesPossible, occurrences, groups = [] } = finding
  return {
    key: causeOf(finding),
    id,
    code,
    title: titleOf(code),
    severity,
    scope,
    label,
    fingerprint,
    count,
    pattern,
    databaseMs,
    callSite: placeOf(callSite),
    parent: parent === undefined ? null : { label: parent.label, callSite: placeOf(parent.callSite) },
    fix,
    queries,
    queriesPossible,
    occurrences,
    saving,
    savedMs: impact.savedMs,
    impact,
    routes,
    groups: groups.map((group) => ({
      label: group.label,
      count: group.count,
      databaseMs: group.databaseMs,
      callSite: placeOf(group.callSite),
      fix: group.fix ?? null,
    })),
    text: formatFinding(finding, { color: false, width: WIDTH }),
    isMuted,
    request,
    lastAt,
  }
}
