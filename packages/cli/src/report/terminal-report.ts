import { relative } from 'node:path'
import type { DatabaseAnalysis, DatabaseFinding, Validation } from '@sluice/core/database'
import type { BaselineSplit } from './baseline.ts'
import {
  bytes,
  count,
  counted,
  duration,
  type Paint,
  packed,
  percent,
  wrapped,
  wrappedHard,
} from './cells.ts'

export type Code = DatabaseFinding['code']

/** Names of finding codes for `--fail-on` and `--include`. */
export const CODE_NAMES: Readonly<Record<string, Code>> = {
  'missing-index': 'MISSING_INDEX',
  'missing-foreign-key-index': 'MISSING_FOREIGN_KEY_INDEX',
  'unused-index': 'UNUSED_INDEX',
  'duplicate-index': 'DUPLICATE_INDEX',
  'invalid-index': 'INVALID_INDEX',
  'slow-query': 'SLOW_QUERY',
  rewrite: 'REWRITE',
  fragmentation: 'FRAGMENTATION',
  'stale-statistics': 'STALE_STATISTICS',
  partition: 'PARTITION',
  connections: 'CONNECTIONS',
}

/** `missing-index` for `MISSING_INDEX`. */
function codeName(code: Code): string {
  return code.toLowerCase().replaceAll('_', '-')
}

export interface TerminalReportOptions {
  readonly paint: Paint
  /** Maximum characters of a line. */
  readonly width: number
  /** Whether to list all statements of each finding, and the statements that were not analyzed. */
  readonly isVerbose: boolean
  readonly split: BaselineSplit
  /** Whether the command writes or applies fixes. The report then omits the hint. */
  readonly isFixing: boolean
}

const WORDS = { high: 'HIGH', medium: 'MED ', low: 'LOW ' } as const
const STYLES = { high: 'red', medium: 'yellow', low: 'cyan' } as const
const MAX_STATEMENTS = 2
const INDENT = ' '.repeat(6)
const PRODUCTS: Readonly<Record<string, string>> = {
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  sqlite: 'SQLite',
}
const NARROW = 80

const VALIDATIONS: Readonly<Record<Validation, string>> = {
  hypopg: 'HypoPG',
  scratch: "PostgreSQL's planner with this database's statistics",
  clone: "SQLite's planner on a clone",
  sample: 'counted on a sample',
  none: 'NOT VALIDATED',
}

const GROUPS: readonly (readonly [title: string, codes: readonly DatabaseFinding['code'][]])[] = [
  ['Indexes to create', ['MISSING_INDEX', 'MISSING_FOREIGN_KEY_INDEX', 'INVALID_INDEX']],
  ['Indexes to drop', ['DUPLICATE_INDEX', 'UNUSED_INDEX']],
  ['Queries', ['SLOW_QUERY', 'REWRITE']],
  ['Maintenance', ['STALE_STATISTICS', 'FRAGMENTATION', 'PARTITION', 'CONNECTIONS']],
]

/** Formats an analysis for a terminal. Ends with a line break. */
export function terminalReport(analysis: DatabaseAnalysis, options: TerminalReportOptions): string {
  const { paint, split } = options
  const lines = [headOf(analysis, options)]
  for (const [title, codes] of GROUPS) {
    const findings = split.shown.filter(({ code }) => codes.includes(code))
    if (findings.length === 0) continue
    lines.push('', paint('bold', title))
    for (const finding of findings) lines.push(...findingLines(finding, options))
  }
  lines.push('', ...summaryOf(analysis, options), ...footnotes(analysis, options))
  return `${lines.join('\n')}\n`
}

function headOf({ database }: DatabaseAnalysis, { paint, width }: TerminalReportOptions): string {
  const { product, version, tables, statements, totalMs } = database
  const facts = [
    `${PRODUCTS[product] ?? product} ${version.split(/[-+ ]/, 1)[0]}`,
    counted(tables, 'table'),
    counted(statements, 'statement'),
    ...(totalMs > 0 ? [`${duration(totalMs)} of database time`] : []),
  ]
  const title = 'sluice analyze'
  while (facts.length > 1 && title.length + 3 + facts.join(' · ').length > width) facts.pop()
  return `${paint('bold', title)}   ${facts.join(' · ')}`
}

function findingLines(finding: DatabaseFinding, options: TerminalReportOptions): string[] {
  const { paint, width, isVerbose } = options
  const { severity, id, title, savedShare, savedMs, validation, details, sql } = finding
  const isNarrow = width < NARROW
  const saved = savedMs === undefined || isNarrow ? '' : ` (${duration(savedMs)})`
  const share = savedShare === undefined ? [] : [`${percent(savedShare)} of DB time${saved}`]
  const doubt = validation === 'none' ? ['NOT VALIDATED'] : []
  const lead = `${WORDS[severity]}  ${id.padEnd(6)} `
  const [first = '', ...rest] = wrappedHard(title, width - lead.length)
  const marks = [...share, ...doubt]
  const isOneLine = rest.length === 0 && [lead + first, ...marks].join('   ').length <= width
  const shownMarks = marks.map((mark) => (mark === doubt[0] ? paint('yellow', mark) : mark))
  const lines = [
    [
      `${paint(STYLES[severity], WORDS[severity])}  ${paint('dim', id.padEnd(6))} ${paint('bold', first)}`,
      ...(isOneLine ? shownMarks : []),
    ].join('   '),
    ...rest.map((line) => `${' '.repeat(lead.length)}${paint('bold', line)}`),
    ...(isOneLine || marks.length === 0 ? [] : [`${INDENT}${shownMarks.join('   ')}`]),
  ]
  for (const line of packed(costParts(finding), width - INDENT.length, '  ')) lines.push(`${INDENT}${line}`)
  for (const detail of details)
    lines.push(...wrapped(detail, width - INDENT.length).map((line) => `${INDENT}${line}`))
  lines.push(...statementLines(finding, options))
  if (isVerbose)
    for (const text of sql ?? [])
      lines.push(paint('green', `${INDENT}${text.replaceAll('\n', `\n${INDENT}`)};`))
  return lines
}

function statementLines(
  { statements }: DatabaseFinding,
  { paint, width, isVerbose }: TerminalReportOptions,
): string[] {
  const shown = isVerbose ? statements : statements.slice(0, MAX_STATEMENTS)
  const times = shown.map(({ calls }) => `${count(calls)}×`)
  const wide = Math.max(0, ...times.map(({ length }) => length))
  const lines = shown.flatMap(({ label, totalMs, callSites }, at) => {
    const took = totalMs > 0 ? `  ${duration(totalMs)}` : ''
    const room = Math.max(20, width - INDENT.length - wide - 1 - took.length)
    const text = isVerbose ? label : shortSql(label, room)
    // The call site is never omitted or truncated.
    const sites = isVerbose ? callSites : callSites.slice(0, 1)
    return [
      `${INDENT}${(times[at] ?? '').padStart(wide)} ${text}${paint('dim', took)}`,
      ...sites.map(
        ({ file, line, column }) =>
          `${INDENT}${'at'.padEnd(wide)} ${paint('cyan', `${shownFile(file)}:${line}:${column}`)}`,
      ),
    ]
  })
  const hidden = statements.length - shown.length
  return hidden === 0 ? lines : [...lines, paint('dim', `${INDENT}and ${counted(hidden, 'more statement')}`)]
}

/** Parts such as `cost 18,402 → 61 per call (HypoPG)` and `size ≈ 4 MB`. */
function costParts({ statements, validation, measured, bytes: size }: DatabaseFinding): string[] {
  const costs = statements.flatMap(({ cost, calls }) => (cost === undefined ? [] : [{ ...cost, calls }]))
  const total = (which: 'without' | 'with') => costs.reduce((sum, cost) => sum + cost[which] * cost.calls, 0)
  const calls = costs.reduce((sum, cost) => sum + cost.calls, 0)
  const [first] = measured ?? []
  const by = validation === undefined || validation === 'none' ? '' : ` (${VALIDATIONS[validation]})`
  return [
    ...(calls === 0
      ? []
      : [`cost ${count(total('without') / calls)} → ${count(total('with') / calls)} per call${by}`]),
    ...(first === undefined
      ? []
      : first.unit === 'ms'
        ? [`measured ${duration(first.without)} → ${duration(first.with)}`]
        : [`rows read ${count(first.without)} → ${count(first.with)}`]),
    ...(size === undefined ? [] : [`size ≈ ${bytes(size)}`]),
  ]
}

function summaryOf(
  { findings, database }: DatabaseAnalysis,
  { split, paint, isFixing, width }: TerminalReportOptions,
): string[] {
  if (findings.length === 0) {
    const text =
      database.statements === 0
        ? 'No findings in the schema.'
        : 'No findings: no index would improve the analyzed statements.'
    return [paint('green', text)]
  }
  const parts = [counted(findings.length, 'finding')]
  if (split.hasBaseline)
    parts.push(`${split.fresh.length} new`, `${findings.length - split.fresh.length} in the baseline`)
  else {
    const kinds = (['high', 'medium', 'low'] as const).map(
      (severity) => [severity, findings.filter((one) => one.severity === severity).length] as const,
    )
    parts.push(
      ...kinds.filter(([, number]) => number > 0).map(([severity, number]) => `${number} ${severity}`),
    )
  }
  return [parts.join(' · '), ...(isFixing ? [] : fixHint(split, width))]
}

/** The commands that write the fixes. */
function fixHint({ fresh }: BaselineSplit, width: number): string[] {
  const fixable = fresh.filter(({ changes }) => changes.length > 0)
  const missing = fixable.filter(({ code }) => code === 'MISSING_INDEX').length
  const others = fixable.length - missing
  const codes = [...new Set(fixable.map(({ code }) => code))]
    .filter((code) => code !== 'MISSING_INDEX')
    .map(codeName)
  if (missing === 0)
    return others === 0
      ? []
      : hint(
          'fix: npx sluice analyze --write',
          codes,
          `writes ${counted(others, 'change')} to the project`,
          width,
        )
  const written = counted(missing, 'index', 'indexes')
  return [
    ...hint('fix: npx sluice analyze --write', [], `writes ${written} to the project`, width),
    ...(others === 0 ? [] : hint('    ', codes, `adds ${others} more`, width)),
  ]
}

/** A command and its effect: in one line, or in lines that a shell reads as one command. */
function hint(command: string, codes: readonly string[], effect: string, width: number): string[] {
  const include = codes.length === 0 ? '' : ` --include ${codes.join(',')}`
  const line = `${command}${include}   ${effect}`
  if (line.length <= width) return [line]
  const parts = codes.map((code) => `     --include ${code}`)
  const lines = [...(command.trim() === '' ? [] : [command]), ...parts]
  return [...lines.map((part, at) => (at < lines.length - 1 ? `${part} \\` : part)), `     ${effect}`]
}

function footnotes(
  { left, gaps, database, tookMs, limits }: DatabaseAnalysis,
  { isVerbose, paint, width }: TerminalReportOptions,
): string[] {
  const telling = left.filter(({ kind }) => kind !== 'cheap')
  const lines: string[] = []
  if (database.statements === 0)
    lines.push('No statements: pass the workload of an app with --workload <file>.')
  if (telling.length > 0) {
    lines.push(
      ...wrapped(
        `${counted(telling.length, 'statement')} ${telling.length === 1 ? 'was' : 'were'} not analyzed${isVerbose ? ':' : '; --verbose lists them'}`,
        width,
      ),
    )
    if (isVerbose)
      for (const { label, why } of telling)
        lines.push(
          `  ${label.slice(0, width - 2)}`,
          ...wrapped(why, width - 4).map((line) => paint('dim', `    ${line}`)),
        )
  }
  const skipped = left.filter(({ kind }) => kind === 'time-limit').length
  if (skipped > 0)
    lines.push(
      ...wrapped(
        `${counted(skipped, 'statement')} of them because of a time limit: set --time-limit and --statement-timeout`,
        width,
      ),
    )
  const { statementTimeoutMs, timeLimitMs } = limits
  const took = `took ${duration(tookMs)} · limits: ${seconds(statementTimeoutMs)} per statement, ${seconds(timeLimitMs)} in total`
  lines.push(...wrapped(took, width).map((line) => paint('dim', line)))
  for (const { what, why } of gaps)
    lines.push(...wrapped(`not available: ${what}. ${why}`, width).map((line) => paint('dim', line)))
  return lines
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`
}

/** Path of a file relative to the current directory, for links in editors. */
export function shownFile(file: string): string {
  const path = relative(process.cwd(), file.replace(/^file:\/\//, ''))
  return path.startsWith('..') ? file : path
}

/**
 * Shortens a normalized query to `room` characters. Removes default schemas first, then the select list, then
 * the end.
 *
 * @param sql - One line, with `?` or `$1` for values.
 */
export function shortSql(sql: string, room: number): string {
  if (sql.length <= room) return sql
  const bare = sql.replace(/(?<![\w.])(?:"(?:main|public)"|`(?:main|public)`|main|public)\.(?=[\w"`])/g, '')
  if (bare.length <= room) return bare
  const from = selectListEnd(bare)
  const short = from === undefined ? bare : `${bare.slice(0, 6)} … ${bare.slice(from)}`
  return short.length <= room ? short : `${short.slice(0, Math.max(1, room - 1))}…`
}

/** Index of the FROM of the outermost SELECT. */
function selectListEnd(sql: string): number | undefined {
  if (!/^select\s/i.test(sql)) return undefined
  let depth = 0
  for (const { 0: text, index } of sql.matchAll(/[()]|"[^"]*"|`[^`]*`|'[^']*'|\bfrom\b/gi)) {
    if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    else if (depth === 0 && /^from$/i.test(text)) return index
  }
  return undefined
}
