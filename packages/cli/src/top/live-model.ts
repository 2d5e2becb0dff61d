import type {
  AppProcess,
  LiveDelta,
  LiveItem,
  LiveRoute,
  LiveSnapshot,
  LiveTotals,
  LiveVitals,
} from '../dashboard/protocol.ts'

/** The state to display. */
export interface LiveView {
  readonly at: number
  readonly app: AppProcess
  readonly processes: number
  readonly mode: string
  readonly vitals: LiveVitals
  readonly totals: LiveTotals
  readonly ranked: readonly LiveItem[]
  readonly routes: readonly RouteFigures[]
  /** Requests per second, oldest first. */
  readonly requestLine: readonly number[]
}

export interface RouteFigures extends LiveRoute {
  /** Share of failed requests in the last minute, since the command started; `undefined` without requests. */
  readonly errorShare: number | undefined
  /** Milliseconds of database time per second. */
  readonly load: number
  /** Share of the load of all routes, 0 to 1. */
  readonly loadShare: number
}

interface Mark {
  readonly at: number
  readonly requests: number
  readonly errors: number
}

const WINDOW_MS = 60_000
const LINE = 120

/** Applies the changes from a dashboard to its snapshot. */
export class LiveModel {
  #snapshot: LiveSnapshot
  #routes = new Map<string, LiveRoute>()
  /** Past counters of each route, oldest first. */
  #marks = new Map<string, Mark[]>()
  #line: number[]

  constructor(snapshot: LiveSnapshot) {
    this.#snapshot = snapshot
    this.#line = [...snapshot.requestLine]
    this.#take(snapshot)
  }

  /** Applies a new snapshot. Resets the past counters if it is from a different process. */
  replace(snapshot: LiveSnapshot): void {
    if (snapshot.app.id !== this.#snapshot.app.id) this.#marks.clear()
    this.#routes.clear()
    this.#line = [...snapshot.requestLine]
    this.#take(snapshot)
  }

  apply(delta: LiveDelta): void {
    const { at, mode, processes, vitals, totals, ranked, requestPoint } = delta
    this.#snapshot = {
      ...this.#snapshot,
      at,
      ...(mode === undefined ? {} : { mode }),
      ...(processes === undefined ? {} : { processes }),
      ...(vitals === undefined ? {} : { vitals }),
      ...(totals === undefined ? {} : { totals }),
      ...(ranked === undefined ? {} : { ranked }),
    }
    for (const name of delta.goneRoutes) {
      this.#routes.delete(name)
      this.#marks.delete(name)
    }
    for (const route of delta.routes) this.#set(route, at)
    if (requestPoint !== undefined) this.#line = [...this.#line, requestPoint].slice(-LINE)
  }

  view(): LiveView {
    const { at, app, processes, mode, vitals, totals, ranked } = this.#snapshot
    const routes = [...this.#routes.values()]
    const loads = routes.map(({ databaseMs, perSecond }) => databaseMs * perSecond)
    const all = loads.reduce((sum, load) => sum + load, 0)
    return {
      at,
      app,
      processes,
      mode,
      vitals,
      totals,
      ranked,
      requestLine: this.#line,
      routes: routes.map((route, index) => {
        const load = loads[index] ?? 0
        return {
          ...route,
          load,
          loadShare: all === 0 ? 0 : load / all,
          errorShare: this.#errorShare(route.name, at),
        }
      }),
    }
  }

  #take(snapshot: LiveSnapshot): void {
    this.#snapshot = snapshot
    for (const route of snapshot.routes) this.#set(route, snapshot.at)
  }

  #set(route: LiveRoute, at: number): void {
    const { name, requests, errors } = route
    this.#routes.set(name, route)
    const marks = this.#marks.get(name) ?? []
    marks.push({ at, requests, errors })
    // The window starts at the latest mark that is older than it.
    while ((marks[1]?.at ?? at) < at - WINDOW_MS) marks.shift()
    this.#marks.set(name, marks)
  }

  #errorShare(name: string, now: number): number | undefined {
    const marks = this.#marks.get(name) ?? []
    const last = marks.at(-1)
    const first = marks.findLast(({ at }) => at <= now - WINDOW_MS) ?? marks[0]
    if (first === undefined || last === undefined || last.requests <= first.requests) return undefined
    return (last.errors - first.errors) / (last.requests - first.requests)
  }
}
