/** Names one entry. A namespace is not empty and holds no `:`; a key is any string. */
export interface CacheKey {
  readonly namespace: string
  readonly key: string
}

/** One cached value and what is known about it. `hits` and `lastAccessedAt` follow the reads as they happen. */
export interface CacheEntry<T = unknown> extends CacheKey {
  /** `namespace:key`: what patterns are matched against. */
  readonly id: string
  readonly value: T
  /** Lifetime in seconds. */
  readonly ttl: number
  /** When it ends, in milliseconds since 1970. */
  readonly expiresAt: number
  /** Reads that this entry answered. */
  readonly hits: number
  /** The last read, or else the `set`, in milliseconds since 1970. */
  readonly lastAccessedAt: number
  /** Estimated heap in bytes: key, value, and the cache's own bookkeeping. */
  readonly size: number
}

/**
 * What the engine keeps of an entry. Times are whole milliseconds since the engine was made: unlike fractions and dates they
 * need no heap of their own.
 */
export interface StoredValue {
  readonly value: unknown
  readonly expires: number
  readonly size: number
  hits: number
  lastAccess: number
}

/** An entry as it is shown: the kept part, and what the caller knows anyway. */
export class StoredEntry<T> implements CacheEntry<T> {
  readonly #stored: StoredValue
  readonly #startedAt: number

  constructor(
    readonly namespace: string,
    readonly key: string,
    readonly ttl: number,
    stored: StoredValue,
    startedAt: number,
  ) {
    this.#stored = stored
    this.#startedAt = startedAt
  }

  get id(): string {
    return cacheId(this.namespace, this.key)
  }

  get value(): T {
    return this.#stored.value as T
  }

  get expiresAt(): number {
    return this.#startedAt + this.#stored.expires
  }

  get hits(): number {
    return this.#stored.hits
  }

  get lastAccessedAt(): number {
    return this.#startedAt + this.#stored.lastAccess
  }

  get size(): number {
    return this.#stored.size
  }
}

export function cacheId(namespace: string, key: string): string {
  return `${namespace}:${key}`
}

/** The inverse of {@link cacheId}: a namespace holds no colon, so the first one parts the two. */
export function parseCacheId(id: string): CacheKey {
  const colon = id.indexOf(':')
  return { namespace: id.slice(0, colon), key: id.slice(colon + 1) }
}
