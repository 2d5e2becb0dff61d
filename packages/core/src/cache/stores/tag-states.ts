import type { Clock } from '../../shared/clock.ts'
import { randomBytes } from '../../shared/late-modules.ts'
import { EVERY_TAG, type Stamps } from './cache-store.ts'

export interface TagStateOptions {
  readonly leaseMs: number
  readonly quarantineMs: number
  /** How long a stamp lives. */
  readonly stampMs: number
  readonly clock: Clock
}

/** Called with the tags of a write, or with `undefined` when everything was invalidated. */
export type TagListener = (tags: readonly string[] | undefined) => void

interface Stamp {
  readonly id: string
  readonly until: number
}

/**
 * - `held`: a write that can modify anything is in flight, or its lease has expired.
 * - `lost`: the intents of writers are unknown; by `until`, all live writers have announced theirs again.
 */
type Epoch =
  | { readonly kind: 'live'; readonly id: string }
  | { readonly kind: 'held' }
  | { readonly kind: 'lost'; readonly until: number | undefined }

/** Number of stamps from which expired ones are removed. */
const PRUNE_STAMPS_FROM = 10_000
/** Above this number, the older half is removed. Values that depend on it are refetched. */
const MAX_STAMPS = 200_000

/**
 * The state of tags: stamps, writers' intents, the epoch, and the quarantine after a loss. Every method is
 * one atomic step.
 */
export class TagStates {
  readonly #listeners = new Set<TagListener>()
  readonly #stamps = new Map<string, Stamp>()
  /** Deadlines by tag and token. */
  readonly #intents = new Map<string, Map<string, number>>()
  readonly #ids = randomBytes(12).toString('base64url')
  #lastId = 0
  #epoch: Epoch
  #pruneStampsAt = PRUNE_STAMPS_FROM

  constructor(private readonly options: TagStateOptions) {
    this.#epoch = { kind: 'live', id: this.#newId() }
  }

  /** Returns a function that ends it. */
  listen(listener: TagListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  get epoch(): string | undefined {
    return this.#epoch.kind === 'live' ? this.#epoch.id : undefined
  }

  stampOf(tag: string): string | undefined {
    if (tag === EVERY_TAG) return this.epoch
    const stamp = this.#stamps.get(tag)
    return stamp !== undefined && this.#now < stamp.until ? stamp.id : undefined
  }

  open(tags: readonly string[]): Stamps | undefined {
    if (this.#hasIntent(EVERY_TAG)) return undefined
    const epoch = this.#openEpoch()
    if (epoch === undefined || tags.some((tag) => this.#hasIntent(tag))) return undefined
    return { epoch, stamps: tags.map((tag) => this.stampOf(tag) ?? this.#renew(tag)) }
  }

  begin(tags: readonly string[], token: string): void {
    for (const tag of tags) {
      const intents = this.#liveIntents(tag)
      intents.set(token, this.#now + this.options.leaseMs)
      this.#intents.set(tag, intents)
      this.#drop(tag)
    }
    this.#notify(tags)
  }

  renew(tags: readonly string[], token: string): boolean {
    let all = true
    for (const tag of tags) {
      const intents = this.#liveIntents(tag)
      if (intents.has(token)) intents.set(token, this.#now + this.options.leaseMs)
      else all = false
    }
    return all
  }

  end(tags: readonly string[], token: string): Stamps | undefined {
    const isCertain = this.#epoch.kind !== 'lost'
    let wasMissing = false
    let isComplete = true
    for (const tag of tags) {
      const intents = this.#liveIntents(tag)
      const wasLive = intents.delete(token)
      wasMissing ||= !wasLive
      if (intents.size === 0) this.#intents.delete(tag)
      if (isCertain && wasLive && intents.size === 0) {
        this.#renew(tag)
        continue
      }
      isComplete = false
      this.#drop(tag)
    }
    if (wasMissing) this.#notify(tags)
    const { epoch } = this
    if (!isComplete || epoch === undefined) return undefined
    return { epoch, stamps: tags.map((tag) => this.stampOf(tag) ?? '') }
  }

  /** Removes everything, like a server that was emptied. */
  lose(): void {
    this.#stamps.clear()
    this.#intents.clear()
    this.#epoch = { kind: 'lost', until: undefined }
  }

  get #now(): number {
    return this.options.clock.now()
  }

  #openEpoch(): string | undefined {
    const epoch = this.#epoch
    if (epoch.kind === 'live') return epoch.id
    if (epoch.kind === 'lost' && !this.#isOver(epoch)) return undefined
    return this.#renew(EVERY_TAG)
  }

  #isOver({ until }: { readonly until: number | undefined }): boolean {
    if (until !== undefined) return this.#now >= until
    this.#epoch = { kind: 'lost', until: this.#now + this.options.quarantineMs }
    this.#notify(undefined)
    return false
  }

  #renew(tag: string): string {
    const id = this.#newId()
    if (tag === EVERY_TAG) {
      this.#epoch = { kind: 'live', id }
      return id
    }
    this.#stamps.delete(tag)
    this.#stamps.set(tag, { id, until: this.#now + this.options.stampMs })
    if (this.#stamps.size > this.#pruneStampsAt) this.#pruneStamps()
    return id
  }

  #drop(tag: string): void {
    if (tag !== EVERY_TAG) this.#stamps.delete(tag)
    else if (this.#epoch.kind !== 'lost') this.#epoch = { kind: 'held' }
  }

  #hasIntent(tag: string): boolean {
    const intents = this.#liveIntents(tag)
    if (intents.size === 0) this.#intents.delete(tag)
    return intents.size > 0
  }

  /** The intents on a tag whose lease has not expired; expired ones are removed. */
  #liveIntents(tag: string): Map<string, number> {
    const intents = this.#intents.get(tag)
    if (intents === undefined) return new Map()
    for (const [token, until] of intents) if (this.#now >= until) intents.delete(token)
    return intents
  }

  #pruneStamps(): void {
    for (const [tag, stamp] of this.#stamps) if (this.#now >= stamp.until) this.#stamps.delete(tag)
    for (const tag of this.#intents.keys()) this.#hasIntent(tag)
    if (this.#stamps.size > MAX_STAMPS) {
      for (const tag of this.#stamps.keys()) {
        if (this.#stamps.size <= MAX_STAMPS / 2) break
        this.#stamps.delete(tag)
      }
    }
    this.#pruneStampsAt = Math.min(MAX_STAMPS, Math.max(PRUNE_STAMPS_FROM, 2 * this.#stamps.size))
  }

  #newId(): string {
    this.#lastId += 1
    return `${this.#ids}.${this.#lastId.toString(36)}`
  }

  #notify(tags: readonly string[] | undefined): void {
    const announced = tags?.includes(EVERY_TAG) ? undefined : tags
    for (const listener of [...this.#listeners]) listener(announced)
  }
}
