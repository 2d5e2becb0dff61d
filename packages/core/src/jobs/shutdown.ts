/**
 * Does something when the process is told to end, and then lets it end as it would have: by the same signal, unless somebody else listens to it.
 *
 * @returns The function that takes it back.
 */
export function closeOnSignals(signals: readonly NodeJS.Signals[], close: () => Promise<void>): () => void {
  const listeners = signals.map((signal) => {
    const listener = () => {
      stop()
      // A second signal ends the process at once.
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
