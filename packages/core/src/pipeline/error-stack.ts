import { captureStack, functionIn, isFrame, isOwnFrame, placeIn } from './call-site.ts'

/**
 * Maximum number of Sluice's frames between the app and the driver, which must not use up the app's limit.
 */
const OWN_FRAMES = 15

/**
 * Makes room for the frames of Sluice in the stacks of errors that are created until the limit is restored.
 *
 * @returns The limit to pass to {@link restoreStackLimit}.
 */
export function raiseStackLimit(): number {
  const { stackTraceLimit } = Error
  // Zero turns stacks off.
  if (stackTraceLimit > 0) restoreStackLimit(stackTraceLimit + OWN_FRAMES)
  return stackTraceLimit
}

export function restoreStackLimit(limit: number): void {
  try {
    Error.stackTraceLimit = limit
  } catch {
    // The app froze `Error`.
  }
}

/**
 * Adds the frames of the callers to the stack of an error, as far as it does not contain them. V8 finds the
 * functions that await a promise only while each promise on the way has a single reaction, so the error of a
 * batched query has none.
 *
 * @param called - The stack of the call. Default: the functions that await the promise that the current
 *   reaction rejects.
 */
export function addCallers(error: unknown, called: string | undefined = captureStack().stack): void {
  try {
    const { stack } = (error ?? {}) as { readonly stack?: unknown }
    if (typeof stack !== 'string' || typeof called !== 'string') return
    const callers = called.split('\n').filter((line) => isFrame(line) && !isOwnFrame(line))
    const lines = stack.split('\n')
    const whole = withCallers(lines, callers.slice(0, Math.max(0, Error.stackTraceLimit)))
    if (whole.length > lines.length) (error as { stack: string }).stack = whole.join('\n')
  } catch {
    // The app froze the error, or formats stacks itself.
  }
}

function withCallers(lines: readonly string[], callers: readonly string[]): readonly string[] {
  // A synchronous frame has the position of the call, which differs from that of its `await`.
  for (const identify of [placeIn, functionIn]) {
    const known = callers.map(identify)
    const found = lines.map(identify)
    const last = found.findLastIndex((one) => one !== undefined && known.includes(one))
    if (last === -1) continue
    const of = known.lastIndexOf(found[last])
    let matched = 1
    while (matched <= of && found[last - matched] === known[of - matched]) matched += 1
    const first = last - matched + 1
    const inner = callers.slice(0, of - matched + 1).filter((caller) => isMissing(caller, lines))
    return [...lines.slice(0, first), ...inner, ...lines.slice(first), ...callers.slice(of + 1)]
  }
  return [...lines, ...callers]
}

function isMissing(caller: string, lines: readonly string[]): boolean {
  const place = placeIn(caller)
  const name = functionIn(caller)
  return !lines.some((line) => placeIn(line) === place || (name !== undefined && functionIn(line) === name))
}
