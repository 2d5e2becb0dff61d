import { formatCallSite } from '../../pipeline/call-site.ts'
import type { RedactedValue, ShadowDifference } from '../../pipeline/shadow-difference.ts'
import { SluiceError } from '../../shared/errors.ts'
import { plainLine } from '../../shared/plain-line.ts'
import type { Finding, FindingCode, QueryGroup } from './finding.ts'

export interface FormatOptions {
  /**
   * ANSI colors.
   *
   * @defaultValue false
   */
  readonly color?: boolean
  /**
   * Maximum line width in characters. Longer SQL is truncated; call sites and fixes are not.
   * @defaultValue 100
   */
  readonly width?: number
}

const CODES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const

type Painter = (style: keyof typeof CODES, text: string) => string

/** Turns each string into one plain line, and colors it if colors are enabled. */
function painter({ color }: FormatOptions): Painter {
  return (style, text) =>
    color === true ? `\u001b[${CODES[style]}m${plainLine(text)}\u001b[0m` : plainLine(text)
}

const TITLES: Readonly<Record<FindingCode, string>> = {
  N_PLUS_ONE: 'N+1',
  REPEATED_QUERY: 'Repeated',
  QUERY_BUDGET: 'Budget',
}

/** Returns the title of a kind of finding. */
export function titleOf(code: FindingCode): string {
  return TITLES[code]
}

/**
 * Returns the number of queries of a scope, and how many would have been enough.
 *
 * @param separator - Between the two numbers, except for a budget.
 */
export function outcomeOf(
  { code, queries, queriesPossible }: Pick<Finding, 'code' | 'queries' | 'queriesPossible'>,
  separator: ',' | ' →',
): string {
  return code === 'QUERY_BUDGET'
    ? `${queries} queries, ${queriesPossible} allowed`
    : `${queries} queries${separator} ${queriesPossible} possible`
}

/** Formats a finding for a terminal. Ends without a line break. */
export function formatFinding(finding: Finding, options: FormatOptions = {}): string {
  const paint = painter(options)
  const { code, severity, scope } = finding
  const title = paint(severity === 'low' ? 'yellow' : 'red', `▲ ${titleOf(code)}`)
  const head = `${title}  ${paint('bold', scope)}   ${outcomeOf(finding, ' →')}`
  return [
    head,
    ...(code === 'QUERY_BUDGET' ? budgetLines(finding, options) : groupLines(finding, paint, options)),
  ].join('\n')
}

/** Formats groups of queries, one below the other, with aligned counts. Ends without a line break. */
export function formatQueryGroups(groups: readonly QueryGroup[], options: FormatOptions = {}): string {
  const paint = painter(options)
  const digits = Math.max(0, ...groups.map(({ count }) => String(count).length))
  const lines = groups.flatMap((group) => {
    const indent = ' '.repeat(digits + 4)
    const place =
      group.callSite === undefined ? [] : [`${indent}at   ${paint('cyan', formatCallSite(group.callSite))}`]
    const fix = group.fix === undefined ? [] : [`${indent}fix  ${paint('green', group.fix)}`]
    return [queryLine(group, '', paint, options, digits), ...place, ...fix]
  })
  return lines.join('\n')
}

function groupLines(finding: Finding, paint: Painter, options: FormatOptions): string[] {
  const { code, pattern, parent, callSite, fix } = finding
  const notes = [
    ...(code === 'REPEATED_QUERY' ? ['equal values'] : []),
    ...(pattern === undefined ? [] : [pattern]),
  ]
  const lines = [queryLine(finding, notes.map((note) => `, ${note}`).join(''), paint, options)]
  const after =
    parent === undefined
      ? ''
      : ` after ${plainLine(parent.label)}${parent.callSite === undefined ? '' : ` :${parent.callSite.line}`}`
  if (callSite !== undefined) lines.push(`  at   ${paint('cyan', formatCallSite(callSite))}${after}`)
  else if (after !== '') lines.push(`  ${after.trim()}`)
  if (code === 'REPEATED_QUERY') lines.push('  fix  query once and reuse the result')
  else if (fix !== undefined) lines.push(`  fix  ${paint('green', fix)}`)
  return lines
}

function budgetLines({ groups = [] }: Finding, options: FormatOptions): string[] {
  return groups.length === 0 ? [] : [formatQueryGroups(groups, options)]
}

function queryLine(
  group: QueryGroup,
  note: string,
  paint: Painter,
  options: FormatOptions,
  digits = 0,
): string {
  const ms = `${group.databaseMs.toFixed(group.databaseMs < 10 ? 1 : 0)} ms`
  const times = `${String(group.count).padStart(digits)}×`
  const room = Math.max(20, (options.width ?? 100) - times.length - ms.length - 8)
  const whole = plainLine(group.label)
  const label = whole.length > room ? `${whole.slice(0, room - 1)}…` : whole
  return `  ${times} ${label}  ${paint('dim', `${ms}${note}`)}`
}

/**
 * Formats a difference that shadow mode found for a terminal, without values of the data. Ends without a line
 * break.
 */
export function formatShadowDifference(difference: ShadowDifference, options: FormatOptions = {}): string {
  const paint = painter(options)
  const { label, scope, callSite, answeredBy, bare, optimized, first } = difference
  const lines = [
    `${paint('red', '▲ Shadow')}  ${scope === undefined ? '' : `${paint('bold', scope)}   `}${bare} bare, ${optimized} optimized`,
    `  ${plainLine(label)}${answeredBy === undefined ? '' : `  ${paint('dim', `served by ${answeredBy}`)}`}`,
  ]
  if (callSite !== undefined) lines.push(`  at   ${paint('cyan', formatCallSite(callSite))}`)
  if (first !== undefined)
    lines.push(
      `  diff ${first.path === '' ? 'result' : plainLine(first.path)}: ${shown(first.bare)} bare, ${shown(first.optimized)} optimized`,
    )
  return lines.join('\n')
}

function shown({ type, hash }: RedactedValue): string {
  return hash === undefined ? type : `${type} #${hash}`
}

/**
 * Thrown if a scope that ended in `throw` mode had findings: N+1 queries, duplicate queries, or more queries
 * than its budget allows.
 */
export class NPlusOneError extends SluiceError {
  constructor(
    /** At least one. */
    readonly findings: readonly Finding[],
  ) {
    super('SLUICE_N_PLUS_ONE', findings.map((finding) => formatFinding(finding)).join('\n'))
  }
}
