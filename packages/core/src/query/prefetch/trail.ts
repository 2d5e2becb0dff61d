import { keyKinds } from '../../pipeline/key-text.ts'
import type { LookupKey } from '../../pipeline/lookup.ts'
import type { PrefetchState } from '../../pipeline/writes.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { KeyFolds } from '../batch/key-folds.ts'
import { type Link, MIN_USE } from './link.ts'
import { RowMeasure } from './row-measure.ts'
import type { KeyIndex, RowSet } from './row-set.ts'

/** Number of keys in one query, by step, while a loop continues as expected. */
const RAMP = [1, 8, 128, 512] as const
/** Maximum number of keys in one query. */
const CAP = 512
/** With this many unused prefetched keys, prefetching stops. A loop without an order may have more. */
const MAX_UNUSED = 128
const UNORDERED_FACTOR = 8
/** A loop that reaches this share of the keys is expected to reach the end. */
const FULL_SPAN = 0.9
/**
 * Number of neighboring lookups that show that a loop iterates over a listing, if no foreign key shows it.
 */
const CONFIRMATIONS = 3

/** When a query for several keys was sent, and the state of the tables that it read. */
export interface Fetch {
  readonly at: number
  readonly state: number
  /** The state of other processes' writes at that time, if there are other processes. */
  readonly prefetchState?: PrefetchState | undefined
}

export interface Answer {
  /** The original result of the query, which no caller has received. */
  readonly value: unknown
  readonly fetch: Fetch
  /** The range of its rows among those of the lookup's group. */
  readonly from: number
  readonly to: number
  isUsed: boolean
}

/** A loop, as far as it is known: lookups of one group whose keys come from one column of one set of rows. */
export class Trail {
  readonly answers: Map<string, Answer> = new Map()
  readonly measure: RowMeasure = new RowMeasure()
  /** Lookups of the trail that are in flight. */
  inFlight = 0
  /** A query for several keys that is in flight. */
  pending: { readonly done: Promise<void>; readonly texts: ReadonlySet<string> } | undefined
  readonly #isBlocked: boolean
  #fetched = 0
  #used = 0
  #step = 0
  readonly #requested = new Set<string>()
  /** Keys for which a query for several keys was not certain. */
  readonly #uncertain = new Set<string>()
  /** How often each key was requested. */
  readonly #taken = new Map<string, number>()
  #direction: -1 | 0 | 1 = 0
  #isUnordered = false
  #last = -1
  #lowest = Number.POSITIVE_INFINITY
  #highest = -1
  #streak = 0

  constructor(
    readonly set: RowSet,
    readonly index: KeyIndex,
    readonly link: Link,
    /** Every table that the group's results depend on. */
    readonly tables: readonly TableId[],
    /** Whether a foreign key connects the lookup and the rows. */
    private readonly isRelated: boolean,
  ) {
    this.#isBlocked = link.blockedFor > 0
    if (this.#isBlocked) link.blockedFor -= 1
  }

  /** Returns the position of the key among the current keys of the rows. */
  ordinalOf(text: string): number | undefined {
    if (this.set.isGrowing) this.index.extend()
    return this.index.ordinalOf(text)
  }

  /**
   * Records a request for a key, and the direction of the loop. Returns how often the key was requested
   * before.
   */
  visit(text: string, ordinal: number): number {
    const taken = this.#taken.get(text) ?? 0
    this.#taken.set(text, taken + 1)
    if (taken > 0) return taken
    this.#requested.add(text)
    if (this.#last >= 0) {
      const direction = ordinal > this.#last ? 1 : -1
      if (this.#direction !== 0 && direction !== this.#direction) this.#isUnordered = true
      this.#direction = direction
    }
    if (!this.isRelated) this.#confirm(ordinal)
    this.#last = ordinal
    this.#lowest = Math.min(this.#lowest, ordinal)
    this.#highest = Math.max(this.#highest, ordinal)
    return 0
  }

  /**
   * Whether the app received more rows with the key than it requested, so that it may request the key for
   * another row.
   */
  hasCredit(ordinal: number, taken: number): boolean {
    return taken < this.index.credit(ordinal)
  }

  /** Whether the key may be requested again, so that its result must be stored. */
  mayRecur(ordinal: number, taken: number): boolean {
    return this.set.isGrowing || taken + 1 < this.index.multiplicity(ordinal)
  }

  used(answer: Answer): void {
    if (answer.isUsed) return
    answer.isUsed = true
    this.#used += 1
  }

  /** Returns how many keys the next query should contain. 1: only the requested key. */
  window(ordinal: number): number {
    const { rowsOfKey = this.link.rows, maxRows } = this.measure
    return Math.max(1, Math.min(this.#expected(ordinal), Math.floor(maxRows / Math.max(1, rowsOfKey))))
  }

  #expected(ordinal: number): number {
    const { link } = this
    const { length } = this.index.keys
    if (this.#isBlocked) return 1
    if (!this.isRelated && link.confirmed < CONFIRMATIONS) return 1
    if (link.loops > 0 && this.#fetched === 0 && link.density >= MIN_USE)
      return this.#learnedWindow(ordinal, length)
    if (this.#requested.size < 2 || !this.#isDense()) return 1
    if (this.#fetched - this.#used > MAX_UNUSED * (this.#isUnordered ? UNORDERED_FACTOR : 1)) return 1
    this.#step = Math.min(this.#step + 1, RAMP.length - 1)
    return RAMP[this.#step] ?? 1
  }

  /**
   * Returns the requested key and those expected next, in the loop's direction, as far as one query can
   * contain them together.
   */
  pick(key: LookupKey, ordinal: number, size: number, dialect: Dialect): readonly LookupKey[] {
    const { keys } = this.index
    const picked = [key]
    const folds = new KeyFolds(dialect)
    if (size < 2 || !folds.add(key)) return picked
    const kinds = keyKinds(key)
    const direction = this.#direction < 0 ? -1 : 1
    for (let step = 1; step < keys.length && picked.length < size; step += 1) {
      const at = ordinal + direction * step
      const isPast = at < 0 || at >= keys.length
      if (isPast && !this.#isUnordered) break
      const position = (at + keys.length * 2) % keys.length
      const next = keys[position]
      if (next === undefined || this.answers.has(next.text) || this.#uncertain.has(next.text)) continue
      // Prefetched rows are not returned yet, but will be soon.
      if ((this.#taken.get(next.text) ?? 0) >= Math.max(1, this.index.credit(position))) continue
      if (keyKinds(next) === kinds && folds.add(next)) picked.push(next)
    }
    return picked
  }

  /** Blocks the link, because a query for several keys failed. */
  fail(): void {
    this.link.block()
  }

  /** Does not prefetch a key again, and counts it as not prefetched. */
  refuse(text: string, prefetched: 0 | 1): void {
    this.#uncertain.add(text)
    this.#fetched -= prefetched
  }

  /** Counts prefetched keys. */
  fetched(keys: number): void {
    this.#fetched += keys
  }

  /**
   * Learns from a loop that has ended, or that Sluice can no longer follow. Returns whether its link was
   * blocked.
   */
  retire(): boolean {
    this.answers.clear()
    const requested = this.#requested.size
    const { length } = this.index.keys
    if (requested < 2 || length === 0)
      return this.#fetched > 0 && requested > 0 ? this.#learn(requested / length, 1) : false
    if (this.#isUnordered) return this.#learn(1, requested / length)
    const isBackward = this.#direction < 0
    const reached = isBackward ? (length - this.#lowest) / length : (this.#highest + 1) / length
    return this.#learn(reached, this.#density())
  }

  #learn(span: number, density: number): boolean {
    const isBackward = this.#direction < 0 && !this.#isUnordered
    return this.link.learn({
      span,
      density,
      isBackward,
      rows: this.measure.rowsOfKey,
      fetched: this.#fetched,
      used: this.#used,
    })
  }

  #learnedWindow(ordinal: number, length: number): number {
    const { span, backward } = this.link
    const isBackward = backward > 0.5
    if (isBackward && this.#direction === 0) this.#direction = -1
    this.#step = RAMP.length - 1
    if (span >= FULL_SPAN) {
      // A loop that reads all keys can begin at any of them.
      if (!isBackward) this.#isUnordered = true
      return CAP
    }
    const reach = Math.ceil(span * length)
    const remaining = isBackward ? reach - (length - 1 - ordinal) : reach - ordinal
    return Math.max(1, Math.min(remaining, CAP))
  }

  #isDense(): boolean {
    return this.#isUnordered || this.#density() >= MIN_USE
  }

  #density(): number {
    return this.#requested.size / (this.#highest - this.#lowest + 1)
  }

  #confirm(ordinal: number): void {
    const { link } = this
    if (link.confirmed >= CONFIRMATIONS) return
    this.#streak = this.#last >= 0 && Math.abs(ordinal - this.#last) === 1 ? this.#streak + 1 : 1
    link.confirmed = Math.max(link.confirmed, this.#streak)
  }
}
