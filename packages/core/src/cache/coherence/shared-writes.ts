import type { AnnouncedWrite, PrefetchState, WriteOutcome } from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { Clock } from '../../shared/clock.ts'
import { SluiceError } from '../../shared/errors.ts'
import { randomToken } from '../../shared/random-token.ts'
import { Periodic, within } from '../../shared/timers.ts'
import { type CacheStore, EVERY_TAG } from '../stores/cache-store.ts'
import { LocalWrites } from './local-writes.ts'
import { SharedPrefetchState, type SharedReads } from './shared-reads.ts'
import type { OpenTags, TagTable } from './tag-table.ts'
import { setTag, tagsWritten } from './tags.ts'

/** Above this number of tags, every tag is pending. */
const MAX_TAGS = 1_000

/** Tags of completed writes whose invalidation has not reached the other processes. */
class PendingInvalidations {
  #tags = new Set<string>()

  get isEmpty(): boolean {
    return this.#tags.size === 0
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag)
    if (this.#tags.size > MAX_TAGS) this.#tags = new Set([EVERY_TAG])
  }

  /** Takes all of them; tags that are added from now on are pending again. */
  take(): readonly string[] {
    const tags = [...this.#tags]
    this.#tags = new Set()
    return tags.includes(EVERY_TAG) ? [EVERY_TAG] : tags
  }
}

/**
 * A write was not sent, because other processes could not be notified beforehand: the shared store does not
 * respond, and `cache.onInvalidationFailure` is `reject-write`. The cause is the store's error.
 */
export class WriteRejectedError extends SluiceError {
  constructor(cause: unknown) {
    super(
      'SLUICE_WRITE_REJECTED',
      'Write rejected: the shared cache store is unavailable, so other processes could not be notified. The write ' +
        "was not sent. Restore the store, or set cache.onInvalidationFailure to 'proceed'.",
      { cause },
    )
  }
}

/** Interval for renewing intents and retrying failures. */
const RENEW_MS = 1_000
/** A store that takes half a lease to reply this many times in a row counts as unavailable. */
const MAX_ATTEMPTS = 3
/**
 * A writer whose intent was requested longer ago may have lost it, together with the store's state or because
 * its process hung. Less than the quarantine.
 */
const CERTAIN_MS = 2 * RENEW_MS
/** How long `close` waits for the store to confirm ends of writes. */
const CLOSE_MS = 2_000

interface SharedWritesOptions {
  readonly store: CacheStore
  readonly clock: Clock
  /** Whether a write that cannot be announced to other processes is rejected, or sent anyway. */
  readonly onInvalidationFailure: 'reject-write' | 'proceed'
  /** Called with errors of the store. */
  readonly onError: (error: unknown) => void
}

/** A write in flight. */
interface Intent {
  readonly tags: readonly string[]
  readonly open: OpenTags
  readonly token: string
  /** Monotonic time at which its lease was last requested. */
  requestedAt: number
  /**
   * - `unannounced`: other processes do not know of it, and it was sent anyway.
   * - `doubtful`: it has ended here, and the database can still execute it until `doubtfulUntil`.
   */
  state: 'beginning' | 'held' | 'unannounced' | 'doubtful' | 'over'
  doubtfulUntil: number
}

/**
 * The writer's side of the coherence protocol: an intent is held in the store from before a write can commit
 * until it has ended, and every tag then gets a new stamp.
 */
export class SharedWrites extends LocalWrites {
  override readonly isShared: boolean = true
  readonly #intents = new Set<Intent>()
  /** Ends of acknowledged writes that the store has not confirmed. */
  readonly #ending = new Set<Promise<void>>()
  readonly #pending = new PendingInvalidations()
  readonly #upkeep: Periodic
  /** The attempt in flight to announce the pending invalidations, and the next one. */
  #settling: Promise<void> | undefined
  #nextSettling: Promise<void> | undefined
  #closed = false
  #reads: { readonly reads: SharedReads; readonly isStrict: boolean } | undefined

  constructor(
    table: TagTable,
    private readonly options: SharedWritesOptions,
  ) {
    super(table)
    this.#upkeep = new Periodic(RENEW_MS, () => this.#renewAll())
  }

  /** Whether there are pending invalidations. While there are, nothing that is shared may be used. */
  get hasPending(): boolean {
    return !this.#pending.isEmpty || this.#settling !== undefined
  }

  /** The write is acknowledged when the database has responded, and its end is reported in the background. */
  override announce(effect: WriteEffect): AnnouncedWrite {
    return this.#announced(tagsWritten(effect), true)
  }

  override announceTags(tags: readonly string[]): AnnouncedWrite {
    return this.#announced(tags, false)
  }

  #announced(tags: readonly string[], mayEndLater: boolean): AnnouncedWrite {
    if (tags.length === 0) return { ready: undefined, end: () => undefined }
    if (this.#closed) return super.announceTags(tags)
    const open = this.table.begin(tags)
    const intent: Intent = {
      tags,
      open,
      token: randomToken(),
      requestedAt: 0,
      state: 'beginning',
      doubtfulUntil: 0,
    }
    this.#intents.add(intent)
    this.#upkeep.start()
    const ready = this.#begin(intent)
    // An observer that sees only the end of a transaction does not wait for its begin.
    ready.catch(() => {})
    return {
      ready,
      end: (outcome) =>
        mayEndLater && this.#endLater(intent, outcome)
          ? undefined
          : ready.catch(() => {}).then(() => this.#end(intent, outcome)),
    }
  }

  /**
   * Announces a write that has ended.
   *
   * @throws The error of the store. The announcement is retried until it succeeds, and nothing that is shared
   * is used before.
   */
  override async invalidateTags(tags: readonly string[]): Promise<void> {
    this.table.raise(tags)
    this.#pending.add(tags)
    await this.settle()
  }

  /** Lets prefetched rows be cached and validated with the state of the store. */
  connect(reads: SharedReads, isStrict: boolean): void {
    this.#reads = { reads, isStrict }
  }

  async prefetchState(tables: readonly TableId[]): Promise<PrefetchState | undefined> {
    if (this.#reads === undefined) return undefined
    const { reads, isStrict } = this.#reads
    const tags = tables.map(setTag)
    const snapshot = this.table.snapshot(tags)
    if (snapshot === undefined) return undefined
    try {
      const permit = (await reads.look(tags)).permit ?? (await reads.open(tags))
      return permit === undefined ? undefined : new SharedPrefetchState(snapshot, permit, reads, isStrict)
    } catch (error) {
      this.options.onError(error)
      return undefined
    }
  }

  /** Announces the pending invalidations. Concurrent callers share one attempt. */
  settle(): Promise<void> {
    if (this.#pending.isEmpty) return this.#settling ?? Promise.resolve()
    // Tags that were added after an attempt began need a new attempt.
    this.#nextSettling ??= (this.#settling ?? Promise.resolve()).catch(() => {}).then(() => this.#attempt())
    return this.#nextSettling
  }

  /**
   * From now on, writes are sent unannounced, including those that are waiting for the store. Waits until the
   * ends of acknowledged writes are confirmed, up to a limit: the lease of an unconfirmed one expires.
   */
  override close(): Promise<void> | undefined {
    this.#closed = true
    this.#upkeep.stop()
    if (this.#ending.size === 0) return undefined
    const message = `The cache store did not confirm the end of the last writes within ${CLOSE_MS} ms.`
    return within(CLOSE_MS, Promise.all(this.#ending), message).then(() => {}, this.options.onError)
  }

  async #attempt(): Promise<void> {
    this.#nextSettling = undefined
    this.#settling = this.#settle()
    try {
      await this.#settling
    } finally {
      this.#settling = undefined
    }
  }

  async #settle(): Promise<void> {
    const tags = this.#pending.take()
    const token = randomToken()
    try {
      await this.options.store.begin(tags, token)
      await this.options.store.end(tags, token)
    } catch (error) {
      this.#pending.add(tags)
      if (!this.#closed) this.#upkeep.start()
      throw error
    } finally {
      this.table.raise(tags)
    }
  }

  /** Settles when the write may be sent. */
  async #begin(intent: Intent): Promise<void> {
    try {
      await this.#hold(intent)
      intent.state = 'held'
    } catch (error) {
      if (!this.#closed) this.options.onError(error)
      if (this.#closed || this.options.onInvalidationFailure === 'proceed') {
        intent.state = 'unannounced'
        return
      }
      intent.state = 'over'
      this.#intents.delete(intent)
      this.table.end(intent.open, 'rolled-back')
      // The store may have received the intent anyway. Nothing was written, so the store can remove it
      // immediately.
      this.options.store.end(intent.tags, intent.token).catch(() => {})
      throw new WriteRejectedError(error)
    }
  }

  async #hold(intent: Intent): Promise<void> {
    const { store, clock } = this.options
    for (let attempt = 1; ; attempt++) {
      const requestedAt = clock.now()
      await store.begin(intent.tags, intent.token)
      intent.requestedAt = requestedAt
      // If half of the lease has elapsed, it might expire before the database commits.
      if (clock.now() - requestedAt < store.leaseMs / 2) return
      if (attempt === MAX_ATTEMPTS)
        throw new Error(`The cache store took longer than ${store.leaseMs / 2} ms to respond.`)
    }
  }

  /**
   * Lets the caller continue before the store has confirmed the end. Until then, the tags have no stamps in
   * the store and are busy in this process: nothing is cached, and nothing older than the write is served.
   * That is certain only if the intent existed when the database responded.
   *
   * @returns Whether it does; otherwise, the end must be awaited.
   */
  #endLater(intent: Intent, outcome: WriteOutcome): boolean {
    const { store, clock } = this.options
    if (intent.state !== 'held' || outcome === 'unknown' || this.#closed || this.hasPending) return false
    if (clock.now() - intent.requestedAt >= Math.min(CERTAIN_MS, store.leaseMs / 2)) return false
    const ending = this.#end(intent, outcome).then(() => void this.#ending.delete(ending))
    this.#ending.add(ending)
    return true
  }

  async #end(intent: Intent, outcome: WriteOutcome): Promise<void> {
    const { tags, token, state } = intent
    if (state !== 'held' && state !== 'unannounced') return
    if (outcome === 'unknown') this.#doubt(intent)
    else intent.state = 'over'
    try {
      if (this.#closed) return
      if (state === 'held' && outcome !== 'unknown') await this.#reportEnd(tags, token)
      else if (state === 'unannounced' && outcome !== 'rolled-back') this.#pending.add(tags)
      if (!this.#pending.isEmpty) await this.settle()
    } catch (error) {
      if (!this.#closed) this.options.onError(error)
    } finally {
      if (outcome !== 'unknown') this.#intents.delete(intent)
      this.table.end(intent.open, outcome)
    }
  }

  /**
   * A write that can still be executed keeps its intent for one lease, also through a loss of the store's
   * state.
   */
  #doubt(intent: Intent): void {
    intent.state = 'doubtful'
    intent.doubtfulUntil = this.options.clock.now() + this.options.store.leaseMs
  }

  /** A write with an unknown outcome has been executed by now, or never will be. */
  async #endDoubt(intent: Intent): Promise<void> {
    intent.state = 'over'
    this.#intents.delete(intent)
    this.#pending.add(intent.tags)
    // An intent that remains expires with its lease.
    await this.options.store.end(intent.tags, intent.token).catch(() => {})
    await this.settle()
  }

  /** Until it succeeds, the stamps are missing: nothing stale can be read meanwhile. */
  async #reportEnd(tags: readonly string[], token: string): Promise<void> {
    const { store } = this.options
    try {
      await store.end(tags, token)
    } catch {
      try {
        await store.end(tags, token)
      } catch (error) {
        this.#pending.add(tags)
        throw error
      }
    }
  }

  #renewAll(): boolean {
    const now = this.options.clock.now()
    for (const intent of this.#intents) {
      if (intent.state === 'doubtful' && now >= intent.doubtfulUntil)
        this.#endDoubt(intent).catch(this.options.onError)
      else if (isRenewed(intent) && now - intent.requestedAt >= RENEW_MS)
        this.#renew(intent).catch(this.options.onError)
    }
    if (!this.#pending.isEmpty) this.settle().catch(this.options.onError)
    return this.#intents.size > 0 || !this.#pending.isEmpty
  }

  async #renew(intent: Intent): Promise<void> {
    const { store, clock } = this.options
    const requestedAt = clock.now()
    const isHeld = await store.renew(intent.tags, intent.token)
    if (!isRenewed(intent)) return
    if (isHeld) intent.requestedAt = requestedAt
    else await this.#hold(intent)
  }
}

function isRenewed({ state }: Intent): boolean {
  return state === 'held' || state === 'doubtful'
}
