import type { Mode, Point, ProcessInfo, ProcessRow } from './common.ts'
import type { Badges, Engines, RankedItem, Section, Sparkline, Totals, Vitals } from './now.ts'
import type { RequestSummary, RingState, RouteRow } from './request.ts'

/**
 * Version of the protocol. It increases when a field is removed or its meaning changes, but not when a field
 * is added.
 */
export const schemaVersion = 3

/** The rights of the current user. */
export interface Rights {
  /** Whether actions are allowed. */
  readonly act: boolean
  /** The reason why not. */
  readonly reason: string | null
  /** Whether query parameters are shown. */
  readonly parameters: boolean
}

/**
 * The first event of `GET api/stream`, named `snapshot`, which contains the full state. A reader that is too
 * slow for the deltas receives a new snapshot. `GET api/now` returns parts of it without a stream.
 */
export interface Snapshot {
  readonly schemaVersion: number
  /** Server time in milliseconds since 1970. */
  readonly at: number
  readonly process: ProcessInfo
  /** All known processes, including this one. */
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
  /** Ordered by database time, at most 300. */
  readonly routes: readonly RouteRow[]
  /** Newest first, at most 100. */
  readonly requests: readonly RequestSummary[]
}

/**
 * The events after the snapshot, named `delta`, at most 4 per second and none while nothing changes.
 * Unchanged fields are omitted. A field replaces the previous value, except `requests`, which contains new
 * requests, and `routes`, which contains changed rows by `name`.
 */
export interface Delta {
  readonly at: number
  readonly mode?: Mode
  readonly processes?: readonly ProcessRow[]
  readonly ranked?: readonly RankedItem[]
  /** New points of charts, by `Sparkline.id`. */
  readonly points?: Readonly<Partial<Record<Sparkline['id'], Point>>>
  readonly vitals?: Vitals
  readonly totals?: Totals
  readonly badges?: Badges
  readonly ring?: RingState
  readonly routes?: readonly RouteRow[]
  /** Names of routes that are no longer stored. */
  readonly goneRoutes?: readonly string[]
  /** Requests that finished since the last delta, newest first, at most 50. */
  readonly requests?: readonly RequestSummary[]
  /** Number of finished requests that no delta contains. */
  readonly skipped?: number
  /** Pages whose `api/…` may have new data. An open page fetches it again. */
  readonly stale?: readonly Section[]
}

/** Initial data in the document for users with access, displayed until the stream continues from it. */
export interface FirstView {
  /** ID of the event from which the stream continues: `Last-Event-ID`. */
  readonly id: string
  readonly snapshot: Snapshot
}

/** The `id` of the element in the document that contains it as JSON. */
export const firstViewId = 'first-view'
