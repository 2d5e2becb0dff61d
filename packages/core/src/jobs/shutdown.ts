/**
 * Calls `close` when the process receives one of the signals. Then the process ends with the same signal,
 * unless there are other listeners.
 *
 * @returns A function that removes the listeners.
 */
export function closeOnSignals(signals: readonly NodeJS.Signals[], close: () => Promise<void>): () => void {
  const listeners = signals.map((signal) => {
    const listener = () => {
      stop()
      // A second signal ends the process immediately.
      close()
        .catch(() => {})
        .finally(() => {
          if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
        })
    }
    process.once(signal, listener)
    return () => process.off(signal, listener)
  })
  const stop = () => {
    for (const one of listeners) one()
  }
  return stop
}
