import { compareFindings, severityOf, sumOfImpacts } from '@sluice/core/siblings'
import { MAX_FINDINGS } from '../../pages/findings-page.ts'
import { MAX_STATEMENTS } from '../../pages/queries-page.ts'
import type { FindingItem, FindingsPage, StatementAnomaly } from '../../protocol/finding.ts'
import type { DatabaseAdvice, QueriesPage, StatementRow } from '../../protocol/query.ts'
import type { RequestsPage } from '../../protocol/request.ts'
import { greatestOf, grouped, sumOf, weighted } from './sums.ts'

export function mergeQueries(pages: readonly QueriesPage[]): QueriesPage {
  const sum = (of: (page: QueriesPage) => number) => pages.reduce((total, page) => total + of(page), 0)
  const totalMs = sum((page) => page.totalMs)
  const rows = grouped(
    pages.flatMap(({ statements }) => statements),
    ({ fingerprint, dialect }) => `${dialect} ${fingerprint}`,
  )
  // All processes use the same database, so the latest analysis is the most accurate one.
  const [known] = [...pages].sort(
    (a, b) => (b.analyzedAt ?? 0) - (a.analyzedAt ?? 0) || (b.inspectedAt ?? 0) - (a.inspectedAt ?? 0),
  )
  return {
    statements: rows
      .map((same) => mergeStatement(same, totalMs))
      .sort((a, b) => b.totalMs - a.totalMs)
      .slice(0, MAX_STATEMENTS),
    shapes: Math.max(rows.length, ...pages.map(({ shapes }) => shapes)),
    calls: sum((page) => page.calls),
    totalMs,
    others: { calls: sum(({ others }) => others.calls), totalMs: sum(({ others }) => others.totalMs) },
    isAttached: pages.some(({ isAttached }) => isAttached),
    inspectedAt: greatestOf(pages.map(({ inspectedAt }) => inspectedAt)),
    tables: known?.tables ?? null,
    advice: distinctAdvice(
      known === undefined || known.analyzedAt !== null
        ? (known?.advice ?? [])
        : pages.flatMap(({ advice }) => advice),
    ),
    analyzedAt: greatestOf(pages.map(({ analyzedAt }) => analyzedAt)),
    pools: [...new Set(pages.flatMap(({ pools }) => pools))],
  }
}

function mergeStatement(all: readonly [StatementRow, ...StatementRow[]], allMs: number): StatementRow {
  const [first] = all
  const sum = (of: (row: StatementRow) => number) => all.reduce((total, row) => total + of(row), 0)
  const calls = sum((row) => row.calls)
  const totalMs = sum((row) => row.totalMs)
  const sites = grouped(
    all.flatMap(({ callSites }) => callSites),
    ({ text }) => text,
  )
  return {
    ...first,
    calls,
    errors: sumOf(all.map(({ errors }) => errors)),
    totalMs,
    avgMs: calls === 0 ? 0 : totalMs / calls,
    maxMs: Math.max(...all.map(({ maxMs }) => maxMs)),
    p95Ms: weighted(all.map((row) => [row.p95Ms, row.calls] as const)),
    share: allMs === 0 ? 0 : totalMs / allMs,
    rows: sum((row) => row.rows),
    callSites: sites
      .map((same) => ({ ...same[0], count: same.reduce((total, { count }) => total + count, 0) }))
      .sort((a, b) => b.count - a.count),
    firstSeenAt: Math.min(...all.map(({ firstSeenAt }) => firstSeenAt)),
    lastSeenAt: Math.max(...all.map(({ lastSeenAt }) => lastSeenAt)),
    isExplainable: all.some(({ isExplainable }) => isExplainable),
  }
}

function distinctAdvice(advice: readonly DatabaseAdvice[]): DatabaseAdvice[] {
  return grouped(advice, ({ key }) => key).map(([first]) => first)
}

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
