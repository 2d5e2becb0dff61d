import { relative } from 'node:path'
import type { DatabaseAnalysis, DatabaseFinding, Validation } from '@sluice/core/database'
import type { BaselineSplit } from './baseline.ts'
import { bytes, count, duration, percent } from './numbers.ts'
import type { Paint } from './palette.ts'

export interface TerminalReportOptions {
  readonly paint: Paint
  /** Characters in a line. */
  readonly width: number
  /** Whether to list everything: statements that were left, all statements of a finding. */
  readonly isVerbose: boolean
  readonly split: BaselineSplit
}

const WORDS = { high: 'HIGH', medium: 'MED ', low: 'LOW ' } as const
const STYLES = { high: 'red', medium: 'yellow', low: 'cyan' } as const
const MAX_STATEMENTS = 2
const NARROW = 80

const VALIDATIONS: Readonly<Record<Validation, string>> = {
  hypopg: 'HypoPG',
  scratch: "PostgreSQL's planner on this database's statistics",
  clone: "SQLite's planner on a clone",
  sample: 'counted on a sample',
  none: 'NOT VALIDATED',
}

const GROUPS: readonly (readonly [title: string, codes: readonly DatabaseFinding['code'][]])[] = [
  ['Indexes to make', ['MISSING_INDEX', 'MISSING_FOREIGN_KEY_INDEX', 'INVALID_INDEX']],
  ['Indexes to drop', ['DUPLICATE_INDEX', 'UNUSED_INDEX']],
  ['Queries', ['SLOW_QUERY', 'REWRITE']],
  ['Upkeep', ['STALE_STATISTICS', 'FRAGMENTATION', 'PARTITION', 'CONNECTIONS']],
]

/** An analysis as a person reads it on a terminal. Ends with a line break. */
export function terminalReport(analysis: DatabaseAnalysis, options: TerminalReportOptions): string {
  const { paint, split } = options
  const lines = [headOf(analysis, paint)]
  for (const [title, codes] of GROUPS) {
    const findings = split.shown.filter(({ code }) => codes.includes(code))
    if (findings.length === 0) continue
    lines.push('', paint('bold', title))
    for (const finding of findings) lines.push(...findingLines(finding, options))
  }
  lines.push('', summaryOf(analysis, options), ...footnotes(analysis, options))
  return `${lines.join('\n')}\n`
}

function headOf({ database }: DatabaseAnalysis, paint: Paint): string {
  const { product, version, tables, statements, totalMs } = database
  const facts = [
    `${product} ${version.split(/[-+ ]/, 1)[0]}`,
    `${count(tables)} ${tables === 1 ? 'table' : 'tables'}`,
    `${count(statements)} ${statements === 1 ? 'statement' : 'statements'}`,
    ...(totalMs > 0 ? [`${duration(totalMs)} of database time`] : []),
  ]
  return `${paint('bold', 'sluice analyze')}   ${facts.join(' · ')}`
}

function findingLines(finding: DatabaseFinding, { paint, width, isVerbose }: TerminalReportOptions): string[] {
  const { severity, id, title, savedShare, savedMs } = finding
  const isNarrow = width < NARROW
  const share = savedShare === undefined ? '' : `${percent(savedShare)} of DB time`
  const saved = savedMs === undefined || isNarrow ? '' : ` (${duration(savedMs)})`
  const head = `${paint(STYLES[severity], WORDS[severity])}  ${paint('dim', id.padEnd(6))} ${paint('bold', title)}`
  const lines = [share === '' ? head : `${head}   ${share}${saved}`]
  const costs = costLine(finding)
  if (costs !== undefined) lines.push(`      ${costs}`)
  for (const detail of finding.details) lines.push(...wrapped(detail, width - 6).map((line) => `      ${line}`))
  const statements = isVerbose ? finding.statements : finding.statements.slice(0, MAX_STATEMENTS)
  for (const { calls, label, totalMs, callSites } of statements) {
    const times = `${count(calls)}×`
    const took = totalMs > 0 ? `  ${duration(totalMs)}` : ''
    const room = Math.max(20, width - 10 - times.length - took.length)
    lines.push(`      ${times} ${isVerbose || label.length <= room ? label : `${label.slice(0, room - 1)}…`}${paint('dim', took)}`)
    const [site] = callSites
    if (site !== undefined) lines.push(`      at   ${paint('cyan', `${shownFile(site.file)}:${site.line}:${site.column}`)}`)
  }
  const hidden = finding.statements.length - statements.length
  if (hidden > 0) lines.push(paint('dim', `      and ${hidden} more ${hidden === 1 ? 'statement' : 'statements'}`))
  if (isVerbose) for (const sql of finding.sql ?? []) lines.push(`      ${paint('green', sql.replaceAll('\n', '\n      '))}`)
  return lines
}

/** `cost 18,402 → 61 (HypoPG)  size ≈ 4 MB`. */
function costLine({ statements, validation, measured, bytes: size }: DatabaseFinding): string | undefined {
  if (validation === undefined) return undefined
  const costs = statements.flatMap(({ cost, calls }) => (cost === undefined ? [] : [{ ...cost, calls }]))
  const total = (which: 'without' | 'with') => costs.reduce((sum, cost) => sum + cost[which] * cost.calls, 0)
  const calls = costs.reduce((sum, cost) => sum + cost.calls, 0)
  const [first] = measured ?? []
  const parts = [
    calls === 0 ? '' : `cost ${count(total('without') / calls)} → ${count(total('with') / calls)} a call`,
    `(${VALIDATIONS[validation]})`,
    first === undefined
      ? ''
      : first.unit === 'ms'
        ? `measured ${duration(first.without)} → ${duration(first.with)}`
        : `rows read ${count(first.without)} → ${count(first.with)}`,
    size === undefined ? '' : `size ≈ ${bytes(size)}`,
  ]
  return parts.filter((part) => part !== '').join('  ')
}

function summaryOf({ findings }: DatabaseAnalysis, { split, paint }: TerminalReportOptions): string {
  if (findings.length === 0) return paint('green', 'Nothing found: every statement is served as well as an index could.')
  const parts = [`${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`]
  if (split.hasBaseline) parts.push(`${split.fresh.length} new`, `${findings.length - split.fresh.length} in the baseline`)
  return parts.join(' · ')
}

function footnotes({ left, gaps }: DatabaseAnalysis, { isVerbose, paint, width }: TerminalReportOptions): string[] {
  const telling = left.filter(({ kind }) => kind !== 'cheap')
  const lines: string[] = []
  if (telling.length > 0) {
    lines.push(
      `${count(telling.length)} ${telling.length === 1 ? 'statement was' : 'statements were'} left out${isVerbose ? ':' : '; --verbose lists them'}`,
    )
    if (isVerbose) for (const { label, why } of telling) lines.push(`  ${label.slice(0, width - 2)}`, paint('dim', `    ${why}`))
  }
  for (const { what, why } of gaps) lines.push(...wrapped(`not seen: ${what}. ${why}`, width).map((line) => paint('dim', line)))
  return lines
}

/** A file as editors find it from here. */
export function shownFile(file: string): string {
  const path = relative(process.cwd(), file.replace(/^file:\/\//, ''))
  return path.startsWith('..') ? file : path
}

/** A text in lines of a width; words longer than that stand alone. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + word.length + 1 > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(line)
  }
  return lines
}
