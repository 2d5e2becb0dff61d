import { cut, widthOf } from '../report/cells.ts'
import type { Paint } from '../report/palette.ts'
import { decimal, milliseconds, rate, sparkline } from './columns.ts'
import type { LiveView } from './live-model.ts'

export interface HeadOptions {
  readonly paint: Paint
  readonly width: number
  /** Such as `PAUSED`, at the right. */
  readonly state?: { readonly text: string; readonly style: 'yellow' | 'red' }
}

/** `sluice top  atlas · 4 procs · 412 req/s · p99 38 ms · hit 91%` */
export function headLine(view: LiveView, { paint, width, state }: HeadOptions): string {
  const title = 'sluice top'
  const room = width - title.length - 2 - (state === undefined ? 0 : widthOf(state.text) + 1)
  const facts = headFacts(view)
  // The figures are worth more than the app's name.
  while (facts.length > 1 && widthOf(facts.join(' · ')) > room) facts.splice(facts.length > 4 ? facts.length - 1 : 1, 1)
  const shown = cut(facts.join(' · '), room)
  const right = state === undefined ? '' : `${' '.repeat(Math.max(1, room - widthOf(shown) + 1))}${paint(state.style, state.text)}`
  return `${paint('bold', title)}  ${shown}${right}`
}

function headFacts({ app, processes, vitals, mode }: LiveView): string[] {
  const { requestsPerSecond, p99, cacheShare } = vitals
  return [
    app.name === '' ? `pid ${app.pid}` : app.name,
    `${processes} ${processes === 1 ? 'proc' : 'procs'}`,
    ...(requestsPerSecond === undefined ? [] : [`${rate(requestsPerSecond)} req/s`]),
    ...(p99 === undefined ? [] : [`p99 ${milliseconds(p99)} ms`]),
    ...(cacheShare === undefined ? [] : [`hit ${Math.round(cacheShare * 100)}%`]),
    ...(mode === '' ? [] : [mode]),
  ]
}

/** Figures of the process, and requests a second as columns where there is room. */
export function vitalsLine({ vitals, requestLine }: LiveView, { paint, width }: HeadOptions): string {
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
