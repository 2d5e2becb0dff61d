import type { ValueTypes } from '../../pipeline/operation.ts'
import { SluiceError } from '../../shared/errors.ts'

/** The state of tags, as several processes see it. */
export interface Stamps {
  /** The state of everything: an entry of another epoch is invalid. */
  readonly epoch: string
  /** One for each requested tag, in the same order. A stamp is random and never reused. */
  readonly stamps: readonly string[]
}

/** Result of one round trip: an entry, and the state of its tags. */
export interface StoreState {
  /**
   * `undefined` if there is none, or if it is not that of the server that this process is connected to now.
   */
  readonly epoch: string | undefined
  /**
   * One for each requested tag, in the same order; `undefined` if there is none, and then nothing with this
   * tag is valid.
   */
  readonly stamps: readonly (string | undefined)[]
  /**
   * The entry under the requested key. It is valid only if its epoch and every one of its stamps are the
   * current ones.
   */
  readonly entry: StoredEntry | undefined
}

/** When an entry was created, and how long it can be used. */
export interface EntryTimes {
  /** Wall-clock time from which its age counts, in milliseconds since 1970. */
  readonly queriedAt: number
  /** Milliseconds from then on in which it is fresh. */
  readonly ttlMs: number
  /** How long loading the value took, in milliseconds. Used by early revalidation. */
  readonly costMs: number
}

/** An entry in a store. */
export interface StoredEntry extends Stamps {
  /** The tags of its stamps, in the same order. */
  readonly tags: readonly string[]
  readonly times: EntryTimes
  /**
   * Returns the value; each call creates a new one.
   *
   * @param types - How to create values of classes that the store does not know.
   * @throws Error if it cannot be read: it was written by a different release, or with a different key. Such
   * an entry counts as missing.
   */
  value(types?: ValueTypes): unknown
}

export interface NewEntry extends Stamps {
  readonly tags: readonly string[]
  readonly times: EntryTimes
  readonly value: unknown
}

/** Receives the notifications of a store. */
export interface StoreWatcher {
  /**
   * Some writer has begun or ended a write to these tags. Can include tags that this process does not know.
   */
  invalidated(tags: readonly string[]): void
  /**
   * Messages may have been missed, or everything was invalidated: no value that was in memory before is known
   * to be valid.
   */
  lost(): void
}

/** The knowledge of a store about the writes of another region. */
export interface RegionState {
  readonly region: string
  /** `down`: writes of this process cannot be announced there. */
  readonly state: 'up' | 'down'
  /**
   * Whether every write there is known here, except those acknowledged in the last `maxLagMs`. If not,
   * nothing is served from the cache.
   */
  readonly isFresh: boolean
  /**
   * How long ago every write there was last known to be known here, in milliseconds; `undefined`: never.
   * Grows while the relay confirms nothing.
   */
  readonly ageMs: number | undefined
  /** Bound of the relay, in milliseconds; `undefined`: there was no relay yet. */
  readonly maxLagMs: number | undefined
  /** How long recent writes took from there to here, in milliseconds. */
  readonly lagP50Ms: number | undefined
  readonly lagP99Ms: number | undefined
}

/** The tag that stands for every tag: a write that can modify anything begins and ends it. */
export const EVERY_TAG = '*'

/**
 * A store in which processes share entries and the state of tags. All operations on tags are atomic. Each
 * operation rejects if the store cannot be reached within its time limit. None is retried automatically, and
 * none is executed later.
 *
 * `docs/internals/coherence.md` describes the protocol. In short: a tag's _stamp_ is missing while a writer
 * holds an _intent_ on it. A value may be cached only with stamps that were read before the database was
 * queried.
 */
export interface CacheStore {
  /** Lease of an intent: how long it is valid after its writer last renewed it, in milliseconds. */
  readonly leaseMs: number
  /** Maximum lifetime of an entry, in milliseconds. Stamps live at least twice as long. */
  readonly maxTtlMs: number
  /**
   * `false`: the store has no notifications. Sluice then does not call `watch`. In `bounded`, it trusts a
   * value in memory for `maxStalenessMs` after a request that confirmed it.
   */
  readonly notifies?: false
  /**
   * Reads tags, and an entry if a key is given. The request is sent after the call. It takes one round trip,
   * which all calls of an event-loop tick share.
   */
  read(tags: readonly string[], key?: string): Promise<StoreState>
  /**
   * Makes tags cacheable if nothing prevents it: sets stamps that are missing, and an epoch if there is none
   * of this server. `undefined`: a writer holds an intent on one of the tags or on everything, or it is not
   * certain that none does (the state was lost recently). Values that are read from the database now must
   * then not be cached.
   */
  open(tags: readonly string[]): Promise<Stamps | undefined>
  /**
   * A writer is about to commit: deletes the tags' stamps, records its intent under its token until the lease
   * expires, and notifies all watchers. If `EVERY_TAG` is among the tags, the epoch is removed. A second call
   * with the same token restarts the lease.
   */
  begin(tags: readonly string[], token: string): Promise<void>
  /** Restarts the leases of an intent. `false`: one of them is missing, and the writer must `begin` again. */
  renew(tags: readonly string[], token: string): Promise<boolean>
  /**
   * The write has ended, committed or certainly not. A tag gets a new stamp if the intent existed and was
   * alive, is the last one on that tag, and the state was not lost recently; otherwise its stamp stays
   * missing. If an intent was missing, watchers are notified again.
   *
   * @returns The new stamps if every tag got one; otherwise `undefined`.
   */
  end(tags: readonly string[], token: string): Promise<Stamps | undefined>
  /**
   * Stores an entry for a period, and replaces the previous one. The caller may modify the value after the
   * call returns.
   *
   * @returns Whether it is stored: `false` if the value has parts that cannot be restored exactly, or the
   * store cannot take it.
   */
  set(key: string, entry: NewEntry, keepMs: number): Promise<boolean>
  /** Deletes entries. Their tags keep their stamps. */
  delete(keys: readonly string[]): Promise<void>
  /** Deletes every entry of this store. */
  clear(): Promise<void>
  /**
   * Claims the loading of a key for the caller. `false`: another process holds the claim. The claim expires
   * after `ms`.
   */
  claim(key: string, token: string, ms: number): Promise<boolean>
  /** Releases a claim if it is still held under the token. */
  release(key: string, token: string): Promise<void>
  /**
   * Reports invalidations to the watcher from now on. A store has one watcher. Returns a function that stops
   * it.
   */
  watch(watcher: StoreWatcher): () => void
  /** Settles when the watcher has received everything that was published before the request was sent. */
  ping(): Promise<void>
  /**
   * The other regions, for a store that receives their writes after a delay. Such a store cannot be used with
   * `consistency: 'strict'`.
   */
  regions?(): readonly RegionState[]
  /**
   * Whether the last pings show that the delay of each region is within its bound. If not, the memory of this
   * process is not trusted. Omitted: always.
   */
  isFresh?(): boolean
  /** Stops everything that the store started. Connections that were passed to it stay open. */
  close(): Promise<void>
}

/**
 * A shared cache store could not be reached, or did not respond within its time limit. The operation may or
 * may not have been executed.
 */
export class StoreUnavailableError extends SluiceError {
  constructor(
    /** Name of the store, such as `Redis`. */
    readonly store: string,
    /** The cause, in readable form. */
    readonly reason: string,
    cause?: unknown,
  ) {
    super('SLUICE_STORE_UNAVAILABLE', `${store} cannot be used: ${reason}`, { cause })
  }
}
