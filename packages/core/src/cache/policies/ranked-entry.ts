import type { StoredValue } from '../cache-entry.ts'

/** An entry that policies rank directly: it contains its own name. */
export class RankedEntry implements StoredValue {
  readonly value: unknown
  readonly expires: number
  readonly size: number
  hits: number
  lastAccess: number

  constructor(
    readonly namespace: string,
    readonly key: string,
    { value, expires, size, hits, lastAccess }: StoredValue,
  ) {
    this.value = value
    this.expires = expires
    this.size = size
    this.hits = hits
    this.lastAccess = lastAccess
  }
}
