import type { RingState } from '../protocol/request.ts'
import type { KeptRequest } from './kept-request.ts'
import type { ShapeBook } from './shape-book.ts'

/** What streams ask for at most. */
const LATEST = 100

/** The last requests, as many as fit. */
export class RequestRing {
  readonly #requests = new Map<string, KeptRequest>()
  /** The newest of them once more: to go through all for them is dear. */
  #latest: KeptRequest[] = []
  #bytes = 0
  #dropped = 0

  constructor(
    private readonly maxBytes: number,
    private readonly shapes: ShapeBook,
    /** Told of what leaves. */
    private readonly onDrop: (request: KeptRequest) => void = () => {},
  ) {}

  /** The oldest leave until it fits; one that does not fit by itself is not kept. */
  add(request: KeptRequest): void {
    this.#requests.set(request.id, request)
    this.#latest.push(request)
    if (this.#latest.length > LATEST) this.#latest.shift()
    this.#bytes += request.bytes
    while (this.bytes > this.maxBytes) this.#drop()
  }

  get(id: string): KeptRequest | undefined {
    return this.#requests.get(id)
  }

  /** An estimate of the heap: of the requests and of their shapes. */
  get bytes(): number {
    return this.#bytes + this.shapes.bytes
  }

  get size(): number {
    return this.#requests.size
  }

  /** The newest first. */
  newestFirst(): KeptRequest[] {
    return [...this.#requests.values()].reverse()
  }

  /** So many of the newest, the newest first. */
  newest(limit: number): readonly KeptRequest[] {
    return limit <= 0 ? [] : this.#latest.slice(-limit).reverse()
  }

  state(): RingState {
    const oldest = this.#requests.values().next().value as KeptRequest | undefined
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
    const oldest = this.#requests.values().next().value as KeptRequest | undefined
    if (oldest === undefined) return
    this.#requests.delete(oldest.id)
    this.#forget(oldest)
    this.#dropped += 1
    if (this.#latest[0] === oldest) this.#latest.shift()
    this.onDrop(oldest)
  }

  #forget({ bytes, rows }: KeptRequest): void {
    this.#bytes -= bytes
    for (const { shape } of rows) this.shapes.release(shape)
  }
}
