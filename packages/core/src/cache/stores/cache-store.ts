import type { ValueTypes } from '../../pipeline/operation.ts'
import { SluiceError } from '../../shared/errors.ts'

/** The state of tags, as several processes see it. */
export interface Stamps {
  /** The state of everything: an entry of another epoch is dead. */
  readonly epoch: string
  /** One for each tag asked for, in that order. A stamp is random and never used twice. */
  readonly stamps: readonly string[]
}

/** What one round trip tells: an entry, and the state of its tags. */
export interface StoreState {
  /** `undefined`: there is none, or it is not that of the server that this process is connected to now. */
  readonly epoch: string | undefined
  /** One for each tag asked for, in that order; `undefined` where none is set, and then nothing that bears the tag is valid. */
  readonly stamps: readonly (string | undefined)[]
  /** The entry under the key asked for. It is valid only if its epoch and every one of its stamps are the live ones. */
  readonly entry: StoredEntry | undefined
}

/** When an entry was made, and how long it may be used. */
export interface EntryTimes {
  /** Wall-clock time at which its value was asked for, in milliseconds since 1970. */
  readonly askedAt: number
  /** Milliseconds from then on that it is fresh. */
  readonly ttlMs: number
  /** How long making the value took, in milliseconds: what early refreshing goes by. */
  readonly costMs: number
}

/** An entry as it lies in a store. */
export interface StoredEntry extends Stamps {
  /** The tags of its stamps, in their order. */
  readonly tags: readonly string[]
  readonly times: EntryTimes
  /**
   * The value, made anew by each call.
   *
   * @param types - How to make values of classes that the store does not know.
   * @throws Error when it cannot be read: it was written by another release, or with another key. Such an entry counts as absent.
   */
  value(types?: ValueTypes): unknown
}

export interface NewEntry extends Stamps {
  readonly tags: readonly string[]
  readonly times: EntryTimes
  readonly value: unknown
}

/** What a store tells its process. */
export interface StoreWatcher {
  /** Writers somewhere have begun or ended a write to these tags. May tell of tags that nobody here knows. */
  invalidated(tags: readonly string[]): void
  /** Messages may have been missed, or everything was invalidated: nothing that was kept in memory before is known to be valid. */
  lost(): void
}

/** The tag that stands for every tag: a write that may touch anything begins and ends it. */
export const EVERY_TAG = '*'

/**
 * Where processes share entries and the state of tags. All operations on tags are atomic. Each rejects when the store cannot be reached
 * within its own time limit; none retries by itself, and none is carried out later.
 *
 * The protocol is in `docs/internals/coherence.md`. In short: a tag's _stamp_ is absent while a writer holds an _intent_ on it; a value may
 * be kept only with stamps that were read before the database was asked.
 */
export interface CacheStore {
  /** How long an intent holds when its writer is not heard of again, in milliseconds. */
  readonly leaseMs: number
  /** The longest time that an entry may be kept, in milliseconds; stamps live at least twice as long. */
  readonly maxTtlMs: number
  /** Reads tags, and an entry if a key is given, sent after the call. One round trip; calls of one turn of the event loop share it. */
  read(tags: readonly string[], key?: string): Promise<StoreState>
  /**
   * Makes tags cacheable where nothing stands against it: sets stamps that are absent, and an epoch if there is none of this server.
   * `undefined`: a writer holds an intent on one of them or on everything, or it is not certain that none does (the state was lost a short
   * while ago); then what is read from the database now must not be kept.
   */
  open(tags: readonly string[]): Promise<Stamps | undefined>
  /**
   * A writer is about to commit: deletes the tags' stamps, notes its intent under its token until the lease ends, and tells all watchers.
   * With `EVERY_TAG` among the tags it is the epoch that goes. A second call with the same token begins the lease anew.
   */
  begin(tags: readonly string[], token: string): Promise<void>
  /** Begins the leases of an intent anew. `false`: one of them is gone, and the writer must `begin` again. */
  renew(tags: readonly string[], token: string): Promise<boolean>
  /**
   * The write has ended, committed or certainly not. A tag gets a new stamp if the intent was there and alive, and is the last one on that tag,
   * and the state was not lost a short while ago; otherwise its stamp stays absent. If an intent was gone, watchers are told once more.
   *
   * @returns The new stamps if every tag got one; `undefined` otherwise.
   */
  end(tags: readonly string[], token: string): Promise<Stamps | undefined>
  /**
   * Keeps an entry for a time, in place of what was there. The value may be changed by its owner after the call returns.
   *
   * @returns Whether it is kept: `false` when the value has parts that would not survive.
   */
  set(key: string, entry: NewEntry, keepMs: number): Promise<boolean>
  /** Removes entries. Their tags keep their stamps. */
  delete(keys: readonly string[]): Promise<void>
  /** Removes every entry of this store. */
  clear(): Promise<void>
  /**
   * Asks to be the one process that loads a key. `false`: another is. Ends by itself after `ms`.
   */
  claim(key: string, token: string, ms: number): Promise<boolean>
  /** Gives up a claim if it is still held under the token. */
  release(key: string, token: string): Promise<void>
  /** Tells of invalidations from now on; a store has one watcher. Returns the function that stops it. */
  watch(watcher: StoreWatcher): () => void
  /** Settles when all that was told before the call was sent has reached the watcher. */
  ping(): Promise<void>
  /** Ends what the store began; connections that it was given stay open. */
  close(): Promise<void>
}

/**
 * A shared cache store could not be reached, or did not answer within its time limit. What was asked of it may or may not have been
 * carried out.
 */
export class StoreUnavailableError extends SluiceError {
  constructor(
    /** Which store, for example `Redis`. */
    readonly store: string,
    /** What is the matter, for a person. */
    reason: string,
    cause?: unknown,
  ) {
    super('SLUICE_STORE_UNAVAILABLE', `${store} cannot be used: ${reason}`, { cause })
  }
}
