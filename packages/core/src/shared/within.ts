/**
 * Waits for a promise, for so long.
 *
 * @param ms - Milliseconds.
 * @throws What the promise rejects with; an error when it has not settled in time.
 */
export function within<T>(ms: number, promise: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isSettled = false
    const timer = setTimeout(() => {
      // Where the process was held up, the answer may be here already, and is heard in this turn.
      setImmediate(() => {
        if (!isSettled) reject(new Error(`No answer within ${ms} ms.`))
      })
    }, ms)
    timer.unref()
    const settle =
      <TValue>(end: (value: TValue) => void) =>
      (value: TValue) => {
        isSettled = true
        clearTimeout(timer)
        end(value)
      }
    promise.then(settle(resolve), settle(reject))
  })
}
