import { severityOf, sumOfImpacts } from '@sluice/core/siblings'
import { type LineSource, type MetricLine, short } from '../../pages/now-page.ts'
import { deadLetterWords, MAX_RANKED, RANK, type RankedFact, rankedItems } from '../../pages/ranked.ts'
import type { Badges, Engines, RankedItem, Totals, Vitals } from '../../protocol/now.ts'
import type { RingState } from '../../protocol/request.ts'
import type { RouteFigures } from '../../recorder/route-stats.ts'
import type { SecondFigures } from '../../recorder/second-log.ts'
import type { ProcessFacts } from '../process-facts.ts'
import { greatestOf, grouped, leastOf, meanOf, quantileOf, summed, sumOf, sumsOf, weighted } from './sums.ts'

export type AllFacts = readonly [ProcessFacts, ...ProcessFacts[]]

/**
 * Merges the problems of all processes, worst first. The same problem in several processes is listed once,
 * and so are alerts with the same name.
 */
export function mergeRanked(all: AllFacts): RankedItem[] {
  const items = all.flatMap(({ ranked }) => ranked)
  const merged = grouped(items, keyOf).map(([first, ...others]): RankedFact => {
    if (others.length === 0) return first
    if (first.kind === 'dead-letters')
      return {
        ...first,
        ...deadLetterWords(
          lettersOf(
            all.map(({ badges }) => badges),
            first.target,
          ),
        ),
      }
    if (first.kind === 'finding') return mergeFinding([first, ...others])
    if (first.kind !== 'alert') return first
    return { ...first, detail: `${first.detail} (and in ${others.length} more of ${all.length} processes)` }
  })
  return rankedItems(worstFirst(merged).slice(0, MAX_RANKED))
}

/** Sorts by severity; findings of one severity by the time that a fix would save per minute. */
function worstFirst(facts: readonly RankedFact[]): RankedFact[] {
  const saved = ({ impact }: RankedFact) => impact?.savedMsPerMinute ?? 0
  const bySeverity = facts.toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
  // The findings exchange places among themselves only: the order of other kinds is not comparable.
  const findings = bySeverity
    .filter(({ kind }) => kind === 'finding')
    .sort((a, b) => RANK[a.severity] - RANK[b.severity] || saved(b) - saved(a))
    .values()
  return bySeverity.map((fact) => (fact.kind === 'finding' ? (findings.next().value ?? fact) : fact))
}

/** The severity of a finding is that of the savings in all processes. */
function mergeFinding([first, ...others]: readonly [RankedFact, ...RankedFact[]]): RankedFact {
  const impacts = [first, ...others].flatMap(({ impact }) => impact ?? [])
  if (impacts.length === 0) return first
  const impact = sumOfImpacts(impacts)
  return { ...first, severity: severityOf(impact), impact }
}

/** Alert IDs differ between processes, so alerts are matched by severity and title. */
function keyOf({ kind, key, title, severity }: RankedItem): string {
  return kind === 'alert' ? `alert ${severity} ${title}` : key
}

export function mergeVitals(all: AllFacts): Vitals {
  const of = (field: keyof Vitals) => all.map(({ vitals }) => vitals[field])
  const times = all.flatMap(({ responseTimes }) => responseTimes)
  const quantile = (share: number) => rounded(quantileOf(times, share))
  const reads = all.reduce((sum, facts) => sum + facts.reads, 0)
  return {
    requestsPerSecond: rounded(sumOf(of('requestsPerSecond'))),
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    errorRate: rounded(
      weighted(all.map(({ vitals }) => [vitals.errorRate, vitals.requestsPerSecond ?? 0] as const)),
    ),
    queriesPerSecond: short(sumOf(of('queriesPerSecond')) ?? 0),
    cacheShare: reads === 0 ? null : short(all.reduce((sum, { cached }) => sum + cached, 0) / reads),
    cpu: rounded(meanOf(of('cpu'))),
    memory: rounded(meanOf(of('memory'))),
    eventLoopDelay: rounded(greatestOf(of('eventLoopDelay'))),
  }
}

export function mergeTotals(all: AllFacts): Totals {
  const [first, ...others] = all
  return summed<Totals>([first.totals, ...others.map(({ totals }) => totals)])
}

export function mergeRing(all: AllFacts): RingState {
  const rings = all.map(({ ring }) => ring)
  return {
    ...sumsOf(rings, ['requests', 'bytes', 'maxBytes', 'dropped']),
    oldestAt: leastOf(rings.map(({ oldestAt }) => oldestAt)),
  }
}

export function mergeBadges(all: AllFacts): Badges {
  const badges = all.map((facts) => facts.badges)
  const distinct = (of: (one: ProcessFacts['badges']) => readonly string[]) =>
    new Set(badges.flatMap(of)).size
  return {
    findings: distinct(({ findings }) => findings),
    alerts: badges.reduce((sum, { alerts }) => sum + alerts, 0),
    deadLetters: lettersOf(badges),
    nodes: distinct(({ nodes }) => nodes),
  }
}

/** Dead letters of one queue, or of all. Shared tasks are counted once, because each process counts them. */
function lettersOf(badges: readonly ProcessFacts['badges'][], name: string | null = null): number {
  const queues = badges.flatMap(({ deadLetters, hasSharedJobs }) =>
    deadLetters.flatMap(([queue, count]) =>
      name === null || queue === name
        ? [{ key: hasSharedJobs ? `shared ${queue}` : queue, count, hasSharedJobs }]
        : [],
    ),
  )
  const counts = grouped(queues, ({ key }) => key).map((same) =>
    same[0].hasSharedJobs
      ? Math.max(...same.map(({ count }) => count))
      : same.reduce((sum, { count }) => sum + count, 0),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

export function mergeEngines([first, ...others]: AllFacts): Engines {
  const engines: Record<string, boolean> = { ...first.engines }
  for (const other of others) for (const [name, isOn] of Object.entries(other.engines)) engines[name] ||= isOn
  return engines as unknown as Engines
}

/** Merges the data behind the charts of the page Now, for seconds that all processes have reported. */
export function mergeLines(all: AllFacts): LineSource {
  const until = Math.min(...all.map(({ at }) => at)) - 1_000
  const merged = (points: readonly WeightedPoint[], of: (same: readonly WeightedPoint[]) => number | null) =>
    secondsOf(points, until).map((same) => [same[0].at, short(of(same) ?? 0)] as const)
  const requests = all.map(({ metrics }) => new Map(metrics.requests))
  const pointsOf = (id: MetricLine) =>
    all.flatMap(({ metrics }, index) =>
      metrics[id].map(([at, value]) => ({ at, value, weight: requests[index]?.get(at) ?? 0 })),
    )
  return {
    metrics: {
      requests: merged(pointsOf('requests'), (same) => sumOf(same.map(({ value }) => value))),
      errorRate: merged(pointsOf('errorRate'), (same) =>
        weighted(same.map(({ value, weight }) => [value, weight] as const)),
      ),
    },
    seconds: secondsOf(
      all.flatMap(({ seconds }) => seconds),
      until,
    ).map(mergeSecond),
  }
}

interface WeightedPoint {
  readonly at: number
  readonly value: number
  readonly weight: number
}

function secondsOf<T extends { readonly at: number }>(all: readonly T[], until: number) {
  return grouped(
    all.filter(({ at }) => at <= until),
    ({ at }) => String(at),
  ).toSorted(([a], [b]) => a.at - b.at)
}

function mergeSecond(same: readonly [SecondFigures, ...SecondFigures[]]): SecondFigures {
  return {
    at: same[0].at,
    ...sumsOf(same, ['requests', 'queries', 'databaseMs', 'durationMs']),
    durations: same.flatMap(({ durations }) => durations),
  }
}

function rounded(value: number | null): number | null {
  return value === null ? null : short(value)
}

/** Merges statistics of equal names, most recent first. */
export function mergeRoutes(all: readonly RouteFigures[]): RouteFigures[] {
  const merged = grouped(all, ({ name }) => name).map(mergeRoute)
  return merged.sort((a, b) => b.lastAt - a.lastAt)
}

function mergeRoute(all: readonly [RouteFigures, ...RouteFigures[]]): RouteFigures {
  const [first, ...others] = all
  if (others.length === 0) return first
  const newestFirst = [...all].sort((a, b) => b.lastAt - a.lastAt)
  const newest = (of: (figures: RouteFigures) => string | null) =>
    newestFirst.map(of).find((id) => id !== null) ?? null
  return {
    name: first.name,
    ...sumsOf(all, ['requests', 'errors', 'perSecond', 'sample', 'queries', 'databaseMs', 'repeats']),
    ...sumsOf(all, ['reads', 'spared', 'cached', 'overBudget']),
    durations: all.flatMap(({ durations }) => durations).sort((a, b) => a - b),
    flags: [...new Set(all.flatMap(({ flags }) => flags))],
    budget: all.find(({ budget }) => budget !== null)?.budget ?? null,
    lastAt: Math.max(...all.map(({ lastAt }) => lastAt)),
    newest: newest(({ newest }) => newest),
    newestFlagged: newest(({ newestFlagged }) => newestFlagged),
  }
}
