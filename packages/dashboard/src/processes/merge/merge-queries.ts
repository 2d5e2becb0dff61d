import type { DatabaseAdvice, QueriesPage, StatementRow } from '../../protocol/query.ts'
import { greatestOf, grouped, sumOf, weighted } from './sums.ts'

const MAX_STATEMENTS = 200

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
