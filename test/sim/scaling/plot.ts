import { CAPACITY } from './fluid-workers.ts'
import type { Replayed } from './replay.ts'

const WIDTH = 960
const PANEL = 120
const GAP = 34
const LEFT = 48
/** Points across. */
const COLUMNS = 480

interface Column {
  readonly rate: number
  readonly workers: number
  readonly isOver: boolean
}

/** One panel for each rule: the load, what the workers can answer, and, in red, where requests took longer than the objective. */
export function plot(title: string, replayed: readonly Replayed[]): string {
  const most = Math.max(...replayed.flatMap(({ minutes }) => minutes.map(({ rate }) => rate))) * 1.5
  const panels = replayed.map((one, at) => panel(one, GAP + at * (PANEL + GAP), most))
  const height = GAP + replayed.length * (PANEL + GAP)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}

function panel({ rule, over, dropped, cost, minutes }: Replayed, top: number, most: number): string {
  const columns = columnsOf(minutes)
  const bottom = top + PANEL
  const x = (at: number) => (LEFT + (at * (WIDTH - LEFT - 8)) / columns.length).toFixed(1)
  const y = (value: number) => (bottom - PANEL * Math.min(1, value / most)).toFixed(1)
  const steps = columns.map(({ workers }, at) => `${at === 0 ? 'M' : 'H'}${x(at)}${at === 0 ? ' ' : 'V'}${y(workers * CAPACITY)}`).join('')
  const line = columns.map(({ rate }, at) => `${x(at)},${y(rate)}`).join(' ')
  const bad = columns.flatMap(({ isOver }, at) => (isOver ? [`M${x(at)} ${top}V${bottom}`] : [])).join('')
  const figures = `${over.toFixed(2)} % of the time over 200 ms, ${dropped.toFixed(2)} % dropped, ${cost.toFixed(2)} × the worker-hours of an oracle`
  return [
    `<text x="${LEFT}" y="${top - 6}"><tspan font-weight="bold">${escaped(rule)}</tspan>: ${figures}</text>`,
    `<text x="${LEFT - 6}" y="${top + 10}" text-anchor="end" fill="#666">${Math.round(most)}/s</text>`,
    `<path d="M${LEFT} ${bottom}H${WIDTH - 8}" stroke="#999"/>`,
    `<path d="${bad}" stroke="#d33" stroke-width="2"/>`,
    `<polyline points="${line}" fill="none" stroke="#36c"/>`,
    `<path d="${steps}" fill="none" stroke="#e80" stroke-width="1.2"/>`,
  ].join('\n')
}

function columnsOf(minutes: Replayed['minutes']): Column[] {
  const width = Math.max(1, Math.ceil(minutes.length / COLUMNS))
  return Array.from({ length: Math.ceil(minutes.length / width) }, (_, at) => {
    const of = minutes.slice(at * width, (at + 1) * width)
    return {
      rate: Math.max(...of.map(({ rate }) => rate)),
      workers: of.reduce((sum, { workers }) => sum + workers, 0) / of.length,
      isOver: of.some(({ slowest }) => slowest > 0.2),
    }
  })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
