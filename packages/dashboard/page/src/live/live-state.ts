import type { Delta, RequestSummary, RouteRow, Snapshot, Sparkline } from '../../../src/protocol/index.ts'

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
