import { PerformanceObserver } from 'node:perf_hooks'

/** The types of Node leave it out. */
const SUPPORTED: readonly string[] =
  (PerformanceObserver as { readonly supportedEntryTypes?: readonly string[] } | undefined)?.supportedEntryTypes ?? []

/** The pauses of the garbage collector. */
export class GcWatch {
  #observer: PerformanceObserver | undefined

  /** @param onPause - Is told of each, in milliseconds. */
  constructor(private readonly onPause: (ms: number) => void) {}

  start(): void {
    // Another runtime may have none of it.
    if (!SUPPORTED.includes('gc')) return
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.onPause(duration)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  stop(): void {
    this.#observer?.disconnect()
    this.#observer = undefined
  }
}
