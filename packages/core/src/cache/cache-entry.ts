import { Sized } from './estimate-bytes.ts'

/** The name of an entry. A namespace is not empty and contains no `:`; a key is any string. */
export interface CacheKey {
  readonly namespace: string
  readonly key: string
}

/** A cached value and its metadata. `hits` and `lastAccessedAt` are updated by later reads. */
export interface CacheEntry<T = unknown> extends CacheKey {
  /** `namespace:key`, the string that patterns are matched against. */
  readonly id: string
  readonly value: T
  /** Time to live in seconds. */
  readonly ttl: number
  /** Time of expiry, in milliseconds since 1970. */
  readonly expiresAt: number
  /** Reads that were served this entry. */
  readonly hits: number
  /** Time of the last read, or of the `set` if there was none, in milliseconds since 1970. */
  readonly lastAccessedAt: number
  /** Estimated heap in bytes: key, value, and the bookkeeping of the cache. */
  readonly size: number
}

/**
 * The engine's record of an entry. Times are whole milliseconds since the engine was created: unlike
 * fractions and dates, they need no heap object.
 */
export interface StoredValue {
  readonly value: unknown
  readonly expires: number
  readonly size: number
  hits: number
  lastAccess: number
}

/** A value that Sluice loaded, so that the cost of a miss is known. */
export abstract class LoadedValue extends Sized {
  /** How long loading it took, in milliseconds. */
  abstract readonly costMs: number
  /** The state that it depends on. After a write to it, a larger cache would not serve the value either. */
  abstract readonly snapshot: { readonly isCurrent: boolean }
}

/** The public form of an entry: its record, and the arguments of the caller. */
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

/** The inverse of {@link cacheId}: a namespace contains no colon, so the first one is the separator. */
export function parseCacheId(id: string): CacheKey {
  const colon = id.indexOf(':')
  return { namespace: id.slice(0, colon), key: id.slice(colon + 1) }
}

/** Sees what an in-process cache is used for. Times are as in `StoredValue`. */
export interface CacheWatch {
  /** @param stored - The entry that was returned; `undefined` for a miss. */
  read(namespace: string, key: string, stored: StoredValue | undefined, now: number): void
  /** A value is set, whether or not the cache accepts it. */
  set(namespace: string, key: string, entry: StoredValue, now: number): void
  /** One key, or the keys that match a pattern. */
  invalidated(target: CacheKey | string): void
  clear(namespace: string | undefined): void
}
