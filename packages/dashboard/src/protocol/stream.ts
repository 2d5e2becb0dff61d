import type { Mode, Point, ProcessInfo, ProcessRow } from './common.ts'
import type { Badges, Engines, RankedItem, Section, Sparkline, Totals, Vitals } from './now.ts'
import type { RequestSummary, RingState, RouteRow } from './request.ts'

/** The version of what the dashboard tells. It grows when something is taken away or comes to mean something else; what is added leaves it as it is. */
export const schemaVersion = 1

/** What whoever looks may do here. */
export interface Rights {
  /** Whether there are actions for them. */
  readonly act: boolean
  /** Why not: for people. */
  readonly reason: string | null
  /** Whether values that queries were asked with are shown. */
  readonly parameters: boolean
}

/**
 * The first event of `GET api/stream`, named `snapshot`, and one in place of what a slow reader could not take. All that the stream tells of, as it is. The same
 * is at `GET api/now` without a stream, in part.
 */
export interface Snapshot {
  readonly schemaVersion: number
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number
  readonly process: ProcessInfo
  /** All that this dashboard knows, this one among them. */
  readonly processes: readonly ProcessRow[]
  readonly mode: Mode
  readonly engines: Engines
  readonly rights: Rights
  readonly ranked: readonly RankedItem[]
  readonly sparklines: readonly Sparkline[]
  readonly vitals: Vitals
  readonly totals: Totals
  readonly badges: Badges
  readonly ring: RingState
  /** Those that take most time of the database first; 300 at most. */
  readonly routes: readonly RouteRow[]
  /** The newest first; 100 at most. */
  readonly requests: readonly RequestSummary[]
}

/**
 * The events that follow, named `delta`, four a second at most, and none while nothing changes. What did not change is left out; what is there stands in place of
 * what was there before, but for these: `requests` are new ones, and `routes` the rows that changed, by `name`.
 */
export interface Delta {
  readonly at: number
  readonly mode?: Mode
  readonly processes?: readonly ProcessRow[]
  readonly ranked?: readonly RankedItem[]
  /** A new point for each line that has one, by `Sparkline.id`. */
  readonly points?: Readonly<Partial<Record<Sparkline['id'], Point>>>
  readonly vitals?: Vitals
  readonly totals?: Totals
  readonly badges?: Badges
  readonly ring?: RingState
  readonly routes?: readonly RouteRow[]
  /** Names of routes that are not followed any more. */
  readonly goneRoutes?: readonly string[]
  /** That ended since, the newest first; 50 at most. */
  readonly requests?: readonly RequestSummary[]
  /** How many more ended, that are in none of the deltas. */
  readonly skipped?: number
  /** Pages of which there may be something new at their `api/…`: who shows one asks again. */
  readonly stale?: readonly Section[]
}

/** What the page's document carries for who may read: shown before a stream is open, which goes on from it. */
export interface FirstView {
  /** Of the event that the stream goes on from: `Last-Event-ID`. */
  readonly id: string
  readonly snapshot: Snapshot
}

/** The `id` of the element in the document that holds it, as JSON. */
export const firstViewId = 'first-view'
