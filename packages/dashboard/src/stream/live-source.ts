import type { Point, ProcessRow } from '../protocol/common.ts'
import type { Badges, RankedItem, Section, Sparkline, Totals, Vitals } from '../protocol/now.ts'
import type { RequestSummary, RingState, RouteRow } from '../protocol/request.ts'
import type { Snapshot } from '../protocol/stream.ts'

/** What a stream tells of. Asked while somebody listens, and never otherwise. */
export interface LiveSource {
  /** All of it, but for what differs by listener. */
  snapshot(): Omit<Snapshot, 'rights'>
  mode(): Snapshot['mode']
  /** Every process that is known, this one among them. */
  processes(): readonly ProcessRow[]
  ranked(): readonly RankedItem[]
  points(): Readonly<Partial<Record<Sparkline['id'], Point>>>
  vitals(): Vitals
  totals(): Totals
  badges(): Badges
  ring(): RingState
  routes(): readonly RouteRow[]
  goneRoutes(): readonly string[]
  /** Requests that ended after the one of this number, the newest first, `limit` at most; and how many there were. */
  requestsSince(
    sequence: number,
    limit: number,
  ): { readonly requests: readonly RequestSummary[]; readonly count: number; readonly last: number }
  /** Calls when something new is at a page; returns the function that stops it. */
  watch(stale: (section: Section) => void): () => void
}
