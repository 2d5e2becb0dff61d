import { cell, cut, type Paint, type Style, widthOf } from '../report/cells.ts'
import type { RouteFigures } from './live-model.ts'
import type { Sort } from './top-state.ts'

interface Column {
  readonly title: string
  readonly width: number
  readonly sort?: Sort
  text(route: RouteFigures): string
  style?(route: RouteFigures): Style | undefined
}

const GAP = 2
const LEAST_ROUTE = 24
const FLAGS_WIDTH = 12

type ColumnName = 'rate' | 'queries' | 'database' | 'load' | 'p50' | 'p99' | 'hit' | 'errors'

/** Columns for the figures of a route, in the order of the table. */
const COLUMNS: Readonly<Record<ColumnName, Column>> = {
  rate: { title: 'REQ/S', width: 7, sort: 'rate', text: ({ perSecond }) => rate(perSecond) },
  queries: {
    title: 'Q/REQ',
    width: 6,
    sort: 'queries',
    text: ({ queries }) => decimal(queries),
    style: ({ flags, overBudget }) =>
      flags.includes('N_PLUS_ONE') ? 'red' : overBudget > 0 ? 'yellow' : undefined,
  },
  database: { title: 'DB ms', width: 7, sort: 'database', text: ({ databaseMs }) => decimal(databaseMs) },
  load: {
    title: 'DB LOAD',
    width: 11,
    sort: 'cost',
    text: ({ loadShare }) => `${bar(loadShare, 5)} ${String(Math.round(loadShare * 100)).padStart(4)}%`,
  },
  p50: { title: 'p50', width: 6, text: ({ p50 }) => milliseconds(p50) },
  p99: { title: 'p99', width: 6, sort: 'p99', text: ({ p99 }) => milliseconds(p99) },
  hit: {
    title: 'HIT',
    width: 5,
    text: ({ cacheShare }) => (cacheShare === undefined ? '–' : `${Math.round(cacheShare * 100)}%`),
  },
  errors: {
    title: 'ERR',
    width: 5,
    text: ({ errorShare }) => (errorShare === undefined ? '–' : share(errorShare)),
    style: ({ errorShare = 0 }) => (errorShare > 0 ? 'red' : undefined),
  },
}

/** Columns by importance. Narrow terminals omit the last ones. */
const IMPORTANCE: readonly ColumnName[] = [
  'queries',
  'p99',
  'rate',
  'database',
  'load',
  'errors',
  'hit',
  'p50',
]

export interface Layout {
  readonly names: readonly ColumnName[]
  readonly routeWidth: number
  readonly flagsWidth: number
}

/** Selects the columns that fit in `width` characters. The flags are always included. */
export function layoutOf(width: number): Layout {
  const flagsWidth = Math.min(FLAGS_WIDTH, Math.max(4, Math.floor(width / 5)))
  let room = width - GAP - flagsWidth - Math.min(LEAST_ROUTE, Math.max(8, Math.floor(width / 3)))
  const chosen = new Set<ColumnName>()
  for (const name of IMPORTANCE) {
    if (COLUMNS[name].width + GAP > room) break
    room -= COLUMNS[name].width + GAP
    chosen.add(name)
  }
  const names = (Object.keys(COLUMNS) as ColumnName[]).filter((name) => chosen.has(name))
  const used = names.reduce((sum, name) => sum + COLUMNS[name].width + GAP, 0)
  return { names, routeWidth: Math.max(4, width - used - GAP - flagsWidth), flagsWidth }
}

/** The column titles, with an arrow at the sort column. */
export function titleLine(
  { names, routeWidth, flagsWidth }: Layout,
  sort: Sort,
  isReversed: boolean,
): string {
  const arrow = isReversed ? '▴' : '▾'
  const cells = names.map((name) => {
    const column = COLUMNS[name]
    return cell(column.sort === sort ? `${arrow}${column.title}` : column.title, column.width, 'right')
  })
  return [cell('ROUTE', routeWidth), ...cells, cell('FLAG', flagsWidth)].join(' '.repeat(GAP)).trimEnd()
}

export interface RowOptions {
  readonly paint: Paint
  readonly slowMs: number
}

/** The line of a route, no wider than the layout. */
export function routeLine(
  route: RouteFigures,
  { names, routeWidth, flagsWidth }: Layout,
  { paint, slowMs }: RowOptions,
): string {
  const cells = names.map((name) => {
    const column = COLUMNS[name]
    const text = cell(column.text(route), column.width, 'right')
    const style = column.style?.(route)
    return style === undefined ? text : paint(style, text)
  })
  return [cell(route.name, routeWidth), ...cells, flagsText(route, flagsWidth, { paint, slowMs })].join(
    ' '.repeat(GAP),
  )
}

/** As many flags as fit. `+1` is the number of hidden ones. */
function flagsText(route: RouteFigures, width: number, { paint, slowMs }: RowOptions): string {
  const flags = flagsOf(route, slowMs)
  const shown: string[] = []
  let used = 0
  for (const [at, { text, style }] of flags.entries()) {
    const gap = at === 0 ? 0 : 1
    const more = flags.length - at - 1
    // The first flag is always shown, and the number of hidden ones only if it fits.
    if (at > 0 && used + gap + widthOf(text) + (more === 0 ? 0 : 3) > width) {
      if (used + 3 <= width) shown.push(`+${more + 1}`)
      break
    }
    const fitting = cut(text, width)
    shown.push(paint(style, fitting))
    used += gap + widthOf(fitting)
  }
  return shown.join(' ')
}

/** `0`, `0.3`, `4.2`, `96`, `1,208`, `12.1k`. */
export function rate(value: number): string {
  if (value === 0) return '0'
  if (value < 10) return value.toFixed(1)
  return value < 10_000 ? grouped.format(value) : `${(value / 1_000).toFixed(1)}k`
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `0`, `3.1`, `41.2`, `412`, `12.3k`. */
export function decimal(value: number): string {
  if (value === 0) return '0'
  if (value < 100) return value.toFixed(1)
  return value < 10_000 ? String(Math.round(value)) : `${(value / 1_000).toFixed(1)}k`
}

/** `0.4`, `8.1`, `38`, `1,384`. */
export function milliseconds(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : grouped.format(value)
}

function share(value: number): string {
  if (value === 0) return '0%'
  return value < 0.1 ? `${(value * 100).toFixed(1)}%` : `${Math.round(value * 100)}%`
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

/** A bar of `width` characters, in steps of 1/8 character. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const text = `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`
  return text.padEnd(width)
}

const STEPS = '▁▂▃▄▅▆▇█'

/** A sparkline of the last `width` values. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const most = Math.max(...shown, 0)
  return shown.map((value) => STEPS[most === 0 ? 0 : Math.min(7, Math.round((value / most) * 7))]).join('')
}

export interface Flag {
  readonly text: string
  readonly style: Style
}

const CODES: Readonly<Record<string, Flag>> = {
  N_PLUS_ONE: { text: 'N+1', style: 'red' },
  REPEATED_QUERY: { text: 'REPEAT', style: 'yellow' },
  QUERY_BUDGET: { text: 'BUDGET', style: 'yellow' },
}

/**
 * The flags of a route, most severe first.
 *
 * @param slowMs - p99 from which a route is slow.
 */
export function flagsOf(route: RouteFigures, slowMs: number): readonly Flag[] {
  const { flags, errorShare = 0, p99, overBudget } = route
  const found: Flag[] = []
  if (errorShare > 0) found.push({ text: 'ERR', style: 'red' })
  if (flags.includes('N_PLUS_ONE')) found.push(CODES.N_PLUS_ONE as Flag)
  if (p99 >= slowMs) found.push({ text: 'SLOW', style: 'yellow' })
  if (flags.includes('QUERY_BUDGET') || overBudget > 0) found.push(CODES.QUERY_BUDGET as Flag)
  if (flags.includes('REPEATED_QUERY')) found.push(CODES.REPEATED_QUERY as Flag)
  return found
}
