import { AsyncLocalStorage } from 'node:async_hooks'
import type { Basis } from './basis.ts'
import type { ExecutionGroup, Listing } from './execution-group.ts'
import type { ReadNote } from './explanation.ts'
import type { ReadDemand } from './lookup.ts'
import type { OverheadTimer } from './overhead.ts'
import { type ScopeTrace, tracesOf } from './scope-trace.ts'

export type Mode = 'observe' | 'shadow' | 'optimize'

export interface ScopeCounts {
  /** Operations of the ORM. */
  operations: number
  /** What reached the database: statements where they are seen, otherwise operations. */
  queries: number
  /** Lookups that were answered by another's query. */
  merged: number
  /** Lookups that were answered by what was asked ahead. */
  prefetched: number
  /** Operations answered from the cache. */
  answered: number
  /** Milliseconds in which at least one statement was in flight. */
  databaseMs: number
}

let lastId = 0

const NO_LISTINGS: readonly Listing[] = []

/** One request, job or other unit of work: what may be shared within it, and never across. */
export class Scope {
  readonly id: number
  readonly counts: ScopeCounts = { operations: 0, queries: 0, merged: 0, prefetched: 0, answered: 0, databaseMs: 0 }
  readonly groups: Map<string, ExecutionGroup> = new Map()
  /** State that interceptors keep for this scope, each under a symbol of its own. */
  readonly state: Map<symbol, unknown> = new Map()
  /** The newest listings, the newest last. */
  listings: readonly Listing[] = NO_LISTINGS
  /** Statements in flight, and since when there are any. */
  statements = 0
  busySince = 0
  /** Writes that were sent: what is asked again after one is no needless repeat. */
  writes = 0
  /** Reads under way that other reads may be merged with. */
  reads = 0
  /** Reads that were left to their ORM, and of which no statement was seen yet. */
  unsent = 0
  /** Whether the first execution of a group is asked for its stack, too. For tests: it makes each new shape dearer. */
  tracesFirst = false
  ended = false
  /** Of the HTTP answer, where there is one. */
  statusCode: number | undefined
  /** Whether what ran in it failed. */
  failed = false
  /** Where it is to be told what becomes of each read. */
  notes: ReadNote[] | undefined
  /** Where a value is made from what is read in it: follows that. */
  basis: Basis | undefined
  /** Of the HTTP request, where there is one: what logs of several services have in common. */
  requestId: string | undefined
  /** Who is told of what happens in it; `undefined`: nobody wants to know. */
  trace: ScopeTrace | undefined
  /** Whether it is of what Sluice itself serves: it is neither counted nor reported. */
  isOwn = false
  /** Times Sluice's own code in it; `undefined`: it is not one of those that are timed. */
  timer: OverheadTimer | undefined

  constructor(
    /** What people call it: `GET /cities/:id`. May be set until the scope ends. */
    public name: string,
    readonly mode: Mode,
    readonly startedAt: number,
  ) {
    lastId += 1
    this.id = lastId
  }

  /** A statement is sent. @param at - Milliseconds, as everywhere by the clock of `startedAt`. */
  sent(at: number): void {
    if (this.statements === 0) this.busySince = at
    this.statements += 1
  }

  /** A statement was answered. */
  answered(at: number): void {
    this.statements -= 1
    if (this.statements === 0) this.counts.databaseMs += at - this.busySince
  }

  /** Nothing counts any more. Statements that are in flight count up to now. */
  close(at: number): void {
    this.ended = true
    if (this.statements > 0) this.counts.databaseMs += at - this.busySince
    this.busySince = at
  }

  /** Tells somebody else of what happens in it, too. */
  addTrace(trace: ScopeTrace): void {
    this.trace = tracesOf(this.trace, trace)
  }
}

/** Told of a scope, and of the one that it was opened in. Scopes do not keep their parents: a chain of them would never end. */
export type ScopeWatcher = (scope: Scope, parent: Scope | undefined) => void

/** The scope and the flags that apply to the code that runs now, and to all that it awaits. Immutable. */
export class Ambient {
  constructor(
    readonly scope: Scope | undefined,
    /** Whether its reads are passed through. */
    readonly isBypassing: boolean,
    readonly demand: ReadDemand | undefined,
    /** Whether shadow mode runs it, in addition to the caller's queries: it counts to no scope, and detection ignores it. */
    readonly isShadowing: boolean,
  ) {}

  /** The scope that statements sent now count to; `undefined` also for those that shadow mode sends. */
  get counted(): Scope | undefined {
    return this.isShadowing ? undefined : this.scope
  }
}

const NOWHERE = new Ambient(undefined, false, undefined, false)

/** The scopes and flags of one Sluice, carried along asynchronous calls. */
export class ScopeStorage {
  readonly #storage = new AsyncLocalStorage<Ambient>()
  readonly #watchers = new Set<ScopeWatcher>()
  readonly #endWatchers = new Set<(scope: Scope) => void>()

  /** Open scopes that are timed. */
  timed = 0

  /** The timer of the current scope, where it is timed. */
  get timer(): OverheadTimer | undefined {
    return this.timed === 0 ? undefined : this.ambient.counted?.timer
  }

  get ambient(): Ambient {
    return this.#storage.getStore() ?? NOWHERE
  }

  current(): Scope | undefined {
    return this.ambient.scope
  }

  /** Tells of every scope that ends from now on; returns the function that stops it. */
  watchEnds(watcher: (scope: Scope) => void): () => void {
    this.#endWatchers.add(watcher)
    return () => {
      this.#endWatchers.delete(watcher)
    }
  }

  /** A scope has ended. */
  closed(scope: Scope): void {
    for (const watcher of this.#endWatchers) watcher(scope)
  }

  /** Runs a function in a scope; what it awaits belongs to the scope too. */
  enter<T>(scope: Scope | undefined, fn: () => T): T {
    const { scope: current, isBypassing, demand, isShadowing } = this.ambient
    // Frameworks enter a request's scope again, in case a hook of the app has left it.
    if (scope === current) return fn()
    return this.#storage.run(new Ambient(scope, isBypassing, demand, isShadowing), fn)
  }

  /** Runs a function in no scope. */
  leave<T>(fn: () => T): T {
    return this.enter(undefined, fn)
  }

  /** Runs a function whose reads are passed through, also those that it awaits. */
  async bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    const { scope, demand, isShadowing } = this.ambient
    // An ORM's promises may be lazy: they must be awaited inside.
    return await this.#storage.run(new Ambient(scope, true, demand, isShadowing), async () => await fn())
  }

  /** Runs a function whose reads go where `demand` says. Inside a demand for the primary, any other demand has no effect. */
  demand<T>(demand: ReadDemand, fn: () => T): T {
    const { scope, isBypassing, demand: outer, isShadowing } = this.ambient
    return outer === 'primary' ? fn() : this.#storage.run(new Ambient(scope, isBypassing, demand, isShadowing), fn)
  }

  /** Runs the queries that shadow mode sends in addition to the caller's. */
  shadow<T>(fn: () => T): T {
    const { scope, isBypassing, demand } = this.ambient
    return this.#storage.run(new Ambient(scope, isBypassing, demand, true), fn)
  }

  /** Tells of every scope that is opened from now on; returns the function that stops it. */
  watch(watcher: ScopeWatcher): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  /** A scope was opened, in the current one if there is one. */
  opened(scope: Scope): void {
    for (const watcher of this.#watchers) watcher(scope, this.current())
  }
}
