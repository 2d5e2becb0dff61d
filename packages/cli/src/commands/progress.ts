import type { Output } from '../command.ts'
import { cut } from '../report/cells.ts'
import { bar } from '../top/columns.ts'

const SHOW_AFTER_MS = 500
const EVERY_MS = 100
/** Without a terminal, such as in a CI log, lines cannot be overwritten. */
const LINE_AFTER_MS = 2_000
const LINE_EVERY_MS = 10_000
const BAR = 20

export interface Progress {
  /** @param share - Finished share, 0 to 1. Omit it if it is unknown. */
  update(text: string, share?: number): void
  end(): void
}

/**
 * Shows the progress of long operations on stderr: on a terminal, one line that is overwritten, with a bar if
 * the share is known; elsewhere, periodic plain lines.
 */
export function progressOn(output: Output, now: () => number = () => performance.now()): Progress {
  return output.isErrTerminal === true ? lineOn(output, now) : linesOn(output, now)
}

function lineOn(output: Output, now: () => number): Progress {
  const startedAt = now()
  let last = ''
  let shownAt = Number.NEGATIVE_INFINITY
  let isShown = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const show = () => {
    clearTimeout(timer)
    timer = undefined
    shownAt = now()
    isShown = true
    output.err(`\r\u001b[2K${last}`)
  }
  return {
    update(text, share) {
      const shown =
        share === undefined
          ? `${text} …`
          : `${bar(share, BAR)} ${String(Math.floor(share * 100)).padStart(3)}%  ${text}`
      last = cut(shown, (output.columns ?? 80) - 1)
      const waitMs = Math.max(startedAt + SHOW_AFTER_MS, shownAt + EVERY_MS) - now()
      if (waitMs <= 0) show()
      else if (timer === undefined) {
        // No later call may follow that shows the line.
        timer = setTimeout(show, waitMs)
        timer.unref()
      }
    },
    end() {
      clearTimeout(timer)
      timer = undefined
      if (isShown) output.err('\r\u001b[2K')
      isShown = false
    },
  }
}

function linesOn(output: Output, now: () => number): Progress {
  let nextAt = now() + LINE_AFTER_MS
  let last = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  const show = () => {
    timer = undefined
    nextAt = now() + LINE_EVERY_MS
    output.err(`${last}\n`)
  }
  return {
    update(text, share) {
      last = share === undefined ? `${text} …` : `${text}  ${Math.floor(share * 100)}%`
      const waitMs = nextAt - now()
      if (waitMs <= 0) {
        clearTimeout(timer)
        show()
      } else if (timer === undefined) {
        timer = setTimeout(show, waitMs)
        timer.unref()
      }
    },
    end() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
