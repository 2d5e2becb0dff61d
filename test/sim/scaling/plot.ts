import { CAPACITY } from './fluid-workers.ts'
import type { Replayed } from './replay.ts'

const WIDTH = 960
const PANEL = 120
/** Space above each panel for its heading. */
const HEAD = 40
const LEFT = 60
const RIGHT = 60
const TOP = 64
const BOTTOM = 44
const SPAN = WIDTH - LEFT - RIGHT
/** Points in horizontal direction. */
const COLUMNS = 480
const OVER_SECONDS = 0.2
const HOUR = 60
const HOURS = [1, 2, 3, 4, 6, 12, 24, 48, 96]

/** The colors follow the reader's system, like those of the dashboard. */
const STYLE = `
  svg { --back: #ffffff; --text: #1b1f24; --muted: #57606a; --grid: #d8dee4; --load: #0b62d6; --workers: #8a5a00; --bad: #c4242b }
  @media (prefers-color-scheme: dark) {
    svg { --back: #0e1116; --text: #e6e9ee; --muted: #9aa4b2; --grid: #2b313a; --load: #6cb0ff; --workers: #e0a935; --bad: #ff7b72 }
  }
  .back { fill: var(--back) }
  text { fill: var(--text) }
  .muted { fill: var(--muted) }
  .grid { stroke: var(--grid); fill: none }
  .load { stroke: var(--load); stroke-width: 1.4; fill: none }
  .workers { stroke: var(--workers); stroke-width: 1.4; fill: none }
  .room { fill: var(--workers); fill-opacity: .14 }
  .bad { stroke: var(--bad); stroke-width: 2.4; fill: none }
  .shade { stroke: var(--bad); stroke-width: 2.4; stroke-opacity: .22; fill: none }
`

interface Column {
  readonly rate: number
  readonly workers: number
  readonly isOver: boolean
}

interface Frame {
  /** Requests per second at the upper edge. */
  readonly most: number
  readonly step: number
  readonly minutes: number
}

/**
 * One panel per rule: the load, the capacity of the workers, and where requests took longer than the
 * objective.
 */
export function plot(title: string, replayed: readonly Replayed[]): string {
  const minutes = replayed[0]?.minutes.length ?? 0
  const columns = replayed.map((one) => columnsOf(one.minutes))
  const highest = Math.max(1, ...columns.flat().flatMap(({ rate, workers }) => [rate, workers * CAPACITY]))
  const step = niceStep(highest / 4)
  const frame = { most: Math.ceil(highest / step) * step, step, minutes }
  const height = TOP + replayed.length * (HEAD + PANEL) + BOTTOM
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="12">`,
    `<title id="title">${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${WIDTH}" height="${height}"/>`,
    `<text x="${LEFT}" y="24" font-size="16" font-weight="bold">${escaped(title)}</text>`,
    legend(),
    ...replayed.map((one, at) => panel(one, columns[at] ?? [], TOP + HEAD + at * (HEAD + PANEL), frame)),
    timeAxis(height - BOTTOM, frame),
    '</svg>\n',
  ].join('\n')
}

function legend(): string {
  const y = 46
  return [
    `<path class="load" d="M${LEFT} ${y}h24"/><text x="${LEFT + 30}" y="${y + 4}">load, in requests a second</text>`,
    `<rect class="room" x="${LEFT + 210}" y="${y}" width="24" height="6"/><path class="workers" d="M${LEFT + 210} ${y}h24"/>`,
    `<text x="${LEFT + 240}" y="${y + 4}">what the workers can answer</text>`,
    `<path class="shade" d="M${LEFT + 442} ${y - 4}v12"/><path class="bad" d="M${LEFT + 442} ${y - 4}v5"/>`,
    `<text x="${LEFT + 452}" y="${y + 4}">longer than 200 ms</text>`,
  ].join('\n')
}

function panel(
  { rule, over, dropped, cost }: Replayed,
  columns: readonly Column[],
  top: number,
  frame: Frame,
): string {
  const bottom = top + PANEL
  const x = (at: number) => (LEFT + (at * SPAN) / columns.length).toFixed(1)
  const y = (value: number) => (bottom - (PANEL * value) / frame.most).toFixed(1)
  const steps = columns
    .map(
      ({ workers }, at) => `${at === 0 ? 'M' : 'H'}${x(at)}${at === 0 ? ' ' : 'V'}${y(workers * CAPACITY)}`,
    )
    .join('')
  const room = `${steps}H${x(columns.length)}`
  const line = columns.map(({ rate }, at) => `${x(at + 0.5)},${y(rate)}`).join(' ')
  const bad = (from: number, to: number) =>
    columns.flatMap(({ isOver }, at) => (isOver ? [`M${x(at + 0.5)} ${from}V${to}`] : [])).join('')
  const figures = `${over.toFixed(2)} % of the time over 200 ms, ${dropped.toFixed(2)} % dropped, ${cost.toFixed(2)} × the worker-hours of an oracle`
  return [
    `<text x="${LEFT}" y="${top - 12}"><tspan font-weight="bold">${escaped(rule)}</tspan><tspan class="muted" dx="8">${figures}</tspan></text>`,
    ...ticksOf(frame).map((value) => scaleLine(value, y(value))),
    `<path class="room" d="${room}V${bottom}H${LEFT}Z"/>`,
    `<path class="shade" d="${bad(top, bottom)}"/>`,
    `<path class="workers" d="${room}"/>`,
    `<polyline class="load" points="${line}"/>`,
    `<path class="bad" d="${bad(top - 5, top)}"/>`,
  ].join('\n')
}

/** Requests on the left, and the workers for this many requests on the right. */
function scaleLine(value: number, y: string): string {
  const count = value / CAPACITY
  const workers = Number.isInteger(count) ? `${count}` : count.toFixed(1)
  const isFirst = value === 0
  return [
    `<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/>`,
    `<text class="muted" x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end">${value.toLocaleString('en')}${isFirst ? '/s' : ''}</text>`,
    `<text class="muted" x="${WIDTH - RIGHT + 8}" y="${y}" dy="4">${isFirst ? 'workers' : workers}</text>`,
  ].join('')
}

function ticksOf({ most, step }: Frame): number[] {
  return Array.from({ length: Math.round(most / step) + 1 }, (_, at) => at * step)
}

function timeAxis(top: number, { minutes }: Frame): string {
  const hours = minutes / HOUR
  const step = HOURS.find((one) => hours / one <= 12) ?? 24 * Math.ceil(hours / 24 / 12)
  const inDays = step >= 24
  const ticks = Array.from({ length: Math.floor(hours / step) + 1 }, (_, at) => {
    const x = (LEFT + (at * step * SPAN) / hours).toFixed(1)
    return `<path class="grid" d="M${x} ${top}v5"/><text class="muted" x="${x}" y="${top + 18}" text-anchor="middle">${inDays ? (at * step) / 24 : at * step}</text>`
  })
  return [
    ...ticks,
    `<text class="muted" x="${LEFT + SPAN / 2}" y="${top + 36}" text-anchor="middle">${inDays ? 'days' : 'hours'}</text>`,
  ].join('\n')
}

/** The smallest of 1, 2 or 5 times a power of ten that is not less than it. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return ([1, 2, 5].find((one) => one * power >= least) ?? 10) * power
}

function columnsOf(minutes: Replayed['minutes']): Column[] {
  const width = Math.max(1, Math.ceil(minutes.length / COLUMNS))
  return Array.from({ length: Math.ceil(minutes.length / width) }, (_, at) => {
    const of = minutes.slice(at * width, (at + 1) * width)
    return {
      rate: Math.max(...of.map(({ rate }) => rate)),
      workers: of.reduce((sum, { workers }) => sum + workers, 0) / of.length,
      isOver: of.some(({ slowest }) => slowest > OVER_SECONDS),
    }
  })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
