import type { StateAhead } from '../../pipeline/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import { Periodic } from '../../shared/timers.ts'
import { type CacheStore, EVERY_TAG, type StoredEntry, type StoreState } from '../stores/cache-store.ts'
import type { TagSnapshot, TagTable } from './tag-table.ts'

/** The state under which a value may be kept: read before its source was asked. */
export interface Permit {
  readonly epoch: string
  readonly tags: readonly string[]
  readonly stamps: readonly string[]
}

/** What the store says of a key: a valid entry, or else the permit to keep a new value, if there is one already. */
interface Look {
  readonly entry: StoredEntry | undefined
  readonly permit: Permit | undefined
}

/** Word of writes that this process owes to others. */
interface Debts {
  /** Until this is false, nothing that is shared may be used. */
  readonly isOwing: boolean
  settle(): Promise<void>
}

interface SharedReadsOptions {
  readonly store: CacheStore
  readonly clock: Clock
  /** How long this process's memory may be trusted without a sign of life from the store. */
  readonly maxStalenessMs: number
  readonly onError: (error: unknown) => void
  /** The store has answered a ping. */
  readonly onAnswer?: () => void
}

/** Nothing that is shared may be used now: this process owes others word of its writes. */
class OwingError extends Error {}

/** The reader's side of the coherence protocol: what the store has, whether it is valid, and whether memory may be trusted without asking. */
export class SharedReads {
  readonly #pinger: Periodic
  readonly #unwatch: () => void
  /** When the last answered ping was sent. Not when anything was last heard: that may be old news. */
  #trustedFrom = Number.NEGATIVE_INFINITY
  /** How often messages may have been missed. */
  #losses = 0
  #epoch: string | undefined
  #closed = false

  constructor(
    private readonly table: TagTable,
    private readonly writes: Debts,
    private readonly options: SharedReadsOptions,
  ) {
    const { store, maxStalenessMs } = options
    this.#unwatch = store.watch({
      invalidated: (tags) => table.raise(tags),
      lost: () => {
        this.#losses += 1
        this.#trustedFrom = Number.NEGATIVE_INFINITY
        table.raiseAll()
      },
    })
    this.#pinger = new Periodic(Math.max(1, Math.floor(maxStalenessMs / 4)), () => {
      void this.#ping()
      return true
    })
    this.#pinger.start()
    void this.#ping()
  }

  /**
   * Whether every write that was announced longer than `maxStalenessMs` ago is known here.
   *
   * @param now - Monotonic milliseconds.
   */
  isTrusted(now: number): boolean {
    return now - this.#trustedFrom <= this.options.maxStalenessMs && !this.writes.isOwing
  }

  /**
   * The permit that a look would give, by what this process knows of the tags; `undefined`: it does not know. As true as what memory has: a write that was
   * announced less than `maxStalenessMs` ago may not be known here. To keep a value under it is harmless, since no stamp is used twice.
   *
   * @param snapshot - Of the tags, taken now.
   * @param now - Monotonic milliseconds.
   */
  known(snapshot: TagSnapshot, tags: readonly string[], now: number): Permit | undefined {
    const epoch = this.#epoch
    if (epoch === undefined || !this.isTrusted(now)) return undefined
    const { stamps } = snapshot
    return stamps && { epoch, tags, stamps }
  }

  /**
   * What a read of an entry alone brought, sent after `known` gave the permit.
   *
   * @param snapshot - What the permit was given for.
   * @returns The entry if it is valid; `undefined`: the store must be asked for the state of the tags.
   */
  accepted({ epoch, entry }: StoreState, permit: Permit, snapshot: TagSnapshot): StoredEntry | 'absent' | undefined {
    this.#noteEpoch(epoch)
    // The epoch is that of the server that was asked: it may have been replaced by one with an older state.
    if (epoch !== permit.epoch || !snapshot.isCurrent) return undefined
    if (entry === undefined) return 'absent'
    return entry.epoch === epoch && hasStamps(entry, permit) ? entry : undefined
  }

  /**
   * Reads the tags' state and, if a key is given, its entry: sent after the call.
   *
   * @param snapshot - Of the first of the tags, taken before the call: what is read is noted there.
   * @throws What the store failed with.
   */
  async look(tags: readonly string[], key?: string, snapshot?: TagSnapshot): Promise<Look> {
    await this.#payDebts()
    const state = await this.options.store.read(tags, key)
    this.#noteEpoch(state.epoch)
    const permit = permitOf(tags, state)
    if (permit !== undefined) snapshot?.note(permit.stamps)
    const { entry } = state
    if (entry === undefined || entry.epoch !== state.epoch) return { entry: undefined, permit }
    const isCovered = entry.tags.every((tag) => tags.includes(tag))
    const isValid = isCovered ? hasStamps(entry, { tags, stamps: state.stamps }) : (await this.check(entry)) === 'current'
    return { entry: isValid ? entry : undefined, permit }
  }

  /**
   * The permit to keep what is read from the source from now on; `undefined`: it must not be kept.
   *
   * @param snapshot - As for `look`.
   * @throws What the store failed with.
   */
  async open(tags: readonly string[], snapshot?: TagSnapshot): Promise<Permit | undefined> {
    await this.#payDebts()
    const opened = await this.options.store.open(tags)
    if (opened === undefined) return undefined
    this.#noteEpoch(opened.epoch)
    snapshot?.note(opened.stamps)
    return { ...opened, tags }
  }

  /**
   * Whether nothing was written to the permit's tags since: asked of the store. `closed`: something was, and until the tags are opened
   * there is nothing valid under them.
   *
   * @throws What the store failed with.
   */
  async check(permit: Permit): Promise<'current' | 'changed' | 'closed'> {
    await this.#payDebts()
    const { epoch, stamps } = await this.options.store.read(permit.tags)
    this.#noteEpoch(epoch)
    if (epoch === undefined || stamps.includes(undefined)) return 'closed'
    return epoch === permit.epoch && stamps.every((stamp, at) => stamp === permit.stamps[at]) ? 'current' : 'changed'
  }

  close(): void {
    this.#closed = true
    this.#pinger.stop()
    this.#unwatch()
  }

  async #payDebts(): Promise<void> {
    if (!this.writes.isOwing) return
    await this.writes.settle()
    if (this.writes.isOwing) throw new OwingError('Word of earlier writes is still owed to other processes.')
  }

  /** With a new epoch everything from before is dead, told or not. */
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
      // An answer from before the loss says nothing of what came after it.
      if (!this.#closed && losses === this.#losses) this.#trustedFrom = Math.max(this.#trustedFrom, sentAt)
    } catch (error) {
      if (!this.#closed) this.options.onError(error)
    }
  }
}

/** Whether an entry was made under these stamps, or some of them. */
function hasStamps(
  entry: StoredEntry,
  { tags, stamps }: { readonly tags: readonly string[]; readonly stamps: StoreState['stamps'] },
): boolean {
  return entry.tags.every((tag, at) => stamps[tags.indexOf(tag)] === entry.stamps[at])
}

/** @param tags - Those of the state. */
function permitOf(tags: readonly string[], { epoch, stamps }: StoreState): Permit | undefined {
  if (epoch === undefined || stamps.includes(undefined)) return undefined
  return { epoch, tags, stamps: stamps as readonly string[] }
}

/** The state of tables before they were asked ahead: what is found then may be kept under it. */
export class SharedStateAhead implements StateAhead {
  constructor(
    readonly snapshot: TagSnapshot,
    readonly permit: Permit,
    private readonly reads: SharedReads,
    /** Whether each answer is validated in the store. */
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
