import type {
  Delta,
  FirstView,
  RequestSummary,
  RouteRow,
  Snapshot,
  Sparkline,
} from '../../../src/protocol/index.ts'
import type { LinkStatus } from './link.ts'

/** The data received from the stream. Lists have the same limits as on the server. */
export interface LiveState extends Snapshot {
  /** Finished requests since the snapshot that no delta contained. */
  readonly skipped: number
}

export const MAX_ROUTES = 300
export const MAX_REQUESTS = 100
/** Points of a line on the page Now: 2 minutes, at most 1 point per second. */
export const MAX_POINTS = 120
const MAX_RANKED = 5
const LINE_MS = 120_000

/** @param snapshot - The snapshot as received. Longer lists are truncated. */
export function stateOf(snapshot: Snapshot): LiveState {
  return {
    ...snapshot,
    ranked: snapshot.ranked.slice(0, MAX_RANKED),
    routes: snapshot.routes.slice(0, MAX_ROUTES),
    requests: snapshot.requests.slice(0, MAX_REQUESTS),
    sparklines: snapshot.sparklines.map((line) => ({ ...line, points: line.points.slice(-MAX_POINTS) })),
    skipped: 0,
  }
}

/** Returns the state after a delta. Unchanged parts are the same objects as before. */
export function applyDelta(state: LiveState, delta: Delta): LiveState {
  const { at, points, routes, goneRoutes, requests, skipped } = delta
  return {
    ...state,
    at,
    mode: delta.mode ?? state.mode,
    processes: delta.processes ?? state.processes,
    // A change of the list also changes the index of this process.
    process: delta.processes?.find(({ id }) => id === state.process.id) ?? state.process,
    ranked: delta.ranked?.slice(0, MAX_RANKED) ?? state.ranked,
    vitals: delta.vitals ?? state.vitals,
    totals: delta.totals ?? state.totals,
    badges: delta.badges ?? state.badges,
    ring: delta.ring ?? state.ring,
    sparklines: points === undefined ? state.sparklines : withPoints(state.sparklines, points),
    routes:
      routes === undefined && goneRoutes === undefined
        ? state.routes
        : withRoutes(state.routes, routes ?? [], goneRoutes ?? []),
    requests: requests === undefined ? state.requests : withRequests(state.requests, requests),
    skipped: state.skipped + (skipped ?? 0),
  }
}

function withPoints(lines: readonly Sparkline[], points: NonNullable<Delta['points']>): readonly Sparkline[] {
  return lines.map((line) => {
    const point = points[line.id]
    if (point === undefined) return line
    // A point with the time of the last one replaces it.
    const before = line.points.at(-1)?.[0] === point[0] ? line.points.slice(0, -1) : line.points
    const from = point[0] - LINE_MS
    return {
      ...line,
      latest: point[1],
      points: [...before.filter(([at]) => at > from), point].slice(-MAX_POINTS),
    }
  })
}

function withRoutes(
  known: readonly RouteRow[],
  changed: readonly RouteRow[],
  removed: readonly string[],
): readonly RouteRow[] {
  const byName = new Map(known.map((row) => [row.name, row]))
  for (const row of changed) byName.set(row.name, row)
  for (const name of removed) byName.delete(name)
  const rows = [...byName.values()]
  return rows.length <= MAX_ROUTES
    ? rows
    : rows.sort((left, right) => right.lastAt - left.lastAt).slice(0, MAX_ROUTES)
}

function withRequests(
  known: readonly RequestSummary[],
  ended: readonly RequestSummary[],
): readonly RequestSummary[] {
  const ids = new Set(ended.map(({ id }) => id))
  return [...ended, ...known.filter(({ id }) => !ids.has(id))].slice(0, MAX_REQUESTS)
}

/** From a tab to the worker that owns the stream. */
export type TabMessage = 'visible' | 'hidden' | 'retry' | 'gone' | FirstView

/** From the worker to a tab. */
export type WorkerMessage =
  | { readonly kind: 'status'; readonly status: LinkStatus }
  | { readonly kind: 'state'; readonly state: LiveState }
  | { readonly kind: 'delta'; readonly delta: Delta }

export interface Tab {
  post(message: WorkerMessage): void
}

interface HubLink {
  /** Resumes after this event when it opens the next time. */
  goOnFrom(id: string): void
  start(): void
  stop(): void
}

/**
 * Shares one stream between tabs. The stream is open while at least one tab is visible. A tab that becomes
 * visible gets the current state, then deltas.
 */
export class Hub {
  readonly #visible = new Set<Tab>()
  #state: LiveState | undefined
  /** The tab that passed its first view to the worker, and therefore has the state. */
  #bringer: Tab | undefined
  #status: LinkStatus = { kind: 'connecting' }
  #link: HubLink | undefined

  /** Attaches the link, which calls the hub's `status`, `snapshot` and `delta`. */
  attach(link: HubLink): void {
    this.#link = link
  }

  readonly status = (status: LinkStatus): void => {
    this.#status = status
    this.#post({ kind: 'status', status })
  }

  readonly snapshot = (snapshot: Snapshot): void => {
    this.#state = stateOf(snapshot)
    this.#post({ kind: 'state', state: this.#state })
  }

  readonly delta = (delta: Delta): void => {
    // A delta without a state: a snapshot follows, or the delta cannot be used.
    if (this.#state === undefined) return
    this.#state = applyDelta(this.#state, delta)
    this.#post({ kind: 'delta', delta })
  }

  receive(tab: Tab, message: TabMessage): void {
    if (message === 'visible') {
      this.#visible.add(tab)
      if (this.#state !== undefined && this.#bringer !== tab) tab.post({ kind: 'state', state: this.#state })
      this.#bringer = undefined
      tab.post({ kind: 'status', status: this.#status })
      this.#link?.start()
    } else if (message === 'retry') this.#link?.start()
    else if (typeof message === 'object') this.#take(tab, message)
    else {
      const wasVisible = this.#visible.delete(tab)
      if (wasVisible && this.#visible.size === 0) this.#link?.stop()
    }
  }

  /** Ignored while other tabs are visible: they already receive deltas. */
  #take(tab: Tab, { id, snapshot }: FirstView): void {
    if (this.#visible.size > 0) return
    this.#state = stateOf(snapshot)
    this.#bringer = tab
    this.#link?.goOnFrom(id)
  }

  #post(message: WorkerMessage): void {
    for (const tab of this.#visible) tab.post(message)
  }
}
