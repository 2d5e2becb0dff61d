import type { RingState } from '../protocol/request.ts'
import type { RecordedRequest } from './recorded-request.ts'
import type { ShapeBook } from './shape-book.ts'

const LATEST = 100

/** The last requests within a size limit. */
export class RequestRing {
  readonly #requests = new Map<string, RecordedRequest>()
  /** A copy of the newest requests, so that streams do not iterate over all of them. */
  #latest: RecordedRequest[] = []
  #bytes = 0
  #dropped = 0

  constructor(
    private readonly maxBytes: number,
    private readonly shapes: ShapeBook,
    /** Called with each evicted request. */
    private readonly onDrop: (request: RecordedRequest) => void = () => {},
  ) {}

  /**
   * Stores a request and evicts the oldest ones until it fits. A request that exceeds the limit alone is not
   * stored.
   */
  add(request: RecordedRequest): void {
    this.#requests.set(request.id, request)
    this.#latest.push(request)
    if (this.#latest.length > LATEST) this.#latest.shift()
    this.#bytes += request.bytes
    while (this.bytes > this.maxBytes) this.#drop()
  }

  get(id: string): RecordedRequest | undefined {
    return this.#requests.get(id)
  }

  /** An estimate of the heap size of the requests and their normalized queries. */
  get bytes(): number {
    return this.#bytes + this.shapes.bytes
  }

  get size(): number {
    return this.#requests.size
  }

  /** All requests, newest first. */
  newestFirst(): RecordedRequest[] {
    return [...this.#requests.values()].reverse()
  }

  /** The newest requests, newest first. */
  newest(limit: number): readonly RecordedRequest[] {
    return limit <= 0 ? [] : this.#latest.slice(-limit).reverse()
  }

  state(): RingState {
    const oldest = this.#requests.values().next().value as RecordedRequest | undefined
    return {
      requests: this.#requests.size,
      bytes: this.bytes,
      maxBytes: this.maxBytes,
      dropped: this.#dropped,
      oldestAt: oldest === undefined ? null : Math.round(oldest.startedAt + oldest.durationMs),
    }
  }

  clear(): void {
    for (const request of this.#requests.values()) this.#forget(request)
    this.#requests.clear()
    this.#latest = []
  }

  #drop(): void {
    const oldest = this.#requests.values().next().value as RecordedRequest | undefined
    if (oldest === undefined) return
    this.#requests.delete(oldest.id)
    this.#forget(oldest)
    this.#dropped += 1
    if (this.#latest[0] === oldest) this.#latest.shift()
    this.onDrop(oldest)
  }

  #forget({ bytes, rows }: RecordedRequest): void {
    this.#bytes -= bytes
    for (const { shape } of rows) this.shapes.release(shape)
  }
}
