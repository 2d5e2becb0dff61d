const PARTS = 5

/**
 * Runs a function when so many milliseconds are over, in which this process could hear what it waits for: time in which something blocked its event loop counts as
 * a fifth of them at most, and what came meanwhile is read first. Does not keep the process alive.
 *
 * @returns Takes it back.
 */
export function patiently(ms: number, run: () => void): () => void {
  let left = PARTS
  let isOver = false
  const timer = setInterval(() => {
    left -= 1
    if (left > 0) return
    clearInterval(timer)
    setImmediate(() => {
      if (!isOver) run()
    }).unref()
  }, ms / PARTS)
  timer.unref()
  return () => {
    isOver = true
    clearInterval(timer)
  }
}
