import type { QueryFigure } from '../query/report.ts'
import type { Kind } from './operations.ts'
import type { Done, LoadResult, Phase } from './run-load.ts'

export type Mode = 'bare' | 'bounded' | 'strict'

export interface OutageResult extends LoadResult {
  readonly mode: Mode
  readonly phases: readonly Phase[]
}

/** Window of the hit rate, in milliseconds. */
const WINDOW_MS = 500
/** Hits have recovered when their rate is this share of the earlier rate. */
const BACK_SHARE = 0.9
const REJECTED = 'SLUICE_WRITE_REJECTED'
const HEADER = ['', 'reads', 'p50', 'p99', 'hit rate', 'failed', 'writes', 'p50', 'p99', 'failed']
const WIDTHS = [18, 8, 9, 9, 10, 8, 10, 9, 9, 8]

export function printOutageHeader(): void {
  printRow(HEADER)
}

export function printOutage(result: OutageResult): void {
  console.log(`  ${result.mode}`)
  for (const phase of result.phases) {
    const [reads, writes] = [pick(result, 'read', phase), pick(result, 'write', phase)]
    const hits = reads.filter(({ isHit }) => isHit).length
    printRow([
      `  ${phase}`,
      String(reads.length),
      ms(latency(reads, 0.5)),
      ms(latency(reads, 0.99)),
      percent(hits, reads.length),
      String(failed(reads).length),
      String(writes.length),
      ms(latency(writes, 0.5)),
      ms(latency(writes, 0.99)),
      String(failed(writes).length),
    ])
  }
  if (result.mode === 'bare') return
  const added = latency(pick(result, 'read', 'down'), 0.99) - latency(pick(result, 'read', 'before'), 0.99)
  console.log(`    added to a read while Redis was down, p99: ${ms(added)} ms`)
  const [first, back] = [firstHitMs(result), hitsBackMs(result)]
  console.log(
    `    after the restart: first hit ${seconds(first)}, hit rate back at ${BACK_SHARE * 100} % of what it was ${seconds(back)}`,
  )
  const last = lastFailureMs(result)
  if (last !== undefined) console.log(`    after the restart: the last request failed ${seconds(last)}`)
  console.log(`    failed: ${failures(result.done)}`)
}

/** The required results, and the cost of the outage. */
export function outageFigures(result: OutageResult, slack: { readonly recoveryMs: number }): QueryFigure[] {
  const { mode, done } = result
  const count = (kind: Kind) => failed(done.filter((one) => one.kind === kind)).length
  const strangers = failed(done).filter(({ failure }) => failure !== REJECTED).length
  const figure = (id: string, value: number, unit: string, target: number): QueryFigure => ({
    area: 'outage',
    id: `${mode} ${id}`,
    value,
    unit,
    target,
    ok: value <= target,
    bound: '≤',
    against: {},
  })
  if (mode === 'bare') return []
  return [
    figure('failed reads', count('read'), 'reads', 0),
    mode === 'bounded'
      ? figure('failed writes', count('write'), 'writes', 0)
      : figure('failures by another code', strangers, 'requests', 0),
    figure('time until hits are back', hitsBackMs(result), 'ms', slack.recoveryMs),
  ]
}

/** Milliseconds from the restart to the first result from the cache. */
function firstHitMs({ done, restartedAt }: OutageResult): number {
  const hits = done.filter(({ isHit, startedAt }) => isHit && startedAt >= restartedAt)
  return Math.min(...hits.map(({ startedAt }) => startedAt)) - restartedAt
}

/** Milliseconds from the restart to the first window in which the hit rate has recovered. */
function hitsBackMs(result: OutageResult): number {
  const before = rate(pick(result, 'read', 'before'))
  const reads = result.done.filter(({ kind }) => kind === 'read')
  const last = Math.max(...reads.map(({ startedAt }) => startedAt))
  for (let from = result.restartedAt; from + WINDOW_MS <= last; from += WINDOW_MS / 10) {
    const window = reads.filter(({ startedAt }) => startedAt >= from && startedAt < from + WINDOW_MS)
    if (rate(window) >= before * BACK_SHARE) return from - result.restartedAt
  }
  return Number.POSITIVE_INFINITY
}

/** Milliseconds from the restart to the beginning of the last failed request. */
function lastFailureMs({ done, restartedAt }: OutageResult): number | undefined {
  const late = failed(done).filter(({ startedAt }) => startedAt >= restartedAt)
  return late.length === 0 ? undefined : Math.max(...late.map(({ startedAt }) => startedAt)) - restartedAt
}

function rate(reads: readonly Done[]): number {
  return reads.length === 0 ? 0 : reads.filter(({ isHit }) => isHit).length / reads.length
}

function failures(done: readonly Done[]): string {
  const counts = new Map<string, number>()
  for (const { kind, failure } of failed(done))
    counts.set(`${kind}s ${failure}`, (counts.get(`${kind}s ${failure}`) ?? 0) + 1)
  return counts.size === 0 ? 'nothing' : [...counts].map(([what, times]) => `${times} ${what}`).join(', ')
}

function pick({ done }: LoadResult, kind: Kind, phase: Phase): Done[] {
  return done.filter((one) => one.kind === kind && one.phase === phase)
}

function failed(done: readonly Done[]): Done[] {
  return done.filter(({ failure }) => failure !== undefined)
}

function latency(done: readonly Done[], share: number): number {
  const sorted = done.map(({ startedAt, endedAt }) => endedAt - startedAt).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function ms(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(1)
}

function seconds(value: number): string {
  return Number.isFinite(value) ? `after ${(value / 1_000).toFixed(1)} s` : 'never'
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((part / whole) * 100)} %`
}

function printRow([name = '', ...cells]: readonly string[]): void {
  console.log(
    `  ${name.padEnd(WIDTHS[0] ?? 0)}${cells.map((cell, at) => cell.padStart(WIDTHS[at + 1] ?? 0)).join('')}`.trimEnd(),
  )
}
