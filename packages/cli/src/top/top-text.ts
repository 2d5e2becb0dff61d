import type { Output } from '../command.ts'
import type { FollowEvent } from '../dashboard/follow-dashboard.ts'
import { LiveModel } from './live-model.ts'
import { type TopReportOptions, topJson, topLines, topTable } from './top-report.ts'

export interface TopTextOptions extends TopReportOptions {
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
