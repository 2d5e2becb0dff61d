import { type Finding, formatCallSite, formatFinding } from '@sluice/core'
import { type Column, formatColumns } from './columns.ts'
import type { Cost, Difference, RouteSummary } from './compare.ts'
import { count, paint, percent, type ReportStyle } from './format.ts'
import { TRAFFIC } from './requests.ts'

const COLUMNS: readonly Column<RouteSummary>[] = [
  { title: 'route', align: 'left', expendable: 0, cell: (summary) => summary.route },
  { title: 'requests', align: 'right', expendable: 3, cell: (summary) => count(summary.requests) },
  { title: 'queries', align: 'right', expendable: 2, cell: ({ bare }) => count(bare.queries) },
  { title: '→ Sluice', align: 'right', expendable: 0, cell: ({ sluice }) => count(sluice.queries) },
  { title: 'ms', align: 'right', expendable: 2, cell: ({ bare }) => count(bare.ms) },
  { title: '→ Sluice', align: 'right', expendable: 1, cell: ({ sluice }) => count(sluice.ms) },
  {
    title: 'hit rate',
    align: 'right',
    expendable: 4,
    cell: ({ cache }) => percent(cache.hits, cache.hits + cache.misses),
  },
]

/** The table of both runs, one line a route and a last one for all. */
export function formatTable(summaries: readonly RouteSummary[], style: ReportStyle): string {
  const [head = '', ...rows] = formatColumns(COLUMNS, [...summaries, total(summaries)], style.width)
  const last = rows.pop() ?? ''
  return [paint(style, '1', head), ...rows, paint(style, '1', last)].join('\n')
}

/** The findings as text: place, cost and fix of each. */
export function formatFindings(findings: readonly Finding[], style: ReportStyle): string {
  return findings.map((finding) => formatFinding(finding, style)).join('\n')
}

export function formatVerdict(
  summaries: readonly RouteSummary[],
  difference: Difference | undefined,
  style: ReportStyle,
): string {
  const { requests, identical } = total(summaries)
  if (difference === undefined)
    return paint(style, '32', `✓ ${count(identical)} of ${count(requests)} responses identical`)
  return [
    paint(
      style,
      '31',
      `✗ ${count(requests - identical)} of ${count(requests)} responses differ; the first: ${difference.request.route}`,
    ),
    `  ${difference.request.method} ${difference.request.path}`,
    `  without Sluice  ${difference.bare}`,
    `  with Sluice     ${difference.sluice}`,
  ].join('\n')
}

/** The requests after the comparison, with Sluice and a warm cache. */
export interface WarmRun {
  readonly requests: number
  /** Calls of the ORMs: without Sluice, each is at least one query. */
  readonly calls: number
  readonly queries: number
  readonly hits: number
  readonly misses: number
}

/** The hit rate from an empty cache on, and once it is warm. */
export function formatHitRates(
  summaries: readonly RouteSummary[],
  warm: WarmRun,
  style: ReportStyle,
): string {
  const { requests, cache } = total(summaries)
  return [
    paint(style, '1', `cache hit rate ${percent(warm.hits, warm.hits + warm.misses)}`),
    `  of the reads of ${count(warm.requests)} more requests, with a warm cache: ${count(warm.calls)} calls of the ORMs → ${count(warm.queries)} queries`,
    `  the ${count(requests)} requests above, which start with an empty cache: ${percent(cache.hits, cache.hits + cache.misses)}`,
    `  ${TRAFFIC}`,
  ].join('\n')
}

export interface DemoResult {
  /** Rows by table. */
  readonly dataset: Readonly<Record<string, number>>
  readonly routes: readonly RouteSummary[]
  readonly findings: readonly Finding[]
  readonly warm: WarmRun
}

/** The report for machines. A finding's place is also there as the terminal shows it. */
export function demoJson({ dataset, routes, findings, warm }: DemoResult): object {
  const cost = ({ queries, ms }: Cost) => ({ queries, ms: Math.round(ms * 10) / 10 })
  return {
    dataset,
    routes: routes.map(({ route, requests, identical, bare, sluice }) => ({
      route,
      requests,
      identical,
      bare: cost(bare),
      sluice: cost(sluice),
    })),
    findings: findings.map((finding) => ({
      ...finding,
      ...(finding.callSite && { at: formatCallSite(finding.callSite) }),
    })),
    cache: { hitRate: hitRate(total(routes).cache), warm: { ...warm, hitRate: hitRate(warm) } },
  }
}

function total(summaries: readonly RouteSummary[]): RouteSummary {
  const sum = (value: (summary: RouteSummary) => number) =>
    summaries.reduce((all, summary) => all + value(summary), 0)
  const cost = (side: 'bare' | 'sluice') => ({
    queries: sum((line) => line[side].queries),
    ms: sum((line) => line[side].ms),
  })
  const cache = { hits: sum((line) => line.cache.hits), misses: sum((line) => line.cache.misses) }
  return {
    route: 'all',
    requests: sum((line) => line.requests),
    identical: sum((line) => line.identical),
    bare: cost('bare'),
    sluice: cost('sluice'),
    cache,
  }
}

function hitRate({ hits, misses }: { readonly hits: number; readonly misses: number }): number {
  return hits + misses === 0 ? 0 : hits / (hits + misses)
}
