import type { PrefetchState } from '../../pipeline/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import { Periodic } from '../../shared/timers.ts'
import {
  type CacheStore,
  EVERY_TAG,
  type StoredEntry,
  type StoreState,
  type StoreWatcher,
} from '../stores/cache-store.ts'
import type { TagSnapshot, TagTable } from './tag-table.ts'

/** The state under which a value may be cached, read before its source was queried. */
export interface Permit {
  readonly epoch: string
  readonly tags: readonly string[]
  readonly stamps: readonly string[]
  /**
   * For a store without notifications: when the last request was sent whose reply shows that the state is
   * current, in monotonic milliseconds.
   */
  sentAt?: number
}

/**
 * The store's state of a key: a valid entry, otherwise the permit to cache a new value, if there is one
 * already.
 */
interface Look {
  readonly entry: StoredEntry | undefined
  readonly permit: Permit | undefined
  /** For a store without notifications: when the request was sent. */
  readonly sentAt: number | undefined
}

/** Pending invalidations: writes of this process that the others have not been notified of. */
interface PendingWrites {
  /** While this is `true`, nothing that is shared may be used. */
  readonly hasPending: boolean
  settle(): Promise<void>
}

interface SharedReadsOptions {
  readonly store: CacheStore
  readonly clock: Clock
  /** How long the memory of this process is trusted without a ping reply from the store. */
  readonly maxStalenessMs: number
  readonly onError: (error: unknown) => void
  /** The store has replied to a ping. */
  readonly onAnswer?: () => void
}

/** Nothing that is shared may be used now: this process has pending invalidations. */
class PendingInvalidationsError extends Error {}

/**
 * The reader's side of the coherence protocol: the state of the store, whether an entry is valid, and whether
 * memory is trusted without a round trip.
 */
export class SharedReads {
  readonly #pinger: Periodic
  readonly #unwatch: () => void
  /** Whether the store notifies this process of writes. */
  readonly #notifies: boolean
  /**
   * When the last answered ping was sent. Not when the last message was received: it can be from a backlog.
   */
  #trustedFrom = Number.NEGATIVE_INFINITY
  /** How often messages may have been missed. */
  #losses = 0
  #epoch: string | undefined
  #closed = false

  constructor(
    private readonly table: TagTable,
    private readonly writes: PendingWrites,
    private readonly options: SharedReadsOptions,
  ) {
    const { store, maxStalenessMs } = options
    this.#notifies = store.notifies !== false
    const watcher: StoreWatcher = {
      invalidated: (tags) => table.raise(tags),
      lost: () => {
        this.#losses += 1
        this.#trustedFrom = Number.NEGATIVE_INFINITY
        table.raiseAll()
      },
    }
    this.#unwatch = this.#notifies ? store.watch(watcher) : () => {}
    this.#pinger = new Periodic(Math.max(1, Math.floor(maxStalenessMs / 4)), () => {
      void this.#ping()
      return true
    })
    this.#pinger.start()
    void this.#ping()
  }

  /**
   * Whether this process knows every write that was announced more than `maxStalenessMs` ago, from
   * notifications or because the store confirmed the permit since, and every write of other regions up to the
   * bound of their relays.
   *
   * @param now - Monotonic milliseconds.
   * @param permit - That of the value.
   */
  isTrusted(now: number, permit: Permit | undefined): boolean {
    if (this.options.store.isFresh?.() === false) return false
    const from = this.#notifies ? this.#trustedFrom : (permit?.sentAt ?? Number.NEGATIVE_INFINITY)
    return now - from <= this.options.maxStalenessMs && !this.writes.hasPending
  }

  /**
   * The permit that a look would return, according to the stamps that this process knows; `undefined` if it
   * does not know them. It is as reliable as a value in memory: a write that was announced less than
   * `maxStalenessMs` ago may be unknown here. Caching a value under an outdated permit is harmless, because
   * stamps are never reused.
   *
   * @param snapshot - Snapshot of the tags, taken now.
   * @param now - Monotonic milliseconds.
   */
  known(snapshot: TagSnapshot, tags: readonly string[], now: number): Permit | undefined {
    const epoch = this.#epoch
    if (epoch === undefined || !this.isTrusted(now, undefined)) return undefined
    const { stamps } = snapshot
    return stamps && { epoch, tags, stamps }
  }

  /**
   * Checks an entry that was read without its tags, in a request sent after `known` returned the permit.
   *
   * @param snapshot - The one for which the permit was returned.
   * @returns The entry if it is valid; `'absent'` if there is none and the permit still holds; `undefined` if
   * the state of the tags must be read from the store.
   */
  accepted(
    { epoch, entry }: StoreState,
    permit: Permit,
    snapshot: TagSnapshot,
  ): StoredEntry | 'absent' | undefined {
    this.#noteEpoch(epoch)
    // The epoch is that of the server that replied, which can be a replacement with an older state.
    if (epoch !== permit.epoch || !snapshot.isCurrent) return undefined
    if (entry === undefined) return 'absent'
    return entry.epoch === epoch && hasStamps(entry, permit) ? entry : undefined
  }

  /**
   * Reads the state of the tags and, if a key is given, its entry. The request is sent after the call.
   *
   * @param snapshot - Snapshot of the first of the tags, taken before the call. The stamps that are read are
   * recorded in it.
   * @throws The error of the store.
   */
  async look(tags: readonly string[], key?: string, snapshot?: TagSnapshot): Promise<Look> {
    await this.#settlePending()
    const sentAt = this.#sendTime
    const state = await this.options.store.read(tags, key)
    this.#noteEpoch(state.epoch)
    const permit = permitOf(tags, state, sentAt)
    if (permit !== undefined) snapshot?.note(permit.stamps)
    const { entry } = state
    if (entry === undefined || entry.epoch !== state.epoch) return { entry: undefined, permit, sentAt }
    const isCovered = entry.tags.every((tag) => tags.includes(tag))
    const isValid = isCovered
      ? hasStamps(entry, { tags, stamps: state.stamps })
      : (await this.check(entry)) === 'current'
    return { entry: isValid ? entry : undefined, permit, sentAt }
  }

  /**
   * The permit to cache what is read from the source from now on; `undefined` if it must not be cached.
   *
   * @param snapshot - As for `look`.
   * @throws The error of the store.
   */
  async open(tags: readonly string[], snapshot?: TagSnapshot): Promise<Permit | undefined> {
    await this.#settlePending()
    const sentAt = this.#sendTime
    const opened = await this.options.store.open(tags)
    if (opened === undefined) return undefined
    this.#noteEpoch(opened.epoch)
    snapshot?.note(opened.stamps)
    return withSendTime({ ...opened, tags }, sentAt)
  }

  /**
   * Whether the permit's tags were not written to since, according to the store. `closed`: they were, and
   * until the tags are opened again, nothing under them is valid.
   *
   * @throws The error of the store.
   */
  async check(permit: Permit): Promise<'current' | 'changed' | 'closed'> {
    await this.#settlePending()
    const sentAt = this.#sendTime
    const { epoch, stamps } = await this.options.store.read(permit.tags)
    this.#noteEpoch(epoch)
    if (epoch === undefined || stamps.includes(undefined)) return 'closed'
    if (epoch !== permit.epoch || stamps.some((stamp, at) => stamp !== permit.stamps[at])) return 'changed'
    withSendTime(permit, sentAt)
    return 'current'
  }

  close(): void {
    this.#closed = true
    this.#pinger.stop()
    this.#unwatch()
  }

  /** Now, if a reply to a request that is sent now is needed to trust memory. */
  get #sendTime(): number | undefined {
    return this.#notifies ? undefined : this.options.clock.now()
  }

  async #settlePending(): Promise<void> {
    if (!this.writes.hasPending) return
    await this.writes.settle()
    if (this.writes.hasPending)
      throw new PendingInvalidationsError('Other processes have not been notified of earlier writes yet.')
  }

  /** A new epoch invalidates everything from before, whether or not a message announced it. */
  #noteEpoch(epoch: string | undefined): void {
    if (epoch === undefined || epoch === this.#epoch) return
    const isFirst = this.#epoch === undefined
    this.#epoch = epoch
    if (!isFirst) this.table.raise([EVERY_TAG])
  }

  async #ping(): Promise<void> {
    const sentAt = this.options.clock.now()
    const losses = this.#losses
    try {
      await this.options.store.ping()
      this.options.onAnswer?.()
      // A reply to a ping from before the loss does not show what came after it.
      if (!this.#closed && losses === this.#losses) this.#trustedFrom = Math.max(this.#trustedFrom, sentAt)
    } catch (error) {
      if (!this.#closed) this.options.onError(error)
    }
  }
}

/** Whether an entry was created under these stamps, or some of them. */
function hasStamps(
  entry: StoredEntry,
  { tags, stamps }: { readonly tags: readonly string[]; readonly stamps: StoreState['stamps'] },
): boolean {
  return entry.tags.every((tag, at) => stamps[tags.indexOf(tag)] === entry.stamps[at])
}

/** @param tags - The tags of the state. */
function permitOf(
  tags: readonly string[],
  { epoch, stamps }: StoreState,
  sentAt: number | undefined,
): Permit | undefined {
  if (epoch === undefined || stamps.includes(undefined)) return undefined
  return withSendTime({ epoch, tags, stamps: stamps as readonly string[] }, sentAt)
}

/** Permits of a store with notifications have no send time: each one would take more memory. */
export function withSendTime(permit: Permit, sentAt: number | undefined): Permit {
  if (sentAt !== undefined) permit.sentAt = sentAt
  return permit
}

/** The state of tables before a prefetch: prefetched rows may be cached under it. */
export class SharedPrefetchState implements PrefetchState {
  constructor(
    readonly snapshot: TagSnapshot,
    readonly permit: Permit,
    private readonly reads: SharedReads,
    /** Whether each result is validated in the store. */
    private readonly isStrict: boolean,
  ) {}

  check(): Promise<boolean> | undefined {
    if (!this.isStrict) return undefined
    return this.reads.check(this.permit).then(
      (state) => state === 'current',
      () => false,
    )
  }
}
