import { LRUCache } from 'lru-cache'
import { InvalidArgumentError } from '../../shared/errors.ts'

/** What a link's trails taught, as plain data that can be kept and given back. */
export interface PrefetchLink {
  /** `table#listing|columns>lookup`: names the listing, the columns and the lookup without their values. */
  readonly id: string
  /** Loops seen. */
  readonly loops: number
  /** The share of the listing's keys up to which loops go, averaged; from 0 to 1. */
  readonly span: number
  /** The share of the keys within that span that are asked for, averaged; from 0 to 1. */
  readonly density: number
  /** The share of loops that run from the end to the start. */
  readonly backward: number
  /** Rows that a key has, averaged. */
  readonly rows: number
  /** Keys asked ahead and those of them that were used; older loops count less. */
  readonly fetched: number
  readonly used: number
  /** Scopes for which nothing is asked ahead along it, because most of what was went unused. */
  readonly blockedFor: number
  /** For how many scopes the next block would hold. */
  readonly backoff: number
}

/** The least share of keys asked ahead that must be used, and of keys in a span that must be asked for. */
export const MIN_USE = 0.25

/** How much the latest loop counts in an average. */
const WEIGHT = 0.3
/** How much of older counts is kept. */
const DECAY = 0.7
/** With fewer keys asked ahead in a loop, its waste says nothing. */
const MIN_FETCHED = 8
const MAX_BACKOFF = 1024
const MAX_LINKS = 1000

/** What is known of one way along which loops go: from a column of one listing to one lookup. */
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
  /** Lookups in a row that went to neighbouring rows: only counted where no foreign key tells that the two belong together. */
  confirmed = 0

  constructor(readonly id: string) {}

  /** A loop has ended. Returns whether it blocked the link. */
  learn(loop: {
    readonly span: number
    readonly density: number
    readonly isBackward: boolean
    /** `undefined`: no answer came. */
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
    if (loop.fetched < MIN_FETCHED || loop.used / loop.fetched >= MIN_USE || this.used / this.fetched >= MIN_USE) {
      if (loop.used / loop.fetched >= MIN_USE) this.backoff = 1
      return false
    }
    this.block()
    return true
  }

  /** Nothing is asked ahead along it for some scopes; each time for more of them. */
  block(): void {
    this.blockedFor = this.backoff
    this.backoff = Math.min(MAX_BACKOFF, this.backoff * 4)
  }
}

/** The links of one Sluice; at most 1,000, the longest unused leave first. */
export class Links {
  /** Created for the first link: it takes memory. */
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

  /** Links that have learned something. */
  save(): readonly PrefetchLink[] {
    return [...(this.#links?.values() ?? [])]
      .filter(({ loops }) => loops > 0)
      .map(({ id, loops, span, density, backward, rows, fetched, used, blockedFor, backoff }) => ({
        ...{ id, loops, span, density, backward, rows },
        ...{ fetched, used, blockedFor, backoff },
      }))
  }

  /** @throws InvalidArgumentError when it is no list that `save` gave. */
  restore(saved: readonly PrefetchLink[]): void {
    if (!arePrefetchLinks(saved)) throw new InvalidArgumentError('links', LINKS, saved)
    for (const { id, ...learned } of saved) Object.assign(this.of(id), learned)
  }
}

/** What is expected of saved links. */
export const LINKS = 'a list that getPrefetchLinks() gave'

export function arePrefetchLinks(value: unknown): boolean {
  return Array.isArray(value) && value.every(isPrefetchLink)
}

const SHARES = ['span', 'density', 'backward'] as const
const COUNTS = ['loops', 'rows', 'fetched', 'used', 'blockedFor', 'backoff'] as const

function isPrefetchLink(value: unknown): value is PrefetchLink {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Readonly<Record<string, unknown>>
  const within = (name: string, max: number) => typeof fields[name] === 'number' && fields[name] >= 0 && fields[name] <= max
  return (
    typeof fields.id === 'string' &&
    Object.keys(fields).length === 1 + SHARES.length + COUNTS.length &&
    SHARES.every((name) => within(name, 1)) &&
    COUNTS.every((name) => within(name, Number.MAX_SAFE_INTEGER))
  )
}
