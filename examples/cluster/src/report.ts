import { type Column, formatColumns } from '@sluice/example-atlas/columns'
import { count, paint, percent, type ReportStyle } from '@sluice/example-atlas/format'
import { type Figures, figuresOf, NODE_NAMES } from './figures.ts'
import type { StepResult } from './run-steps.ts'

const COLUMNS: readonly Column<Figures>[] = [
  { title: 'while', align: 'left', expendable: 0, cell: ({ name }) => name },
  { title: 'requests', align: 'right', expendable: 1, cell: ({ requests }) => count(requests) },
  { title: 'failed', align: 'right', expendable: 0, cell: ({ failed }) => count(failed) },
  { title: 'POSTs lost', align: 'right', expendable: 0, cell: ({ lostPosts }) => count(lostPosts) },
  { title: 'p50', align: 'right', expendable: 3, cell: ({ p50Ms }) => ms(p50Ms) },
  { title: 'p99', align: 'right', expendable: 2, cell: ({ p99Ms }) => ms(p99Ms) },
  {
    title: 'share of nodes',
    align: 'right',
    expendable: 4,
    cell: ({ nodes }) => `${NODE_NAMES.map((name) => Math.round((nodes[name] ?? 0) * 100)).join(' / ')}%`,
  },
  {
    title: 'on the replica',
    align: 'right',
    expendable: 2,
    cell: ({ replicaShare }) => percent(replicaShare, 1),
  },
  { title: 'own writes', align: 'right', expendable: 3, cell: ({ ownReads }) => count(ownReads) },
  { title: 'stale', align: 'right', expendable: 0, cell: ({ staleReads }) => count(staleReads) },
  {
    title: 'used again',
    align: 'right',
    expendable: 1,
    cell: ({ usedAgainMs }) => (usedAgainMs === null ? '–' : ms(usedAgainMs)),
  },
]

/** The results of the requests, one line per step. */
export function formatSteps(results: readonly StepResult[], style: ReportStyle): string {
  const [head = '', ...rows] = formatColumns(COLUMNS, results.map(figuresOf), style.width)
  const failures = results.flatMap(({ tally }) => tally.failures.map((failure) => `  ${failure}`))
  return [paint(style, '1', head), ...rows, ...failures, '', ...verdict(results, style)].join('\n')
}

/** Whether no request failed unnecessarily, and each visitor saw their writes. */
export function isGood(results: readonly StepResult[]): boolean {
  return results.map(figuresOf).every(({ failed, staleReads }) => failed === 0 && staleReads === 0)
}

/** The same for machines. */
export function clusterJson(results: readonly StepResult[]): object {
  return { nodes: NODE_NAMES.length, steps: results.map(figuresOf), isGood: isGood(results) }
}

function verdict(results: readonly StepResult[], style: ReportStyle): string[] {
  const figures = results.map(figuresOf)
  const sum = (value: (line: Figures) => number) => figures.reduce((all, line) => all + value(line), 0)
  const [requests, failed, lost] = [
    sum((line) => line.requests),
    sum((line) => line.failed),
    sum((line) => line.lostPosts),
  ]
  const [own, stale] = [sum((line) => line.ownReads), sum((line) => line.staleReads)]
  const line = (isGood: boolean, text: string) =>
    paint(style, isGood ? '32' : '31', `${isGood ? '✓' : '✗'} ${text}`)
  return [
    line(failed === 0, `${count(failed)} of ${count(requests)} requests failed`),
    ...(lost === 0
      ? []
      : [
          `  ${count(lost)} POSTs lost: in flight on a node that died or hung, and not retried, because they may have taken effect`,
        ]),
    line(
      stale === 0,
      `${count(stale)} of ${count(own)} reads after a write of the same visitor missed the write`,
    ),
  ]
}

function ms(value: number): string {
  return `${count(value)} ms`
}
