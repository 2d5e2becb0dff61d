import { type EventLoopUtilization, PerformanceObserver, performance } from 'node:perf_hooks'

const SAMPLE_MS = 50

/** How busy the event loop is, and how late. */
export class EventLoopWatch {
  // Not `monitorEventLoopDelay`: it loses a delay that is in progress when it is reset, which is the longest
  // one.
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = 0
  #before: EventLoopUtilization | undefined

  /**
   * @param now - Milliseconds.
   * @param onDelay - Receives the delay of each sample in milliseconds.
   */
  constructor(
    private readonly now: () => number,
    private readonly onDelay: (ms: number) => void,
  ) {}

  start(): void {
    this.#before = performance.eventLoopUtilization()
    this.#next()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Percent, since the last call. */
  utilization(): number | undefined {
    const before = this.#before
    const now = performance.eventLoopUtilization()
    this.#before = now
    if (before === undefined) return undefined
    const { idle, active, utilization } = performance.eventLoopUtilization(now, before)
    return idle + active > 0 ? Math.min(100, Math.max(0, utilization * 100)) : undefined
  }

  #next(): void {
    this.#dueAt = this.now() + SAMPLE_MS
    this.#timer = setTimeout(() => {
      this.onDelay(Math.max(0, this.now() - this.#dueAt))
      this.#next()
    }, SAMPLE_MS)
    this.#timer.unref()
  }
}

/** Node's types do not contain it. */
const SUPPORTED: readonly string[] =
  (PerformanceObserver as { readonly supportedEntryTypes?: readonly string[] } | undefined)
    ?.supportedEntryTypes ?? []

/** The pauses of the garbage collector. */
export class GcWatch {
  #observer: PerformanceObserver | undefined

  /** @param onPause - Receives each pause in milliseconds. */
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
