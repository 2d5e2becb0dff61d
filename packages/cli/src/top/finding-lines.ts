import type { LiveFinding } from '../dashboard/protocol.ts'
import { cut, widthOf } from '../report/cells.ts'
import { duration } from '../report/numbers.ts'
import type { Paint } from '../report/palette.ts'
import { wrapped } from '../report/wrapped.ts'
import { decimal, milliseconds, rate } from './columns.ts'
import type { RouteFigures } from './live-model.ts'

export interface FindingLinesOptions {
  readonly paint: Paint
  readonly width: number
  /** Of the dashboard, for links. */
  readonly address: string
}

/** A route's findings, what would be saved most first; muted ones are left out. */
export function findingsOf(findings: readonly LiveFinding[], route: string): readonly LiveFinding[] {
  return findings.filter(({ scope, isMuted }) => scope === route && !isMuted).sort((a, b) => b.savedMs - a.savedMs || b.count - a.count)
}

/** Figures of a route that have no room in the table. */
export function routeLines(route: RouteFigures, { paint, width }: FindingLinesOptions): string[] {
  const { requests, errors, perSecond, sample, queries, repeats, databaseMs, p50, p95, p99, cacheShare, budget, overBudget } = route
  const figures = [
    `${rate(perSecond)} req/s · ${rate(requests)} requests · ${rate(errors)} failed · p50 ${milliseconds(p50)} · p95 ${milliseconds(p95)} · p99 ${milliseconds(p99)} ms`,
    `${decimal(queries)} queries, ${decimal(databaseMs)} ms of database a request · ${decimal(repeats)} could be spared${
      cacheShare === undefined ? '' : ` · ${Math.round(cacheShare * 100)}% from the cache`
    }${budget === undefined ? '' : ` · budget ${budget}, over it ${overBudget} of ${sample}`}`,
  ]
  return figures.flatMap((line) => wrapped(line, width)).map((line) => paint('dim', line))
}

/** A finding with where and how; the place is never cut. */
export function findingLines(finding: LiveFinding, options: FindingLinesOptions): string[] {
  const { paint, width, address } = options
  const { code, severity, title, queries, queriesPossible, occurrences, parent, groups, request, id } = finding
  const outcome =
    code === 'QUERY_BUDGET' ? `${queries} queries, ${queriesPossible} allowed` : `${queries} queries → ${queriesPossible} possible`
  const head = `${paint(severity === 'low' ? 'yellow' : 'red', `▲ ${title}`)}  ${cut(`${outcome}   seen ${rate(occurrences)}×`, width - title.length - 4)}`
  const own = code === 'QUERY_BUDGET' ? groups : [finding]
  const lines = own.flatMap((group) => groupLines(group, group === finding ? parent : undefined, options))
  return [
    head,
    ...lines,
    ...(code === 'REPEATED_QUERY' && finding.fix === undefined ? [`  ${paint('dim', 'fix')}  ask once and keep the result`] : []),
    ...(request === undefined ? [] : [`  ${paint('dim', 'more')} ${address}/r/${request}`]),
    `  ${paint('dim', 'mute')} npx sluice ignore ${id}`,
  ]
}

/** @param after - The listing that it walks along. */
function groupLines(group: LiveFinding['groups'][number], after: string | undefined, { paint, width }: FindingLinesOptions): string[] {
  const ms = duration(group.databaseMs)
  const times = `${group.count}×`
  const label = cut(group.label, Math.max(16, width - times.length - ms.length - 6))
  const site = group.callSite ?? ''
  const isRoomy = after !== undefined && site !== '' && widthOf(site) + widthOf(after) + 14 <= width
  const own = after === undefined || isRoomy ? [] : wrapped(`after ${after}`, width - 7).map((line) => `       ${line}`)
  return [
    `  ${times} ${label}  ${paint('dim', ms)}`,
    ...(site === '' ? [] : [`  ${paint('dim', 'at')}   ${paint('cyan', site)}${isRoomy ? ` after ${after}` : ''}`]),
    ...own,
    ...(group.fix === undefined
      ? []
      : wrapped(group.fix, width - 7).map((line, at) => `  ${at === 0 ? paint('dim', 'fix') : '   '}  ${paint('green', line)}`)),
  ]
}
