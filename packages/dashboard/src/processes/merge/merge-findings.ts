import { compareFindings, severityOf, sumOfImpacts } from '@sluice/core/siblings'
import type { FindingItem, FindingsPage, StatementAnomaly } from '../../protocol/finding.ts'
import type { RequestsPage } from '../../protocol/request.ts'
import { greatestOf, grouped } from './sums.ts'

const MAX_FINDINGS = 300

export function mergeFindings(pages: readonly FindingsPage[]): FindingsPage {
  const findings = grouped(
    pages.flatMap((page) => page.findings),
    ({ key }) => key,
  ).map(mergeFinding)
  const anomalies = grouped(
    pages.flatMap((page) => page.anomalies),
    ({ kind, fingerprint }) => `${kind} ${fingerprint}`,
  )
  return {
    findings: findings
      .sort((a, b) => Number(a.isMuted) - Number(b.isMuted) || compareFindings(a, b))
      .slice(0, MAX_FINDINGS),
    requests: pages.reduce((sum, { requests }) => sum + requests, 0),
    anomalies: anomalies.map(mergeAnomaly).slice(0, MAX_FINDINGS),
  }
}

/** Takes the finding of the process with the worst request, and adds up its counters. */
function mergeFinding(all: readonly [FindingItem, ...FindingItem[]]): FindingItem {
  const worst = all.reduce((left, right) => (right.count > left.count ? right : left))
  const newest = all.reduce((left, right) => ((right.lastAt ?? 0) > (left.lastAt ?? 0) ? right : left))
  // An earlier version of the dashboard in another process sends none.
  const impact = sumOfImpacts(all.flatMap((item) => item.impact ?? []))
  return {
    ...worst,
    severity: severityOf(impact),
    impact,
    routes: mergeRoutesOf(all),
    occurrences: all.reduce((sum, { occurrences }) => sum + occurrences, 0),
    savedMs: all.reduce((sum, { savedMs }) => sum + savedMs, 0),
    isMuted: all.every(({ isMuted }) => isMuted),
    request: newest.request ?? all.find(({ request }) => request !== null)?.request ?? null,
    lastAt: greatestOf(all.map(({ lastAt }) => lastAt)),
  }
}

function mergeRoutesOf(all: readonly FindingItem[]): FindingItem['routes'] {
  const byScope = grouped(
    all.flatMap(({ routes }) => routes ?? []),
    ({ scope }) => scope,
  )
  const merged = byScope.map((same) => {
    const worst = same.reduce((left, right) => (right.count > left.count ? right : left))
    const impact = sumOfImpacts(same.map((route) => route.impact))
    return { ...worst, occurrences: impact.occurrences, impact }
  })
  return merged.sort((a, b) => b.impact.savedMsPerMinute - a.impact.savedMsPerMinute)
}

function mergeAnomaly(all: readonly [StatementAnomaly, ...StatementAnomaly[]]): StatementAnomaly {
  return { ...all[0], count: all.reduce((sum, { count }) => sum + count, 0) }
}

/** @param limit - Maximum number of recent requests. Routes are merged separately. */
export function mergeRecent(
  pages: readonly RequestsPage[],
  limit: number,
): Pick<RequestsPage, 'recent' | 'matching'> {
  const recent = pages.flatMap((page) => page.recent)
  return {
    recent: recent.sort((a, b) => b.startedAt + b.durationMs - (a.startedAt + a.durationMs)).slice(0, limit),
    matching: pages.reduce((sum, { matching }) => sum + matching, 0),
  }
}
