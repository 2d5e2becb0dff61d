import { LRUCache } from 'lru-cache'
import { InvalidArgumentError } from '../../shared/errors.ts'

/** The statistics of a link, as plain data that can be saved and restored. */
export interface PrefetchLink {
  /**
   * `table#listing|columns>lookup`: identifies the listing, the columns and the lookup, without their values.
   */
  readonly id: string
  /** Number of observed loops. */
  readonly loops: number
  /** Average share of the listing's keys that loops reach, from 0 to 1. */
  readonly span: number
  /** Average share of the keys within that span that loops request, from 0 to 1. */
  readonly density: number
  /** Share of loops that run from the end to the start. */
  readonly backward: number
  /** Average number of rows of a key. */
  readonly rows: number
  /** Prefetched keys, and how many of them were used. Older loops count less. */
  readonly fetched: number
  readonly used: number
  /** Number of loops for which Sluice does not prefetch, because most prefetched keys were unused. */
  readonly blockedFor: number
  /** Number of loops that the next block would last. */
  readonly backoff: number
}

/** Minimum share of prefetched keys that must be used, and of keys in a span that must be requested. */
export const MIN_USE = 0.25

/** Weight of the latest loop in an average. */
const WEIGHT = 0.3
/** Factor by which each loop multiplies the older counts. */
const DECAY = 0.7
/** A loop with fewer prefetched keys does not block its link. */
const MIN_FETCHED = 8
const MAX_BACKOFF = 1024
const MAX_LINKS = 1000

/** The statistics of one kind of loop: from columns of one listing to one lookup. */
export class Link {
  loops = 0
  span = 0
  density = 0
  backward = 0
  rows = 0
  fetched = 0
  used = 0
  blockedFor = 0
  backoff = 1
  /**
   * Consecutive lookups of neighboring rows. Only counted if no foreign key connects the listing and the
   * lookup.
   */
  confirmed = 0

  constructor(readonly id: string) {}

  /** Learns from a loop that has ended. Returns whether it blocked the link. */
  learn(loop: {
    readonly span: number
    readonly density: number
    readonly isBackward: boolean
    /** `undefined`: there was no result. */
    readonly rows: number | undefined
    readonly fetched: number
    readonly used: number
  }): boolean {
    const weight = this.loops === 0 ? 1 : WEIGHT
    this.span += weight * (loop.span - this.span)
    this.density += weight * (loop.density - this.density)
    this.backward += weight * ((loop.isBackward ? 1 : 0) - this.backward)
    if (loop.rows !== undefined) this.rows += weight * (loop.rows - this.rows)
    this.loops += 1
    this.fetched = this.fetched * DECAY + loop.fetched
    this.used = this.used * DECAY + loop.used
    if (loop.fetched === 0) return false
    if (
      loop.fetched < MIN_FETCHED ||
      loop.used / loop.fetched >= MIN_USE ||
      this.used / this.fetched >= MIN_USE
    ) {
      if (loop.used / loop.fetched >= MIN_USE) this.backoff = 1
      return false
    }
    this.block()
    return true
  }

  /** Stops prefetching for a number of loops, which grows with each block. */
  block(): void {
    this.blockedFor = this.backoff
    this.backoff = Math.min(MAX_BACKOFF, this.backoff * 4)
  }
}

/** The links of one Sluice, at most 1,000. The least recently used are evicted first. */
export class Links {
  /** Created with the first link, to save memory. */
  #links: LRUCache<string, Link> | undefined

  of(id: string): Link {
    this.#links ??= new LRUCache({ max: MAX_LINKS })
    let link = this.#links.get(id)
    if (link === undefined) {
      link = new Link(id)
      this.#links.set(id, link)
    }
    return link
  }

  /** Returns the links that have learned from a loop. */
  save(): readonly PrefetchLink[] {
    return [...(this.#links?.values() ?? [])]
      .filter(({ loops }) => loops > 0)
      .map(({ id, loops, span, density, backward, rows, fetched, used, blockedFor, backoff }) => ({
        id,
        loops,
        span,
        density,
        backward,
        rows,
        fetched,
        used,
        blockedFor,
        backoff,
      }))
  }

  /** @throws InvalidArgumentError if it is not a list that `save` returned. */
  restore(saved: readonly PrefetchLink[]): void {
    if (!arePrefetchLinks(saved)) throw new InvalidArgumentError('links', LINKS, saved)
    for (const { id, ...learned } of saved) Object.assign(this.of(id), learned)
  }
}

/** The expected form of saved links, for errors. */
const LINKS = 'a list that getPrefetchLinks() returned'

function arePrefetchLinks(value: unknown): boolean {
  return Array.isArray(value) && value.every(isPrefetchLink)
}

const SHARES = ['span', 'density', 'backward'] as const
const COUNTS = ['loops', 'rows', 'fetched', 'used', 'blockedFor', 'backoff'] as const

function isPrefetchLink(value: unknown): value is PrefetchLink {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Readonly<Record<string, unknown>>
  const within = (name: string, max: number) =>
    typeof fields[name] === 'number' && fields[name] >= 0 && fields[name] <= max
  return (
    typeof fields.id === 'string' &&
    Object.keys(fields).length === 1 + SHARES.length + COUNTS.length &&
    SHARES.every((name) => within(name, 1)) &&
    COUNTS.every((name) => within(name, Number.MAX_SAFE_INTEGER))
  )
}
