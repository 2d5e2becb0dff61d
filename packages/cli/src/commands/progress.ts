import type { Output } from '../command.ts'

const SHOW_AFTER_MS = 500
const EVERY_MS = 100

export interface Progress {
  say(text: string): void
  end(): void
}

/** What goes on, in one line of a terminal that is written over, once it takes long. Elsewhere nothing. */
export function progressOn(output: Output): Progress {
  if (output.isTerminal !== true) return { say() {}, end() {} }
  const startedAt = performance.now()
  let shownAt = startedAt + SHOW_AFTER_MS - EVERY_MS
  let isShown = false
  return {
    say(text) {
      const now = performance.now()
      if (now - shownAt < EVERY_MS) return
      shownAt = now
      isShown = true
      output.err(`\r\u001b[2K${text} …`)
    },
    end() {
      if (isShown) output.err('\r\u001b[2K')
      isShown = false
    },
  }
}
