import type { AnnouncedWrite, StateAhead, WriteOutcome } from '../../pipeline/writes.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { Clock } from '../../shared/clock.ts'
import { SluiceError } from '../../shared/errors.ts'
import { randomToken } from '../../shared/random-token.ts'
import { Periodic } from '../../shared/timers.ts'
import { type CacheStore, EVERY_TAG } from '../stores/cache-store.ts'
import { LocalWrites } from './local-writes.ts'
import { type SharedReads, SharedStateAhead } from './shared-reads.ts'
import type { OpenTags, TagTable } from './tag-table.ts'
import { setTag } from './tags.ts'

/**
 * A write was not sent, because other processes could not be told of it beforehand: the shared store does not answer, and
 * `cache.onInvalidationFailure` is `reject-write`. The cause is the store's own error.
 */
export class WriteRejectedError extends SluiceError {
  constructor(cause: unknown) {
    super('SLUICE_WRITE_REJECTED', 'The write was not sent: the shared cache store could not be told of it.', { cause })
  }
}

/** Beyond this many, everything is owed. */
const MAX_OWED = 1_000

/** Tags of writes that are done and that other processes were not told of. */
class OwedTags {
  #tags = new Set<string>()

  get isEmpty(): boolean {
    return this.#tags.size === 0
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag)
    if (this.#tags.size > MAX_OWED) this.#tags = new Set([EVERY_TAG])
  }

  /** All of them; what is added from now on is owed anew. */
  take(): readonly string[] {
    const tags = [...this.#tags]
    this.#tags = new Set()
    return tags.includes(EVERY_TAG) ? [EVERY_TAG] : tags
  }
}

/** Intents are renewed, and what failed is tried again, this often. */
const RENEW_MS = 1_000
/** A store that takes half a lease to answer, so many times in a row, counts as one that does not answer. */
const MAX_ATTEMPTS = 3

interface SharedWritesOptions {
  readonly store: CacheStore
  readonly clock: Clock
  /** Whether a write that other processes cannot be told of is refused, or sent all the same. */
  readonly onInvalidationFailure: 'reject-write' | 'proceed'
  /** Told of what the store failed with. */
  readonly onError: (error: unknown) => void
}

/** A write that is under way. */
interface Intent {
  readonly tags: readonly string[]
  readonly open: OpenTags
  readonly token: string
  /** Monotonic time at which its lease was last asked for. */
  askedAt: number
  /**
   * - `untold`: other processes do not know of it, and it was sent all the same.
   * - `doubtful`: it has ended here, and the database may still carry it out, until `doubtfulUntil`.
   */
  state: 'beginning' | 'held' | 'untold' | 'doubtful' | 'over'
  doubtfulUntil: number
}

/**
 * The writer's side of the coherence protocol: an intent is held in the store from before a write may commit until it has ended,
 * and every tag then gets a new stamp.
 */
export class SharedWrites extends LocalWrites {
  override readonly isShared: boolean = true
  readonly #intents = new Set<Intent>()
  readonly #owed = new OwedTags()
  readonly #upkeep: Periodic
  /** The attempt to tell of what is owed that is under way, and the one that comes after it. */
  #settling: Promise<void> | undefined
  #nextSettling: Promise<void> | undefined
  #closed = false
  #reads: { readonly reads: SharedReads; readonly isStrict: boolean } | undefined

  constructor(
    table: TagTable,
    private readonly options: SharedWritesOptions,
  ) {
    super(table)
    this.#upkeep = new Periodic(RENEW_MS, () => this.#keepUp())
  }

  /** Whether there are writes that other processes were not told of: until then, nothing that is shared may be used. */
  get isOwing(): boolean {
    return !this.#owed.isEmpty || this.#settling !== undefined
  }

  override announceTags(tags: readonly string[]): AnnouncedWrite {
    if (tags.length === 0) return { ready: undefined, end: () => undefined }
    if (this.#closed) return super.announceTags(tags)
    const open = this.table.begin(tags)
    const intent: Intent = { tags, open, token: randomToken(), askedAt: 0, state: 'beginning', doubtfulUntil: 0 }
    this.#intents.add(intent)
    this.#upkeep.start()
    const ready = this.#begin(intent)
    // Who sees the end of a transaction only does not wait for its beginning.
    ready.catch(() => {})
    return { ready, end: (outcome) => this.#end(intent, ready, outcome) }
  }

  /**
   * Tells of a write that has ended.
   *
   * @throws What the store failed with. It is told again until it succeeds, and nothing that is shared is used before.
   */
  override async invalidateTags(tags: readonly string[]): Promise<void> {
    this.table.raise(tags)
    this.#owed.add(tags)
    await this.settle()
  }

  /** Lets what is asked ahead be kept and validated by what the store knows. */
  connect(reads: SharedReads, isStrict: boolean): void {
    this.#reads = { reads, isStrict }
  }

  async ahead(tables: readonly TableId[]): Promise<StateAhead | undefined> {
    if (this.#reads === undefined) return undefined
    const { reads, isStrict } = this.#reads
    const tags = tables.map(setTag)
    const snapshot = this.table.snapshot(tags)
    if (snapshot === undefined) return undefined
    try {
      const permit = (await reads.look(tags)).permit ?? (await reads.open(tags))
      return permit === undefined ? undefined : new SharedStateAhead(snapshot, permit, reads, isStrict)
    } catch (error) {
      this.options.onError(error)
      return undefined
    }
  }

  /** Tells of what is owed. Those who call at the same time share one attempt. */
  settle(): Promise<void> {
    if (this.#owed.isEmpty) return this.#settling ?? Promise.resolve()
    // What was added after an attempt began needs another one.
    this.#nextSettling ??= (this.#settling ?? Promise.resolve()).catch(() => {}).then(() => this.#attempt())
    return this.#nextSettling
  }

  /** From now on writes are sent as they are, those included that wait for the store: nobody is told of them. */
  override close(): void {
    this.#closed = true
    this.#upkeep.stop()
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
    const tags = this.#owed.take()
    const token = randomToken()
    try {
      await this.options.store.begin(tags, token)
      await this.options.store.end(tags, token)
    } catch (error) {
      this.#owed.add(tags)
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
        intent.state = 'untold'
        return
      }
      intent.state = 'over'
      this.#intents.delete(intent)
      this.table.end(intent.open, 'rolled-back')
      // The store may have heard of it after all; nothing was written, so it may forget it at once.
      this.options.store.end(intent.tags, intent.token).catch(() => {})
      throw new WriteRejectedError(error)
    }
  }

  async #hold(intent: Intent): Promise<void> {
    const { store, clock } = this.options
    for (let attempt = 1; ; attempt++) {
      const askedAt = clock.now()
      await store.begin(intent.tags, intent.token)
      intent.askedAt = askedAt
      // A lease that is half over might end before the database commits.
      if (clock.now() - askedAt < store.leaseMs / 2) return
      if (attempt === MAX_ATTEMPTS) throw new Error(`The cache store took longer than ${store.leaseMs / 2} ms to answer.`)
    }
  }

  async #end(intent: Intent, ready: Promise<void>, outcome: WriteOutcome): Promise<void> {
    await ready.catch(() => {})
    const { tags, token, state } = intent
    if (state !== 'held' && state !== 'untold') return
    if (outcome === 'unknown') this.#doubt(intent)
    else intent.state = 'over'
    try {
      if (this.#closed) return
      if (state === 'held' && outcome !== 'unknown') await this.#tellEnd(tags, token)
      else if (state === 'untold' && outcome !== 'rolled-back') this.#owed.add(tags)
      if (!this.#owed.isEmpty) await this.settle()
    } catch (error) {
      if (!this.#closed) this.options.onError(error)
    } finally {
      if (outcome !== 'unknown') this.#intents.delete(intent)
      this.table.end(intent.open, outcome)
    }
  }

  /** What may still be carried out keeps its intent for a lease, also through a loss of the store's state. */
  #doubt(intent: Intent): void {
    intent.state = 'doubtful'
    intent.doubtfulUntil = this.options.clock.now() + this.options.store.leaseMs
  }

  /** A write of unknown outcome was carried out by now, or never will be. */
  async #endDoubt(intent: Intent): Promise<void> {
    intent.state = 'over'
    this.#intents.delete(intent)
    this.#owed.add(intent.tags)
    // An intent that is left behind ends with its lease.
    await this.options.store.end(intent.tags, intent.token).catch(() => {})
    await this.settle()
  }

  /** Until it succeeds the stamps are absent: nothing stale can be read meanwhile. */
  async #tellEnd(tags: readonly string[], token: string): Promise<void> {
    const { store } = this.options
    try {
      await store.end(tags, token)
    } catch {
      try {
        await store.end(tags, token)
      } catch (error) {
        this.#owed.add(tags)
        throw error
      }
    }
  }

  #keepUp(): boolean {
    const now = this.options.clock.now()
    for (const intent of this.#intents) {
      if (intent.state === 'doubtful' && now >= intent.doubtfulUntil) this.#endDoubt(intent).catch(this.options.onError)
      else if (isKeptUp(intent) && now - intent.askedAt >= RENEW_MS) this.#renew(intent).catch(this.options.onError)
    }
    if (!this.#owed.isEmpty) this.settle().catch(this.options.onError)
    return this.#intents.size > 0 || !this.#owed.isEmpty
  }

  async #renew(intent: Intent): Promise<void> {
    const { store, clock } = this.options
    const askedAt = clock.now()
    const isHeld = await store.renew(intent.tags, intent.token)
    if (!isKeptUp(intent)) return
    if (isHeld) intent.askedAt = askedAt
    else await this.#hold(intent)
  }
}

function isKeptUp({ state }: Intent): boolean {
  return state === 'held' || state === 'doubtful'
}
