import type { IncomingMessage, ServerResponse } from 'node:http'
import { getHeapStatistics } from 'node:v8'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import { refuse } from '../small-responses.ts'
import { LoadShedder } from './load-shedder.ts'

/** `critical` is never refused, `low` from half of a bound on. */
export type RequestPriority = 'critical' | 'normal' | 'low'

export interface LoadShedOptions {
  /**
   * Milliseconds that timers may be late. From there on a growing part of the requests is refused, all of them at twice as much. `0`: it does not matter.
   * @defaultValue 100
   */
  readonly maxEventLoopDelayMs?: number
  /**
   * Requests under way. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxConcurrent?: number
  /**
   * Bytes of the heap that are in use. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxHeapBytes?: number
  /**
   * How much a request matters.
   * @defaultValue 'normal' for all
   */
  readonly priority?: (request: IncomingMessage) => RequestPriority
  /**
   * Paths of requests that are never refused, and do not count as under way.
   * @defaultValue ['/healthz', '/readyz', '/metrics']
   */
  readonly exempt?: readonly string[]
  /**
   * Seconds after which a client that was refused may ask again. Minimum: `1`.
   * @defaultValue 1
   */
  readonly retryAfterSeconds?: number
}

export interface LoadShedStats {
  /** Requests that were let in, and are under way. */
  readonly concurrent: number
  readonly admitted: number
  /** Requests that were refused, by what there was too much of. */
  readonly shed: { readonly eventLoop: number; readonly concurrent: number; readonly heap: number }
}

/** Refuses requests when the process has more to do than it can. */
export interface LoadShedding {
  /**
   * Lets a request in, or answers it with `503`.
   *
   * @param url - The path that the client asked for. @defaultValue `request.url`
   * @returns Whether it is let in.
   */
  admit(request: IncomingMessage, response: ServerResponse, url?: string): boolean
  getStats(): LoadShedStats
  /** Refuses nothing any more. */
  close(): void
}

const EXEMPT = ['/healthz', '/readyz', '/metrics']
const HEAP_MS = 100
const LOW = 0.5
const paths: OptionRule = {
  expected: 'an array of paths',
  accepts: (value) => option.strings.accepts(value) && (value as readonly string[]).every((path) => path.startsWith('/')),
}

/**
 * Keeps an app answering when more is asked of it than it can do: what is too much is refused at once, before anything is done for it.
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
    this.#shedder = maxEventLoopDelayMs === 0 ? undefined : new LoadShedder(maxEventLoopDelayMs, () => performance.now())
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
    if (maxConcurrent !== undefined && this.#concurrent >= Math.max(1, maxConcurrent * share)) return 'concurrent'
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

  /** One that cannot be worked out is that of all. */
  #priorityOf(request: IncomingMessage): RequestPriority {
    try {
      return this.options.priority?.(request) ?? 'normal'
    } catch {
      return 'normal'
    }
  }
}
