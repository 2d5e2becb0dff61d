import { copyValue, isCopyable } from '../../shared/copy.ts'
import { CachingStrategyEngine } from '../caching-strategy-engine.ts'
import type { NewEntry, StoredEntry, StoreState } from './cache-store.ts'
import type { ResolvedMemoryStoreOptions } from './memory-store-options.ts'
import { TagStates } from './tag-states.ts'

const ENTRIES = 'entries'
const MAX_CLAIMS = 10_000

interface Claim {
  readonly token: string
  readonly until: number
}

/** State that all handles of one memory store share: entries, claims, and the state of tags. */
export class SharedState {
  readonly tags: TagStates
  readonly #entries: CachingStrategyEngine
  readonly #claims = new Map<string, Claim>()

  constructor(readonly options: ResolvedMemoryStoreOptions) {
    const { leaseMs, quarantineMs, maxTtlMs, maxBytes, clock } = options
    this.tags = new TagStates({ leaseMs, quarantineMs, stampMs: 2 * maxTtlMs, clock })
    this.#entries = new CachingStrategyEngine({ maxBytes, clock })
  }

  read(tags: readonly string[], key: string | undefined): StoreState {
    return {
      epoch: this.tags.epoch,
      stamps: tags.map((tag) => this.tags.stampOf(tag)),
      entry: key === undefined ? undefined : this.#entry(key),
    }
  }

  set(key: string, entry: NewEntry, keepMs: number): boolean {
    const ms = Math.min(keepMs, this.options.maxTtlMs)
    if (!(ms > 0) || !isCopyable(entry.value)) return false
    const { epoch, stamps, tags, times } = entry
    const kept: NewEntry = {
      epoch,
      stamps: [...stamps],
      tags: [...tags],
      times: { ...times },
      value: copyValue(entry.value),
    }
    this.#entries.set(ENTRIES, key, kept, ms / 1_000)
    return this.#entries.get(ENTRIES, key) !== null
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) this.#entries.delete(ENTRIES, key)
  }

  clear(): void {
    this.#entries.clear()
  }

  claim(key: string, token: string, ms: number): boolean {
    const now = this.options.clock.now()
    const held = this.#claims.get(key)
    if (held !== undefined && now < held.until) return false
    if (this.#claims.size >= MAX_CLAIMS) this.#pruneClaims(now)
    this.#claims.set(key, { token, until: now + ms })
    return true
  }

  release(key: string, token: string): void {
    if (this.#claims.get(key)?.token === token) this.#claims.delete(key)
  }

  /** Removes everything, like a server that was emptied. */
  lose(): void {
    this.#entries.clear()
    this.#claims.clear()
    this.tags.lose()
  }

  #entry(key: string): StoredEntry | undefined {
    const kept = this.#entries.get<NewEntry>(ENTRIES, key)
    if (kept === null) return undefined
    const { value, ...rest } = kept
    return { ...rest, value: () => copyValue(value) }
  }

  #pruneClaims(now: number): void {
    for (const [key, { until }] of this.#claims) if (now >= until) this.#claims.delete(key)
  }
}
