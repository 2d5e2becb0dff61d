import { AsyncLocalStorage } from 'node:async_hooks'
import type { Basis } from './basis.ts'
import type { ExecutionGroup, Listing } from './execution-group.ts'
import type { ReadNote } from './explanation.ts'
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
  databaseMs: number
}

let lastId = 0

/** One request, job or other unit of work: what may be shared within it, and never across. */
export class Scope {
  readonly id: number
  readonly counts: ScopeCounts = { operations: 0, queries: 0, merged: 0, prefetched: 0, answered: 0, databaseMs: 0 }
  readonly groups: Map<string, ExecutionGroup> = new Map()
  /** State that interceptors keep for this scope, each under a symbol of its own. */
  readonly state: Map<symbol, unknown> = new Map()
  /** The newest listings, the newest last. */
  readonly listings: Listing[] = []
  /** Writes that were sent: what is asked again after one is no needless repeat. */
  writes = 0
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

  constructor(
    /** What people call it: `GET /cities/:id`. May be set until the scope ends. */
    public name: string,
    readonly mode: Mode,
    readonly startedAt: number,
  ) {
    lastId += 1
    this.id = lastId
  }

  /** Tells somebody else of what happens in it, too. */
  addTrace(trace: ScopeTrace): void {
    this.trace = tracesOf(this.trace, trace)
  }
}

/** Told of a scope, and of the one that it was opened in. Scopes do not keep their parents: a chain of them would never end. */
export type ScopeWatcher = (scope: Scope, parent: Scope | undefined) => void

/** Scopes of one Sluice, carried along asynchronous calls. */
export class ScopeStorage {
  readonly #storage = new AsyncLocalStorage<Scope>()
  readonly #watchers = new Set<ScopeWatcher>()
  readonly #endWatchers = new Set<(scope: Scope) => void>()
  readonly #bypassing = new AsyncLocalStorage<boolean>()
  #bypasses = 0

  current(): Scope | undefined {
    return this.#storage.getStore()
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
  enter<T>(scope: Scope, fn: () => T): T {
    return this.#storage.run(scope, fn)
  }

  /** Runs a function in no scope. */
  leave<T>(fn: () => T): T {
    return this.#storage.run(undefined as unknown as Scope, fn)
  }

  /** Runs a function whose reads are left as they are, and what it awaits. */
  async bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    this.#bypasses += 1
    try {
      // An ORM's promises may be lazy: they must be awaited inside.
      return await this.#bypassing.run(true, async () => await fn())
    } finally {
      this.#bypasses -= 1
    }
  }

  get isBypassing(): boolean {
    return this.#bypasses > 0 && this.#bypassing.getStore() === true
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
