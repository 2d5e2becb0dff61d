import type { PlanStep, PlanSummary } from '@sluice/core/database'
import {
  cell,
  count,
  counted,
  duration,
  type Paint,
  packed,
  type Style,
  wrapped,
  wrappedHard,
} from './cells.ts'

export interface PlanReportOptions {
  readonly paint: Paint
  /** Maximum characters of a line. */
  readonly width: number
  /** The statement. */
  readonly sql: string
  /** URL of the database, without the password. */
  readonly address: string
  /** Whether the statement was executed, so that the numbers are measured. */
  readonly isMeasured: boolean
  /** Whether the statement has parameters without values. */
  readonly isGeneric: boolean
}

type Cell = readonly [text: string, style?: Style]

/** Usually undesirable ones are in capitals. */
const ACCESS: Readonly<Record<PlanStep['access'], Cell>> = {
  'full-scan': ['FULL SCAN', 'red'],
  'index-scan': ['FULL INDEX SCAN', 'yellow'],
  'index-only-scan': ['index only', 'green'],
  'index-search': ['index search', 'green'],
  bitmap: ['bitmap', 'green'],
  key: ['by key', 'green'],
  'automatic-index': ['AUTOMATIC INDEX', 'red'],
  other: ['other'],
}

/** Formats a plan for a terminal. Ends with a line break. */
export function planReport(plan: PlanSummary, options: PlanReportOptions): string {
  const { paint, width, isMeasured, sql } = options
  const lines = [headOf(plan, options), '']
  if (plan.steps.length === 0) lines.push('The statement reads no table.')
  else lines.push(...stepLines(plan.steps, options))
  const marks = [
    ...(plan.sorts > 0 ? [plan.sorts === 1 ? 'SORT' : `${plan.sorts} SORTS`] : []),
    ...(plan.temporaryStructures > 0
      ? [
          plan.temporaryStructures === 1
            ? 'TEMPORARY STRUCTURE'
            : `${plan.temporaryStructures} TEMPORARY STRUCTURES`,
        ]
      : []),
  ]
  const about = isMeasured ? '' : 'about '
  const scanned = plan.rowsScanned === undefined ? [] : [`reads ${about}${rows(plan.rowsScanned)}`]
  const returned =
    plan.rowsReturned === undefined || isWrite(sql) ? [] : [`returns ${about}${rows(plan.rowsReturned)}`]
  const facts = packed([...scanned, ...returned, ...marks], width, ' · ')
  const painted = facts.map((line) =>
    line
      .split(' · ')
      .map((fact) => (marks.includes(fact) ? paint('yellow', fact) : fact))
      .join(' · '),
  )
  if (facts.length > 0) lines.push('', ...painted)
  for (const warning of planWarnings(plan, sql)) {
    const [first = '', ...rest] = wrapped(warning, width - 6)
    lines.push(`${paint('yellow', 'warn')}  ${first}`, ...rest.map((line) => `      ${line}`))
  }
  return `${lines.join('\n')}\n`
}

function headOf(
  { cost, executionTime }: PlanSummary,
  { paint, address, isGeneric, width }: PlanReportOptions,
): string {
  const facts = [
    address,
    ...(cost === undefined ? [] : [`cost ${count(cost)}`]),
    ...(executionTime === undefined ? [] : [`took ${duration(executionTime)}`]),
    ...(isGeneric ? ['for any values'] : []),
  ]
  const indent = 'sluice explain   '.length
  return `${paint('bold', 'sluice explain')}   ${packed(facts, width - indent, ' · ').join(`\n${' '.repeat(indent)}`)}`
}

function stepLines(steps: readonly PlanStep[], { paint, width }: PlanReportOptions): string[] {
  const titles = ['TABLE', 'ACCESS', 'INDEX', 'ROWS'].map((title): Cell => [title, 'dim'])
  const rows = steps.map((step): Cell[] => [
    [tableOf(step), 'bold'],
    accessOf(step),
    [indexOf(step)],
    [rowsOf(step)],
  ])
  const widthsOf = (table: readonly (readonly Cell[])[]) =>
    titles.map((_, at) => Math.max(...table.map((row) => row[at]?.[0].length ?? 0)))
  const sum = (widths: readonly number[]) => widths.reduce((all, each) => all + each + 2, 0)
  // If the table is too wide, each index gets its own line; table names are truncated last.
  const isWide = sum(widthsOf([titles, ...rows])) > width
  const shown = (cells: readonly Cell[]) => cells.filter((_, at) => !isWide || at !== 2)
  const table = [titles, ...rows].map(shown)
  const widths = table[0]?.map((_, at) => Math.max(...table.map((row) => row[at]?.[0].length ?? 0))) ?? []
  widths[0] = Math.max(5, Math.min(widths[0] ?? 0, width - sum(widths.slice(1)) - 2))
  return table.flatMap((cells, at) => {
    const line = cells.map(([text, style], column) => {
      const padded = cell(text, widths[column] ?? 0, column === cells.length - 1 ? 'right' : 'left')
      return style === undefined ? padded : paint(style, padded)
    })
    const step = steps[at - 1]
    const index = step === undefined ? '' : indexOf(step)
    const below = [
      ...(isWide && index !== '' ? [`index ${index}`] : []),
      ...(step?.filter === undefined ? [] : [`filter ${step.filter}`]),
    ].flatMap((text) => wrappedHard(text, width - 4))
    return [`  ${line.join('  ').trimEnd()}`, ...below.map((text) => paint('dim', `    ${text}`))]
  })
}

/** The table name, with the alias in the plan. */
function tableOf({ table, name }: PlanStep): string {
  const own = table?.split('.').at(-1)
  return own === undefined || own.toLowerCase() === name.toLowerCase() ? name : `${own} ${name}`
}

function accessOf({ access, searchedBy, index }: PlanStep): Cell {
  // An index-only scan without a search reads the full index.
  if (access === 'index-only-scan' && searchedBy === undefined && index !== undefined)
    return ['FULL INDEX-ONLY SCAN', 'yellow']
  return ACCESS[access]
}

function indexOf({ index, searchedBy }: PlanStep): string {
  const columns = searchedBy === undefined ? '' : `(${searchedBy.join(', ')})`
  return index === undefined ? columns : `${index}${columns}`
}

function rowsOf({ rows: each, loops = 1 }: PlanStep): string {
  if (each === undefined) return ''
  return Math.round(loops) <= 1 ? count(Math.round(each)) : `${count(each)} × ${count(Math.round(loops))}`
}

/** Reading fewer rows is fast. */
const FEW = 1_000
/** Rows read per returned row from which the plan is wasteful. */
const WASTE = 100
const MANY_LOOPS = 1_000

/**
 * Warnings about a plan, most severe first.
 *
 * @param sql - The statement, because plans do not contain all conditions, and not the purpose of the reads
 *   of a write.
 */
export function planWarnings(plan: PlanSummary, sql: string): string[] {
  const words = sql.replaceAll(/'[^']*'|"[^"]*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, ' ')
  return [
    ...scanWarnings(plan, /\b(?:where|on|using|having)\b/i.test(words), isWrite(sql)),
    ...plan.steps.flatMap(stepWarnings),
  ]
}

/** Whether the statement changes rows. Its number of returned rows is then irrelevant. */
function isWrite(sql: string): boolean {
  return /^(?:[\s(]|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:insert|update|delete|replace|merge)\b/i.test(
    sql,
  )
}

function scanWarnings(
  { steps, rowsScanned: scanned, rowsReturned: returned }: PlanSummary,
  isChosen: boolean,
  writes: boolean,
): string[] {
  const whole = steps.filter(({ access }) => access === 'full-scan')
  const names = [...new Set(whole.map(({ table, name }) => table?.split('.').at(-1) ?? name))].join(' and ')
  if (whole.length > 0 && scanned === undefined)
    return [`It reads all rows of ${names}, whose number is unknown.`]
  if (scanned === undefined || scanned < FEW) return []
  const why = whole.length > 0 && isChosen ? `: no index of ${names} is used` : ''
  if (writes) return why === '' ? [] : [`It reads ${rows(scanned)} to find the rows that it changes${why}.`]
  if (returned === undefined) return why === '' ? [] : [`It reads ${rows(scanned)}${why}.`]
  return scanned < returned * WASTE ? [] : [`It reads ${rows(scanned)} to return ${rows(returned)}${why}.`]
}

function stepWarnings({ access, name, loops, rows: each }: PlanStep): string[] {
  if (access === 'automatic-index')
    return [`The database builds an index on ${name} for each execution: create a permanent index.`]
  if (loops === undefined || loops < MANY_LOOPS || access !== 'full-scan') return []
  return [
    `It reads all rows of ${name} ${count(loops)} times${each === undefined ? '' : `, ${rows(each)} each`}.`,
  ]
}

/** `1 row`, `18,402 rows`. */
function rows(value: number): string {
  return counted(Math.round(value), 'row')
}
