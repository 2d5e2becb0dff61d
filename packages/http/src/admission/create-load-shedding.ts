import type { IncomingMessage, ServerResponse } from 'node:http'
import { getHeapStatistics } from 'node:v8'
import {
  checkOptions,
  type OptionRule,
  option,
  type RandomSource,
  setBackgroundTimeout,
} from '@sluice/core/siblings'
import { refuse } from '../small-responses.ts'

/** `critical` requests are never rejected. `low` requests are rejected from half of a limit. */
export type RequestPriority = 'critical' | 'normal' | 'low'

export interface LoadShedOptions {
  /**
   * Delay of timers, in milliseconds, from which an increasing percentage of requests is rejected. At twice
   * this delay, all are rejected. `0`: not checked.
   * @defaultValue 100
   */
  readonly maxEventLoopDelayMs?: number
  /**
   * Maximum number of requests in flight. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxConcurrent?: number
  /**
   * Maximum heap usage, in bytes. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxHeapBytes?: number
  /**
   * Returns the priority of a request.
   * @defaultValue 'normal' for all
   */
  readonly priority?: (request: IncomingMessage) => RequestPriority
  /**
   * Paths of requests that are never rejected and not counted.
   * @defaultValue ['/healthz', '/readyz', '/metrics']
   */
  readonly exempt?: readonly string[]
  /**
   * Value of `Retry-After` for rejected requests, in seconds. Minimum: `1`.
   * @defaultValue 1
   */
  readonly retryAfterSeconds?: number
}

export interface LoadShedStats {
  /** Admitted requests in flight. */
  readonly concurrent: number
  readonly admitted: number
  /** Rejected requests, by the limit that was exceeded. */
  readonly shed: { readonly eventLoop: number; readonly concurrent: number; readonly heap: number }
}

/** Rejects requests while the process is overloaded. */
export interface LoadShedding {
  /**
   * Admits a request, or responds to it with `503`.
   *
   * @param url - The path that the client requested.
   * @defaultValue `request.url`
   * @returns Whether the request is admitted.
   */
  admit(request: IncomingMessage, response: ServerResponse, url?: string): boolean
  getStats(): LoadShedStats
  /** Stops rejecting requests. */
  close(): void
}

const EXEMPT = ['/healthz', '/readyz', '/metrics']
const HEAP_MS = 100
const LOW = 0.5
const paths: OptionRule = {
  expected: 'an array of paths',
  accepts: (value) =>
    option.strings.accepts(value) && (value as readonly string[]).every((path) => path.startsWith('/')),
}

/**
 * Creates load shedding, which keeps an overloaded app responsive: it rejects excess requests immediately,
 * before any work is done for them.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const shedding = createLoadShedding({ maxConcurrent: 200 })
 * createServer((request, response) => {
 *   if (shedding.admit(request, response)) handle(request, response)
 * })
 * ```
 */
export function createLoadShedding(options: LoadShedOptions = {}): LoadShedding {
  const { callback, integer, number } = option
  checkOptions(options, {
    maxEventLoopDelayMs: number(0),
    maxConcurrent: integer(1),
    maxHeapBytes: integer(1),
    priority: callback,
    exempt: paths,
    retryAfterSeconds: integer(1),
  })
  return new SluiceLoadShedding(options)
}

class SluiceLoadShedding implements LoadShedding {
  readonly #shedder: LoadShedder | undefined
  readonly #exempt: ReadonlySet<string>
  readonly #shed = { eventLoop: 0, concurrent: 0, heap: 0 }
  #concurrent = 0
  #admitted = 0
  #heap = 0
  #heapAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(private readonly options: LoadShedOptions) {
    const { maxEventLoopDelayMs = 100, exempt = EXEMPT } = options
    this.#shedder =
      maxEventLoopDelayMs === 0 ? undefined : new LoadShedder(maxEventLoopDelayMs, () => performance.now())
    this.#exempt = new Set(exempt)
  }

  admit(request: IncomingMessage, response: ServerResponse, url = request.url ?? '/'): boolean {
    if (this.#isClosed || this.#exempt.has(url.split('?', 1)[0] ?? url)) return true
    const excess = this.#excess(this.#priorityOf(request))
    if (excess !== undefined) {
      this.#shed[excess] += 1
      refuse(request, response, 503, this.options.retryAfterSeconds)
      return false
    }
    this.#admitted += 1
    this.#concurrent += 1
    response.once('close', () => {
      this.#concurrent -= 1
    })
    return true
  }

  getStats(): LoadShedStats {
    return { concurrent: this.#concurrent, admitted: this.#admitted, shed: { ...this.#shed } }
  }

  close(): void {
    this.#isClosed = true
    this.#shedder?.close()
  }

  #excess(priority: RequestPriority): keyof LoadShedStats['shed'] | undefined {
    if (priority === 'critical') return undefined
    const share = priority === 'low' ? LOW : 1
    const { maxConcurrent, maxHeapBytes } = this.options
    if (maxConcurrent !== undefined && this.#concurrent >= Math.max(1, maxConcurrent * share))
      return 'concurrent'
    if (maxHeapBytes !== undefined && this.#heapNow() > maxHeapBytes * share) return 'heap'
    return this.#shedder?.sheds(share) === true ? 'eventLoop' : undefined
  }

  #heapNow(): number {
    const now = performance.now()
    if (now - this.#heapAt >= HEAP_MS) {
      this.#heapAt = now
      this.#heap = getHeapStatistics().used_heap_size
    }
    return this.#heap
  }

  /** If the function throws, the priority is `normal`. */
  #priorityOf(request: IncomingMessage): RequestPriority {
    try {
      return this.options.priority?.(request) ?? 'normal'
    } catch {
      return 'normal'
    }
  }
}

const SAMPLE_MS = 50
/** Weight of the newest sample. */
const SMOOTHING = 0.25

/**
 * Rejects a share of the requests while the event loop is delayed: none up to the limit, and all of them at
 * twice the limit. To reject all requests and then none would alternate between idle and overloaded.
 */
export class LoadShedder {
  // Not `monitorEventLoopDelay`: a delay in progress when it is reset is not counted, and that is the longest
  // one.
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = 0
  #delayMs = 0

  /**
   * @param maxDelayMs - Maximum delay of timers.
   * @param now - Returns the time in milliseconds.
   */
  constructor(
    private readonly maxDelayMs: number,
    private readonly now: () => number,
    private readonly random: RandomSource = Math.random,
  ) {
    this.#next()
  }

  /** Smoothed delay of recent timers, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs
  }

  /**
   * Returns whether to reject a request.
   *
   * @param share - Share of the limit from which it is rejected.
   */
  sheds(share = 1): boolean {
    const excess = this.#delayMs / (this.maxDelayMs * share) - 1
    return excess > 0 && this.random() < excess
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #next(): void {
    this.#dueAt = this.now() + SAMPLE_MS
    this.#timer = setBackgroundTimeout(() => {
      const late = Math.max(0, this.now() - this.#dueAt)
      this.#delayMs += (late - this.#delayMs) * SMOOTHING
      this.#next()
    }, SAMPLE_MS)
  }
}
