import { count, paint, percent, type ReportStyle } from './format.ts'
import { MAX_STALENESS_MS } from './freshness.ts'
import type { TwoProcessesResult } from './two-processes.ts'

const GAP = '  '
const HEAD = [
  'consistency',
  'reviews',
  'seen by the next read',
  'last stale result',
  'write p50',
  'write p99',
  'hit rate',
]

/** The results of the reviews, one line per consistency mode. */
export function formatTwoProcesses(results: readonly TwoProcessesResult[], style: ReportStyle): string {
  const rows = results.map((result) => [
    result.consistency,
    count(result.tries),
    `${count(result.seenAtOnce)} (${exactPercent(result.seenAtOnce, result.tries)})`,
    result.seenAtOnce === result.tries ? '–' : ms(result.lastStaleAnswerMs),
    ms(percentile(result.writeMs, 0.5)),
    ms(percentile(result.writeMs, 0.99)),
    percent(result.cached, result.cached + result.queries),
  ])
  const widths = HEAD.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join(GAP)
  return [
    paint(style, '1', line(HEAD)),
    ...rows.map(line),
    '',
    ...results.map((result) => verdict(result, style)),
  ].join('\n')
}

/** Whether the consistency holds what it promises. */
export function isKept({
  consistency,
  tries,
  seenAtOnce,
  neverSeen,
  worstStalenessMs,
}: TwoProcessesResult): boolean {
  return consistency === 'strict'
    ? seenAtOnce === tries
    : neverSeen === 0 && worstStalenessMs <= MAX_STALENESS_MS
}

/** The same for machines. */
export function twoProcessesJson(results: readonly TwoProcessesResult[]): object {
  return {
    processes: 2,
    results: results.map(({ writeMs, ...result }) => ({
      ...result,
      writeMs: { p50: percentile(writeMs, 0.5), p99: percentile(writeMs, 0.99) },
      hitRate: result.cached + result.queries === 0 ? 0 : result.cached / (result.cached + result.queries),
      isKept: isKept({ writeMs, ...result }),
    })),
  }
}

function verdict(result: TwoProcessesResult, style: ReportStyle): string {
  const { consistency, tries, seenAtOnce, neverSeen } = result
  const [color, sign] = isKept(result) ? ['32', '✓'] : ['31', '✗']
  const parts = [
    `${count(seenAtOnce)} of ${count(tries)} reviews were visible to the next read of the other process`,
  ]
  const late = tries - seenAtOnce - neverSeen
  if (late > 0) parts.push(`${count(late)} to a later read`)
  if (neverSeen > 0) parts.push(`${count(neverSeen)} to no read`)
  const allowed =
    consistency === 'bounded' && parts.length > 1 ? `; allowed for ${count(MAX_STALENESS_MS)} ms` : ''
  return paint(style, color, `${sign} ${consistency}: ${parts.join(', ')}${allowed}`)
}

function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0
}

/** A share that is not all is never shown as 100%. */
function exactPercent(part: number, whole: number): string {
  return part === whole ? '100%' : `${(Math.floor((part / whole) * 10_000) / 100).toFixed(2)}%`
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
