import type { AppProcess, LiveDelta, LiveItem, LiveRoute, LiveSnapshot, LiveTotals, LiveVitals } from '../dashboard/protocol.ts'

/** What is shown at a moment. */
export interface LiveView {
  readonly at: number
  readonly app: AppProcess
  readonly processes: number
  readonly mode: string
  readonly vitals: LiveVitals
  readonly totals: LiveTotals
  readonly ranked: readonly LiveItem[]
  readonly routes: readonly RouteFigures[]
  /** Requests a second, the oldest first. */
  readonly requestLine: readonly number[]
}

export interface RouteFigures extends LiveRoute {
  /** Of its requests since this began to look, within the last minute: the share that failed; `undefined` where there were none. */
  readonly errorShare: number | undefined
  /** Milliseconds of database time a second. */
  readonly load: number
  /** Of the load of all routes, 0 to 1. */
  readonly loadShare: number
}

interface Mark {
  readonly at: number
  readonly requests: number
  readonly errors: number
}

const WINDOW_MS = 60_000
const LINE = 120

/** Puts a dashboard's snapshot and what changed since together. */
export class LiveModel {
  #snapshot: LiveSnapshot
  #routes = new Map<string, LiveRoute>()
  /** What a route had counted when, the oldest first. */
  #marks = new Map<string, Mark[]>()
  #line: number[]

  constructor(snapshot: LiveSnapshot) {
    this.#snapshot = snapshot
    this.#line = [...snapshot.requestLine]
    this.#take(snapshot)
  }

  /** Another snapshot: of the same process what was counted goes on, of another it begins anew. */
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
      ...{ at, app, processes, mode, vitals, totals, ranked, requestLine: this.#line },
      routes: routes.map((route, index) => {
        const load = loads[index] ?? 0
        return { ...route, load, loadShare: all === 0 ? 0 : load / all, errorShare: this.#errorShare(route.name, at) }
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
    // The newest that is older than the window is where it begins.
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
