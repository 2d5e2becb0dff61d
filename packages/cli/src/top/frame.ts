import type { LiveFinding } from '../dashboard/protocol.ts'
import { cell, counted, cut, duration, type Paint, widthOf, wrapped } from '../report/cells.ts'
import { decimal, layoutOf, milliseconds, rate, routeLine, sparkline, titleLine } from './columns.ts'
import type { LiveView, RouteFigures } from './live-model.ts'
import type { TopState } from './top-state.ts'

export interface FrameOptions {
  readonly paint: Paint
  readonly columns: number
  readonly rows: number
  readonly slowMs: number
  readonly address: string
  /** Connection problem, shown below the title. */
  readonly problem?: string | undefined
  /** `undefined` while they are loading. */
  readonly findings?: readonly LiveFinding[] | undefined
}

const LEAST_ROWS = 4
const MARK = '▸ '

/** Renders the full screen: exactly `rows` lines of at most `columns` characters. */
export function frame(view: LiveView, state: TopState, options: FrameOptions): string[] {
  const { columns, rows, paint } = options
  if (state.isHelping)
    return filled([...headOf(view, state, options), '', ...helpLines(options)], keyLine(state, options), rows)
  const head = headOf(view, state, options)
  const routes = state.shown(view.routes)
  const selected = state.selectedIn(routes)
  const panel = state.isOpen && selected !== undefined ? panelLines(selected, options) : []
  // Leave room for some lines of the table above the panel.
  const roomForPanel = rows - head.length - 2 - Math.min(routes.length, LEAST_ROWS) - 1
  const shownPanel = panel.length === 0 ? [] : fitted(panel, Math.max(3, roomForPanel), options)
  const room = Math.max(1, rows - head.length - 2 - shownPanel.length)
  const layout = layoutOf(columns - MARK.length)
  const from = state.scrolledTo(routes, room)
  const lines = routes.slice(from, from + room).map((route) => {
    const line = routeLine(route, layout, options)
    if (route.name !== selected?.name) return `${' '.repeat(MARK.length)}${line}`
    // Color codes inside the line would end the inverse style.
    const plain = routeLine(route, layout, { ...options, paint: (_style, text) => text })
    return paint('inverse', cell(`${MARK}${plain}`, columns))
  })
  const title = paint('bold', `${' '.repeat(MARK.length)}${titleLine(layout, state.sort, state.isReversed)}`)
  const empty = routes.length > 0 ? [] : [emptyLine(view, state, options)]
  const place =
    routes.length > room ? `${from + 1}–${Math.min(routes.length, from + room)} of ${routes.length}` : ''
  const table = [...head, title, ...lines, ...empty]
  const gap = Math.max(0, rows - 1 - table.length - shownPanel.length)
  return filled(
    [...table, ...Array<string>(gap).fill(''), ...shownPanel],
    keyLine(state, options, place),
    rows,
  )
}

function headOf(view: LiveView, state: TopState, { paint, columns, rows, problem }: FrameOptions): string[] {
  const status =
    problem !== undefined
      ? ({ text: 'OFFLINE', style: 'red' } as const)
      : state.isPaused
        ? ({ text: 'PAUSED', style: 'yellow' } as const)
        : undefined
  const lines = [
    headLine(view, { paint, width: columns, ...(status === undefined ? {} : { state: status }) }),
  ]
  if (problem !== undefined) lines.push(paint('red', cut(problem, columns)))
  if (rows >= 10) lines.push(vitalsLine(view, { paint, width: columns }))
  // Findings are shown as flags of their routes.
  const items = view.ranked.filter(({ kind }) => kind !== 'finding').slice(0, rows >= 20 ? 2 : 0)
  for (const { severity, title, detail } of items) {
    const style = severity === 'high' ? 'red' : severity === 'medium' ? 'yellow' : 'cyan'
    const word = severity === 'high' ? 'HIGH' : severity === 'medium' ? 'MED ' : 'LOW '
    lines.push(`${paint(style, word)}  ${cut(`${title.replaceAll(/ {2,}/g, ' ')}   ${detail}`, columns - 6)}`)
  }
  return rows >= 14 ? [...lines, ''] : lines
}

function panelLines(route: RouteFigures, options: FrameOptions): string[] {
  const { columns, paint, findings, address } = options
  const width = columns - 1
  const name = cut(route.name, columns - 8)
  const rule = paint('dim', `── ${name} ${'─'.repeat(Math.max(0, columns - widthOf(name) - 4))}`)
  const lines = routeLines(route, { paint, width, address })
  if (findings === undefined) return [rule, ...lines, paint('dim', 'Loading findings …')]
  const own = findingsOf(findings, route.name)
  if (own.length === 0) return [rule, ...lines, paint('green', 'No findings for this route.')]
  return [
    rule,
    ...lines,
    ...own.flatMap((finding) => ['', ...findingLines(finding, { paint, width, address })]),
  ]
}

/** Shortens lines to `room`. The last line contains the number of omitted ones. */
function fitted(lines: readonly string[], room: number, { paint }: FrameOptions): string[] {
  if (lines.length <= room) return [...lines]
  const dense = lines.filter((line) => line !== '')
  if (dense.length <= room) return dense
  return [
    ...dense.slice(0, room - 1),
    paint('dim', `  ${dense.length - room + 1} more lines: enlarge the window`),
  ]
}

function emptyLine(view: LiveView, { filter }: TopState, { paint, columns }: FrameOptions): string {
  const text = view.routes.length > 0 ? `  No route matches "${filter}".` : '  Waiting for requests.'
  return paint('dim', cut(text, columns))
}

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['q', 'quit'],
  ['s', 'sort'],
  ['p', 'pause'],
  ['/', 'filter'],
  ['↑↓', 'select'],
  ['Enter', 'finding'],
  ['?', 'help'],
]

/** Keys that narrow terminals omit, in this order. */
const LEAVE_FIRST = ['↑↓', '/', 'p', 's', 'Enter'] as const

function keyLine(state: TopState, { columns, paint }: FrameOptions, place = ''): string {
  if (state.isTyping) {
    const text = cut(`/${state.filter}`, columns - 24)
    return `${text}▏  ${paint('dim', 'Enter apply · Esc clear')}`
  }
  const filter = state.filter === '' ? '' : `/${state.filter}  `
  const right = `${filter}${place}`
  const words: Readonly<Record<string, string>> = {
    ...(state.isOpen ? { Enter: 'close' } : {}),
    ...(state.isPaused ? { p: 'resume' } : {}),
    s: `sort:${state.sort}`,
  }
  let shown = KEYS.map(([key, what]) => [key, words[key] ?? what] as const)
  const length = () => shown.reduce((sum, [key, what]) => sum + widthOf(key) + 1 + what.length + 2, 0)
  for (const key of LEAVE_FIRST)
    if (length() + widthOf(right) > columns) shown = shown.filter(([one]) => one !== key)
  const left = shown.map(([key, what]) => `${paint('bold', key)} ${paint('dim', what)}`).join('  ')
  return `${left}${' '.repeat(Math.max(1, columns - length() + 2 - widthOf(right) - 1))}${paint('dim', right)}`
}

function helpLines({ paint, columns, slowMs }: FrameOptions): string[] {
  const lines: readonly (readonly [string, string])[] = [
    ['↑ ↓  j k', 'select a route'],
    ['PgUp PgDn  g G', 'move by a page, to the first or the last'],
    ['Enter', 'show its findings and fixes; press again to close'],
    ['s  S', 'sort by DB load, req/s, q/req, DB ms, p99; S reverses'],
    ['/', 'filter by name; Esc clears it'],
    ['p  Space', 'pause and resume'],
    ['q  Ctrl-C', 'quit'],
    ['', ''],
    ['REQ/S', 'requests per second, in the last 10 seconds'],
    ['Q/REQ  DB ms', 'average queries and database time per request'],
    ['DB LOAD', 'share of the database time of all routes'],
    ['p50  p99', 'milliseconds, over at most the last 128 requests'],
    ['HIT', 'share of reads served from the cache'],
    ['ERR', 'share of failed requests in the last minute'],
    ['N+1  REPEAT', 'N+1 queries, or duplicate queries'],
    ['SLOW', `p99 of ${slowMs} ms or more (--slow)`],
    ['BUDGET', 'more queries than the budget allows'],
  ]
  return lines
    .map(([key, what]) => cut(`  ${cell(key, 16)}${what}`, columns))
    .map((line) => (line.trim() === '' ? '' : paint('dim', line)))
}

function filled(lines: readonly string[], last: string, rows: number): string[] {
  const shown = lines.slice(0, rows - 1)
  return [...shown, ...Array<string>(Math.max(0, rows - 1 - shown.length)).fill(''), last]
}

export interface HeadOptions {
  readonly paint: Paint
  readonly width: number
  /** Status at the right, such as `PAUSED`. */
  readonly state?: { readonly text: string; readonly style: 'yellow' | 'red' }
}

/** `sluice top  atlas · 4 procs · 412 req/s · p99 38 ms · hit 91%` */
export function headLine(view: LiveView, { paint, width, state }: HeadOptions): string {
  const title = 'sluice top'
  const room = width - title.length - 2 - (state === undefined ? 0 : widthOf(state.text) + 1)
  const facts = headFacts(view)
  // Omit the last facts first, then the number of processes.
  while (facts.length > 1 && widthOf(facts.join(' · ')) > room)
    facts.splice(facts.length > 4 ? facts.length - 1 : 1, 1)
  const shown = cut(facts.join(' · '), room)
  const right =
    state === undefined
      ? ''
      : `${' '.repeat(Math.max(1, room - widthOf(shown) + 1))}${paint(state.style, state.text)}`
  return `${paint('bold', title)}  ${shown}${right}`
}

function headFacts({ app, processes, vitals, mode }: LiveView): string[] {
  const { requestsPerSecond, p99, cacheShare } = vitals
  return [
    app.name === '' ? `pid ${app.pid}` : app.name,
    counted(processes, 'proc'),
    ...(requestsPerSecond === undefined ? [] : [`${rate(requestsPerSecond)} req/s`]),
    ...(p99 === undefined ? [] : [`p99 ${milliseconds(p99)} ms`]),
    ...(cacheShare === undefined ? [] : [`hit ${Math.round(cacheShare * 100)}%`]),
    ...(mode === '' ? [] : [mode]),
  ]
}

/** Figures of the process, and a sparkline of the requests per second if it fits. */
function vitalsLine({ vitals, requestLine }: LiveView, { paint, width }: HeadOptions): string {
  const { queriesPerSecond, errorRate, cpu, memory, eventLoopDelay } = vitals
  const facts = [
    ...(queriesPerSecond === undefined ? [] : [`${rate(queriesPerSecond)} queries/s`]),
    ...(errorRate === undefined ? [] : [`errors ${decimal(errorRate)}%`]),
    ...(cpu === undefined ? [] : [`cpu ${Math.round(cpu)}%`]),
    ...(memory === undefined ? [] : [`memory ${Math.round(memory)}%`]),
    ...(eventLoopDelay === undefined ? [] : [`loop ${milliseconds(eventLoopDelay)} ms`]),
  ]
  while (facts.length > 1 && widthOf(facts.join(' · ')) > width) facts.pop()
  const text = cut(facts.join(' · '), width)
  const room = width - widthOf(text) - 3
  const line = room >= 16 ? sparkline(requestLine, Math.min(60, room - 6)) : ''
  if (line === '') return paint('dim', text)
  const label = 'req/s '
  return `${paint('dim', text)}${' '.repeat(width - widthOf(text) - label.length - line.length)}${paint('dim', label)}${paint('cyan', line)}`
}

interface FindingLinesOptions {
  readonly paint: Paint
  readonly width: number
  /** URL of the dashboard, for links. */
  readonly address: string
}

/** The findings of a route without muted ones, in the order of the dashboard. */
function findingsOf(findings: readonly LiveFinding[], route: string): readonly LiveFinding[] {
  return findings.flatMap((finding) => {
    if (finding.isMuted) return []
    const own = finding.routes.find(({ scope }) => scope === route)
    if (own !== undefined) return [{ ...finding, ...own }]
    return finding.scope === route ? [finding] : []
  })
}

/** Figures of a route that the table does not contain. */
function routeLines(route: RouteFigures, { paint, width }: FindingLinesOptions): string[] {
  const {
    requests,
    errors,
    perSecond,
    sample,
    queries,
    repeats,
    databaseMs,
    p50,
    p95,
    p99,
    cacheShare,
    budget,
    overBudget,
  } = route
  const figures = [
    `${rate(perSecond)} req/s · ${rate(requests)} requests · ${rate(errors)} failed · p50 ${milliseconds(p50)} · p95 ${milliseconds(p95)} · p99 ${milliseconds(p99)} ms`,
    `${decimal(queries)} queries, ${decimal(databaseMs)} ms of database time per request · ${decimal(repeats)} avoidable${
      cacheShare === undefined ? '' : ` · ${Math.round(cacheShare * 100)}% cache hits`
    }${budget === undefined ? '' : ` · budget ${budget}, exceeded by ${overBudget} of ${sample} requests`}`,
  ]
  return figures.flatMap((line) => wrapped(line, width)).map((line) => paint('dim', line))
}

/** A finding with its call site and fix. The call site is never truncated. */
function findingLines(finding: LiveFinding, options: FindingLinesOptions): string[] {
  const { paint, width, address } = options
  const { code, severity, title, queries, queriesPossible, occurrences, parent, groups, request, id } =
    finding
  const outcome =
    code === 'QUERY_BUDGET'
      ? `${queries} queries, ${queriesPossible} allowed`
      : `${queries} queries → ${queriesPossible} possible`
  const head = `${paint(severity === 'low' ? 'yellow' : 'red', `▲ ${title}`)}  ${cut(`${outcome}   seen ${rate(occurrences)}×`, width - title.length - 4)}`
  const own = code === 'QUERY_BUDGET' ? groups : [finding]
  const lines = own.flatMap((group) => groupLines(group, group === finding ? parent : undefined, options))
  return [
    head,
    ...lines,
    ...(code === 'REPEATED_QUERY' && finding.fix === undefined
      ? [`  ${paint('dim', 'fix')}  run the query once and reuse the result`]
      : []),
    ...(request === undefined ? [] : [`  ${paint('dim', 'more')} ${address}/r/${request}`]),
    `  ${paint('dim', 'mute')} npx sluice ignore ${id}`,
  ]
}

/** @param after - The parent query of an N+1. */
function groupLines(
  group: LiveFinding['groups'][number],
  after: string | undefined,
  { paint, width }: FindingLinesOptions,
): string[] {
  const ms = duration(group.databaseMs)
  const times = `${group.count}×`
  const label = cut(group.label, Math.max(16, width - times.length - ms.length - 6))
  const site = group.callSite ?? ''
  const isRoomy = after !== undefined && site !== '' && widthOf(site) + widthOf(after) + 14 <= width
  const own =
    after === undefined || isRoomy ? [] : wrapped(`after ${after}`, width - 7).map((line) => `       ${line}`)
  return [
    `  ${times} ${label}  ${paint('dim', ms)}`,
    ...(site === ''
      ? []
      : [`  ${paint('dim', 'at')}   ${paint('cyan', site)}${isRoomy ? ` after ${after}` : ''}`]),
    ...own,
    ...(group.fix === undefined
      ? []
      : wrapped(group.fix, width - 7).map(
          (line, at) => `  ${at === 0 ? paint('dim', 'fix') : '   '}  ${paint('green', line)}`,
        )),
  ]
}
