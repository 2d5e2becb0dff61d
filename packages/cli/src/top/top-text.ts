import type { Output } from '../command.ts'
import type { FollowEvent } from '../dashboard/follow-dashboard.ts'
import { cell, counted, cut, type Paint, wrapped } from '../report/cells.ts'
import type { TopJson } from '../report/json-output.ts'
import { decimal, flagsOf, layoutOf, milliseconds, rate, routeLine, titleLine } from './columns.ts'
import { headLine } from './frame.ts'
import { LiveModel, type LiveView } from './live-model.ts'
import { filterRoutes, type Sort, sortRoutes } from './top-state.ts'

interface TopTextOptions extends TopReportOptions {
  readonly events: AsyncIterable<FollowEvent>
  readonly output: Output
  readonly asJson: boolean
  /** Print once after this time; `undefined` to print repeatedly. */
  readonly onceAfterMs: number | undefined
  readonly everyMs: number
  /** Ends `events`. */
  readonly stop: () => void
}

/** Factor by which `--once` waits longer while there are no requests. */
const PATIENCE = 5

/** Prints the figures of a running app without full-screen mode, once or until `events` ends. */
export async function topText(options: TopTextOptions): Promise<void> {
  const { events, output, asJson, onceAfterMs, everyMs, stop } = options
  const startedAt = performance.now()
  let model: LiveModel | undefined
  const write = () => {
    if (model === undefined) return
    const watchedMs = performance.now() - startedAt
    const view = model.view()
    if (asJson) output.out(`${topJson(view, options, watchedMs)}\n`)
    else
      output.out(
        onceAfterMs === undefined ? topLines(view, options) : topTable(view, { ...options, watchedMs }),
      )
  }
  const tick = () => {
    if (onceAfterMs === undefined) return write()
    const watchedMs = performance.now() - startedAt
    const hasSeen = model?.view().routes.some(({ sample }) => sample > 0) === true
    if (watchedMs < onceAfterMs || (!hasSeen && watchedMs < onceAfterMs * PATIENCE)) return
    write()
    stop()
  }
  let timer: ReturnType<typeof setInterval> | undefined
  try {
    for await (const event of events) {
      if (event.kind === 'snapshot') {
        if (model === undefined) model = new LiveModel(event.snapshot)
        else model.replace(event.snapshot)
      } else if (event.kind === 'delta') model?.apply(event.delta)
      else if (event.kind === 'back') output.err('The app responds again.\n')
      else output.err(`The app does not respond (${event.why}): retrying in ${event.waitMs / 1_000} s\n`)
      if (timer !== undefined || model === undefined) continue
      timer = setInterval(tick, onceAfterMs === undefined ? everyMs : Math.min(everyMs, 100))
      tick()
    }
  } finally {
    clearInterval(timer)
  }
}

interface TopReportOptions {
  readonly paint: Paint
  readonly width: number
  readonly sort: Sort
  readonly filter: string
  readonly slowMs: number
}

/** The table of `--once`. Ends with a line break. */
export function topTable(view: LiveView, options: TopReportOptions & { readonly watchedMs: number }): string {
  const { paint, width, sort, filter, slowMs, watchedMs } = options
  const routes = sortRoutes(filterRoutes(view.routes, filter), sort)
  const layout = layoutOf(width)
  const rows = routes.map((route) => routeLine(route, layout, { paint, slowMs }).trimEnd())
  const over = `REQ/S: last 10 s. ERR: ${Math.round(watchedMs / 1_000)} s. Other columns: last ${sampleOf(view)} per route.`
  const last = routes.length === 0 ? `No requests in ${Math.round(watchedMs / 1_000)} s.` : over
  return `${[headLine(view, { paint, width }), paint('bold', titleLine(layout, sort, false)), ...rows, ...wrapped(last, width).map((line) => paint('dim', line))].join('\n')}\n`
}

function sampleOf({ routes }: LiveView): string {
  return counted(Math.max(0, ...routes.map(({ sample }) => sample)), 'request')
}

/** A line for the app and for each route, with timestamps, for logs and `grep`. Ends with a line break. */
export function topLines(view: LiveView, { sort, filter, slowMs, width }: TopReportOptions): string {
  const time = new Date(view.at).toISOString().slice(11, 19)
  const room = width - time.length - 2
  const lines = [headLine(view, { paint: (_style, text) => text, width: room })]
  for (const route of sortRoutes(filterRoutes(view.routes, filter), sort)) {
    const { name, perSecond, queries, databaseMs, p99 } = route
    if (perSecond === 0) continue
    const flags = flagsOf(route, slowMs).map(({ text }) => text)
    const figures = [
      `${rate(perSecond)} req/s`,
      `${decimal(queries)} q/req`,
      `${decimal(databaseMs)} DB ms`,
      `p99 ${milliseconds(p99)} ms`,
      ...flags,
    ]
    lines.push(cut(`  ${cell(name, Math.min(28, Math.max(8, room - 50)))}  ${figures.join('  ')}`, room))
  }
  return lines.map((line) => `${time}  ${line}\n`).join('')
}

/** The object of `--json`, in one line. */
function topJson(
  view: LiveView,
  { sort, filter, slowMs }: Omit<TopReportOptions, 'paint' | 'width'>,
  watchedMs: number,
): string {
  const { at, app, processes, mode, vitals, totals, ranked, routes } = view
  const json: TopJson = {
    schemaVersion: 1,
    at,
    watchedMs: Math.round(watchedMs),
    app: { ...app, processes },
    mode,
    vitals,
    totals,
    routes: sortRoutes(filterRoutes(routes, filter), sort).map((route) => ({
      ...route,
      flags: flagsOf(route, slowMs).map(({ text }) => text),
      codes: route.flags,
    })),
    ranked,
  }
  return JSON.stringify(json)
}
