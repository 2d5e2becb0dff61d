import type { Output } from '../command.ts'
import type { FollowEvent } from '../dashboard/follow-dashboard.ts'
import { LiveModel } from './live-model.ts'
import { type TopReportOptions, topJson, topLines, topTable } from './top-report.ts'

export interface TopTextOptions extends TopReportOptions {
  readonly events: AsyncIterable<FollowEvent>
  readonly output: Output
  readonly asJson: boolean
  /** Once, after it has looked for so long; `undefined`: again and again. */
  readonly onceAfterMs: number | undefined
  readonly everyMs: number
  /** Ends `events`. */
  readonly stop: () => void
}

/** Where nothing was seen, `--once` waits so many times longer. */
const PATIENCE = 5

/** Writes what a running app does, without using the screen: until `events` end, or once. */
export async function topText(options: TopTextOptions): Promise<void> {
  const { events, output, asJson, onceAfterMs, everyMs, stop } = options
  const startedAt = performance.now()
  let model: LiveModel | undefined
  const write = () => {
    if (model === undefined) return
    const watchedMs = performance.now() - startedAt
    const view = model.view()
    if (asJson) output.out(`${topJson(view, options, watchedMs)}\n`)
    else output.out(onceAfterMs === undefined ? topLines(view, options) : topTable(view, { ...options, watchedMs }))
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
      else if (event.kind === 'back') output.err('The app answers again.\n')
      else output.err(`The app does not answer (${event.why}): trying again in ${event.waitMs / 1_000} s\n`)
      if (timer !== undefined || model === undefined) continue
      timer = setInterval(tick, onceAfterMs === undefined ? everyMs : Math.min(everyMs, 100))
      tick()
    }
  } finally {
    clearInterval(timer)
  }
}
