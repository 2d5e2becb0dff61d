import { AsyncLocalStorage } from 'node:async_hooks'
import type { Basis } from './basis.ts'
import type { ExecutionGroup, Listing } from './execution-group.ts'
import type { ReadNote } from './explanation.ts'
import type { ReadRequirements } from './lookup.ts'
import type { OverheadTimer } from './overhead.ts'
import { type ScopeTrace, tracesOf } from './scope-trace.ts'

export type Mode = 'observe' | 'shadow' | 'optimize'

export interface ScopeCounts {
  /** ORM operations. */
  operations: number
  /** Queries sent to the database: SQL statements if Sluice sees them, otherwise operations. */
  queries: number
  /** Lookups that another lookup's query returned (batched). */
  batched: number
  /** Lookups served from prefetched rows. */
  prefetched: number
  /** Operations served from the cache, or by an identical read in flight. */
  cacheHits: number
  /** Milliseconds in which at least one statement was in flight. */
  databaseMs: number
}

let lastId = 0

const NO_LISTINGS: readonly Listing[] = []

/** One request, job or other unit of work. Its state is shared within it, and never with other scopes. */
export class Scope {
  readonly id: number
  readonly counts: ScopeCounts = {
    operations: 0,
    queries: 0,
    batched: 0,
    prefetched: 0,
    cacheHits: 0,
    databaseMs: 0,
  }
  readonly groups: Map<string, ExecutionGroup> = new Map()
  /** State of interceptors for this scope, each under a separate symbol. Created when it is first set. */
  #state: Map<symbol, unknown> | undefined
  /** The most recent listings, oldest first. */
  listings: readonly Listing[] = NO_LISTINGS
  /** Number of statements in flight, and the time since which there are any. */
  statements = 0
  busySince = 0
  /** Number of writes that were sent: an identical read after a write is not a duplicate query. */
  writes = 0
  /** Reads in flight that other reads can be batched with. */
  reads = 0
  /** Fingerprint of the read that was issued last, if it can be sent from another place. */
  latestIssued: string | undefined = undefined
  /** Whether rows of its reads are stored that a loop may iterate over. */
  hasRows = false
  /** Reads that were passed to their ORM, and whose statement has not been seen yet. */
  unsent = 0
  /**
   * Whether the first execution of a group is traced, too. For tests: it makes each new normalized query more
   * expensive.
   */
  tracesFirst = false
  ended = false
  /** Time at which it ended, on the clock of `startedAt`. */
  endedAt = 0
  /** Status code of the HTTP response, if there is one. */
  statusCode: number | undefined
  /** Whether the work in it failed. */
  failed = false
  /** Explanations of its reads, if they were requested. */
  notes: ReadNote[] | undefined
  /** Tracks the dependencies of a value that is computed from its reads, if there is one. */
  basis: Basis | undefined
  /** Id of the HTTP request, if there is one. It correlates the logs of several services. */
  requestId: string | undefined
  /** Receives the events of this scope; `undefined`: there is no receiver. */
  trace: ScopeTrace | undefined
  /** Whether it belongs to a request that Sluice itself serves: it is neither counted nor reported. */
  isOwn = false
  /** Times Sluice's code in it; `undefined` if this scope is not timed. */
  timer: OverheadTimer | undefined
  #name: string | (() => string)

  /** @param name - A function is called when the name is first read, unless it was set before. */
  constructor(
    name: string | (() => string),
    readonly mode: Mode,
    readonly startedAt: number,
  ) {
    this.#name = name
    lastId += 1
    this.id = lastId
  }

  /** Display name: `GET /cities/:id`. Can be set until the scope ends. */
  get name(): string {
    if (typeof this.#name !== 'string') this.#name = this.#name()
    return this.#name
  }

  /** Its name, if it is known already. */
  get knownName(): string | undefined {
    return typeof this.#name === 'string' ? this.#name : undefined
  }

  set name(name: string) {
    this.#name = name
  }

  /**
   * Whether its next read can neither be batched with reads that were issued before it, nor be part of a
   * loop.
   */
  get isIdle(): boolean {
    return this.reads === 0 && this.unsent === 0 && this.statements === 0 && !this.hasRows
  }

  /** Returns the state of an interceptor; `undefined` before it is set. */
  stateOf(key: symbol): unknown {
    return this.#state?.get(key)
  }

  /** Sets the state of an interceptor. */
  setState(key: symbol, state: unknown): void {
    this.#state ??= new Map()
    this.#state.set(key, state)
  }

  /** Removes the state of an interceptor. */
  deleteState(key: symbol): void {
    this.#state?.delete(key)
  }

  /**
   * A statement is sent.
   *
   * @param at - Milliseconds on the clock of `startedAt`, as in all methods.
   */
  sent(at: number): void {
    if (this.statements === 0) this.busySince = at
    this.statements += 1
  }

  /** A statement has returned. */
  answered(at: number): void {
    this.statements -= 1
    if (this.statements === 0) this.counts.databaseMs += at - this.busySince
  }

  /** Stops counting. Statements that are in flight count up to now. */
  close(at: number): void {
    this.ended = true
    this.endedAt = at
    if (this.statements > 0) this.counts.databaseMs += at - this.busySince
    this.busySince = at
  }

  /** Adds another receiver of this scope's events. */
  addTrace(trace: ScopeTrace): void {
    this.trace = tracesOf(this.trace, trace)
  }
}

/**
 * Called with a scope, and with the scope in which it was opened. Scopes do not reference their parents,
 * because a chain of them could grow without limit.
 */
export type ScopeWatcher = (scope: Scope, parent: Scope | undefined) => void

/**
 * The scope and the flags that apply to the code that runs now, and to everything that it awaits. Immutable.
 */
export class Ambient {
  constructor(
    readonly scope: Scope | undefined,
    /** Whether its reads are passed through. */
    readonly isBypassing: boolean,
    readonly demand: ReadRequirements | undefined,
    /**
     * Whether shadow mode runs it, in addition to the caller's queries: it counts to no scope, and detection
     * ignores it.
     */
    readonly isShadowing: boolean,
    /** The operation that runs, if it is recorded for a trace. */
    readonly traced?: object | undefined,
  ) {}

  /**
   * The scope for which statements that are sent now are counted; `undefined` also for statements of shadow
   * mode.
   */
  get counted(): Scope | undefined {
    return this.isShadowing ? undefined : this.scope
  }
}

const NOWHERE = new Ambient(undefined, false, undefined, false)

/** The scopes and flags of one Sluice, propagated through asynchronous calls. */
export class ScopeStorage {
  readonly #storage = new AsyncLocalStorage<Ambient>()
  readonly #watchers = new Set<ScopeWatcher>()
  readonly #endWatchers = new Set<(scope: Scope) => void>()
  /** Number of open scopes. */
  #open = 0
  #isClosed = false

  /** Returns the ambient of work outside of all scopes, as of a script. Called often. */
  fallback: (() => Ambient | undefined) | undefined = undefined

  /** Number of open scopes that are timed. */
  timed = 0

  /** The timer of the current scope, if it is timed. */
  get timer(): OverheadTimer | undefined {
    return this.timed === 0 ? undefined : this.ambient.counted?.timer
  }

  get ambient(): Ambient {
    return this.#storage.getStore() ?? this.fallback?.() ?? NOWHERE
  }

  current(): Scope | undefined {
    return this.ambient.scope
  }

  /** The current scope, if it was entered: not the one of a script, which has work of every kind. */
  get entered(): Scope | undefined {
    return this.#storage.getStore()?.scope
  }

  /** Reports every scope that ends from now on; returns a function that stops it. */
  watchEnds(watcher: (scope: Scope) => void): () => void {
    this.#endWatchers.add(watcher)
    return () => {
      this.#endWatchers.delete(watcher)
    }
  }

  /** A scope has ended. */
  closed(scope: Scope): void {
    this.#open -= 1
    this.#releaseIfUnused()
    for (const watcher of this.#endWatchers) watcher(scope)
  }

  /** Called when the Sluice is closed. Open scopes remain usable until they end. */
  close(): void {
    this.#isClosed = true
    this.#releaseIfUnused()
  }

  /** Runs a function in a scope; everything that it awaits belongs to the scope, too. */
  enter<T>(scope: Scope | undefined, fn: () => T): T {
    const { scope: current, isBypassing, demand, isShadowing, traced } = this.ambient
    // Frameworks enter a request's scope again, in case a hook of the app has left it.
    if (scope === current) return fn()
    return this.#storage.run(new Ambient(scope, isBypassing, demand, isShadowing, traced), fn)
  }

  /** Runs a function in no scope. */
  leave<T>(fn: () => T): T {
    return this.enter(undefined, fn)
  }

  /** Runs a function whose reads pass through, including those that it awaits. */
  async bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    const { scope, demand, isShadowing } = this.ambient
    // An ORM's promises can be lazy: they must be awaited inside.
    return await this.#storage.run(new Ambient(scope, true, demand, isShadowing), async () => await fn())
  }

  /**
   * Runs a function whose reads are routed according to `demand`. Inside a demand for the primary, any other
   * demand has no effect.
   */
  demand<T>(demand: ReadRequirements, fn: () => T): T {
    const { scope, isBypassing, demand: outer, isShadowing } = this.ambient
    return outer === 'primary'
      ? fn()
      : this.#storage.run(new Ambient(scope, isBypassing, demand, isShadowing), fn)
  }

  /** Runs the queries that shadow mode sends in addition to the caller's. */
  shadow<T>(fn: () => T): T {
    const { scope, isBypassing, demand } = this.ambient
    return this.#storage.run(new Ambient(scope, isBypassing, demand, true), fn)
  }

  /** Runs an operation that is recorded for a trace, so that its statements are attributed to it. */
  trace<T>(traced: object, fn: () => T): T {
    const { scope, isBypassing, demand, isShadowing } = this.ambient
    return this.#storage.run(new Ambient(scope, isBypassing, demand, isShadowing, traced), fn)
  }

  /** Reports every scope that is opened from now on; returns a function that stops it. */
  watch(watcher: ScopeWatcher): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  /** A scope was opened, in the current one if there is one. */
  opened(scope: Scope): void {
    this.#open += 1
    for (const watcher of this.#watchers) watcher(scope, this.current())
  }
  /** Every promise of the process is slower by each storage in use, on Node 20 and 22. */
  #releaseIfUnused(): void {
    if (this.#isClosed && this.#open === 0) this.#storage.disable()
  }
}
