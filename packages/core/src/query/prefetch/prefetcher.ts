import type { Executor } from '../../pipeline/executor.ts'
import type { AnswerListener, Handler, Interceptor } from '../../pipeline/interceptor.ts'
import { type LookupKey, TooManyRowsError } from '../../pipeline/lookup.ts'
import { isRefusal, type Operation, type RowSource } from '../../pipeline/operation.ts'
import type { OperationContext } from '../../pipeline/operation-context.ts'
import { QueryStats } from '../../pipeline/query-stats.ts'
import type { Scope } from '../../pipeline/scope.ts'
import { isInstance } from '../../shared/thrown.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { KeyedLookup } from './find-source.ts'
import { KeyDomains } from './key-domains.ts'
import type { Links } from './link.ts'
import { LoopForecast } from './loop-forecast.ts'
import { NOWHERE, PrefetchScope } from './prefetch-scope.ts'
import { type KeepRow, keepColumns, keepValues } from './row-set.ts'
import type { Answer, Fetch, Trail } from './trail.ts'
import { Trails, type TrailsParts } from './trails.ts'

export interface PrefetcherParts extends TrailsParts {
  readonly executor: Executor
  /** Called once, before anything is stored. */
  readonly onFirstUse: () => void
}

/** A lookup in progress, with the state of its scope. */
interface PrefetchRequest<T> {
  readonly operation: Operation<T>
  readonly context: OperationContext
  readonly lookup: KeyedLookup<T>
  readonly group: string
  readonly trail: Trail
  readonly memory: PrefetchScope
  readonly scope: Scope
  /** Queries the one key. */
  readonly runOne: () => Promise<T>
}

/**
 * Detects loops that query one key per iteration, and prefetches the next keys. Each caller gets the result
 * that its own query would return, unless another process writes in the meantime. In that case, it gets the
 * result that its query would have returned at most `maxAgeMs` earlier.
 */
export class Prefetcher {
  readonly trails: Trails
  #isUsed = false

  constructor(private readonly parts: PrefetcherParts) {
    this.trails = new Trails(parts)
  }

  /** Follows loops for which nothing is prefetched. */
  forecast(): LoopForecast {
    return new LoopForecast(this.trails, this.parts)
  }

  get links(): Links {
    return this.trails.links
  }

  /** One with the same options that has learned nothing, and does not count. */
  fork(): Prefetcher {
    return new Prefetcher({ ...this.parts, stats: new QueryStats(this.parts.clock) })
  }

  readonly interceptor: Interceptor = (operation, context, next) => {
    const { scope } = context
    if (scope === undefined) return next(operation, context)
    if (operation.kind !== 'read' || operation.isRaw === true)
      return this.#around(operation, context, scope, next)
    // On PostgreSQL, a failed query ends the transaction, and the reads of a transaction have a separate
    // snapshot.
    const memory =
      scope.hasRows && !operation.inTransaction && !context.isFresh ? PrefetchScope.of(scope) : undefined
    return memory === undefined
      ? next(operation, context)
      : this.#lookUp(operation, context, memory, scope, next)
  }

  /** Stores the rows of a read's result, because the app may iterate over them. */
  readonly observe: AnswerListener = (operation, result, context) => {
    const { scope } = context
    if (scope === undefined || scope.ended || operation.inTransaction || operation.rowSource === undefined)
      return
    const isListing = Array.isArray(result) && result.length > 1
    if (!isListing && (!scope.hasRows || typeof result !== 'object' || result === null)) return
    const source = operation.rowSource()
    if (source === undefined) return
    const memory = PrefetchScope.of(scope) ?? this.#begin(scope, operation.source.dialect)
    const lookup = operation.lookup?.()
    if (lookup !== undefined && !isRefusal(lookup))
      context.rows = memory.append(context.groupOf(lookup), source, result, 1, context.gain)
    else if (isListing) memory.remember(source, result, context.gain)
  }

  /**
   * Like `observe`, for a result from the cache: its loop continues, and its prefetched result counts as
   * used.
   */
  readonly observeCached: AnswerListener = (operation, result, context) => {
    const { scope } = context
    const memory = scope?.hasRows === true ? PrefetchScope.of(scope) : undefined
    if (memory !== undefined) {
      const lookup = operation.lookup?.()
      if (lookup !== undefined && !isRefusal(lookup))
        this.#passBy(memory, context.groupOf(lookup), lookup.key.text)
    }
    // A single row is not iterated over.
    if (memory !== undefined || Array.isArray(result)) this.observe(operation, result, context)
  }

  #passBy(memory: PrefetchScope, group: string, text: string): void {
    const trail = memory.trailOf(group, text)
    const ordinal = trail?.ordinalOf(text)
    if (trail === undefined || ordinal === undefined) return
    trail.visit(text, ordinal)
    const answer = trail.answers.get(text)
    if (answer === undefined || answer.isUsed) return
    trail.used(answer)
    this.parts.stats.prefetchedKeysUsed += 1
  }

  /** Discards the rows and prefetched results of a scope, because something may have been written. */
  discard(scope: Scope | undefined): void {
    const memory = scope === undefined ? undefined : PrefetchScope.of(scope)
    if (memory?.discard() === true) this.parts.stats.prefetchDiscards += 1
  }

  /** Learns from a scope that has ended. */
  end(scope: Scope): void {
    PrefetchScope.of(scope)?.end()
  }

  #begin(scope: Scope, dialect: Dialect): PrefetchScope {
    if (!this.#isUsed) this.parts.onFirstUse()
    this.#isUsed = true
    const onBlock = () => {
      this.parts.stats.blockedLinks += 1
    }
    return new PrefetchScope(scope, onBlock, (source) => this.#keepFor(source, dialect))
  }

  /** Returns the function that extracts the stored part of a source's rows. */
  #keepFor(source: RowSource, dialect: Dialect): KeepRow {
    const catalog = this.parts.catalogs.catalog(dialect)
    const domains = catalog === undefined ? undefined : KeyDomains.of(catalog)
    return domains === undefined || domains.isEmpty
      ? keepValues
      : keepColumns(source, domains.columnsOf(source.table))
  }

  /** Before and after a write or a raw statement, no prefetched result is certain to be current. */
  #around<T>(operation: Operation<T>, context: OperationContext, scope: Scope, next: Handler): Promise<T> {
    this.discard(scope)
    const running = next(operation, context)
    context.follow(running, () => this.discard(scope))
    return running
  }

  #lookUp<T>(
    operation: Operation<T>,
    context: OperationContext,
    memory: PrefetchScope,
    scope: Scope,
    next: Handler,
  ): Promise<T> {
    const lookup = operation.lookup?.()
    if (lookup === undefined || isRefusal(lookup) || lookup.target === undefined)
      return next(operation, context)
    const keyed = lookup as KeyedLookup<T>
    const { text } = lookup.key
    const group = context.groupOf(lookup)
    const trail = this.trails.of(operation, keyed, group, memory)
    if (trail === undefined) return next(operation, context)
    context.gain?.found()
    trail.set.gain?.found()
    const request: PrefetchRequest<T> = {
      operation,
      context,
      lookup: keyed,
      group,
      trail,
      memory,
      scope,
      runOne: () => next(operation, context),
    }
    return trail.pending?.texts.has(text) === true
      ? trail.pending.done.then(() => this.#follow(request))
      : this.#follow(request)
  }

  /** Serves a prefetched result, prefetches, or queries the one key. */
  #follow<T>(request: PrefetchRequest<T>): Promise<T> {
    const { operation, lookup, group, trail, memory } = request
    const { text } = lookup.key
    const ordinal = trail.ordinalOf(text)
    if (ordinal === undefined) return request.runOne()
    const taken = trail.visit(text, ordinal)
    const mayRecur = trail.mayRecur(ordinal, taken)
    const answer = this.trails.validAnswer(trail, text)
    if (answer !== undefined) {
      // The app requests the key more often than it received rows with it, so it wants the current state.
      if (!trail.hasCredit(ordinal, taken)) return request.runOne()
      const checking = answer.fetch.prefetchState?.check()
      return checking === undefined
        ? Promise.resolve(this.#answer(request, answer, mayRecur))
        : this.#checked(request, answer, mayRecur, checking)
    }
    const state = this.parts.writes.stateOf(trail.tables)
    if (state === undefined) return request.runOne()
    const fetch = { at: this.parts.clock.now(), state }
    // Concurrent lookups are batched with each other.
    const size =
      trail.inFlight > 0 || memory.blocked.has(group) ? 1 : Math.min(trail.window(ordinal), lookup.maxKeys)
    const keys = size < 2 ? [] : trail.pick(lookup.key, ordinal, size, operation.source.dialect)
    return keys.length > 1
      ? this.#fetch(request, keys, fetch, mayRecur)
      : this.#queryOne(request, fetch, mayRecur)
  }

  /** Serves a prefetched result after a check that no write of another process has invalidated it. */
  async #checked<T>(
    request: PrefetchRequest<T>,
    answer: Answer,
    mayRecur: boolean,
    checking: Promise<boolean>,
  ): Promise<T> {
    const isCurrent = await checking
    const { trail, lookup } = request
    // Another caller may have received the result in the meantime, or it was discarded.
    if (isCurrent && trail.answers.get(lookup.key.text) === answer)
      return this.#answer(request, answer, mayRecur)
    if (!isCurrent) this.trails.discard(trail)
    return request.runOne()
  }

  #answer<T>(
    { operation, context, lookup, group, trail, memory, scope }: PrefetchRequest<T>,
    answer: Answer,
    mayRecur: boolean,
  ): T {
    const { stats } = this.parts
    if (!answer.isUsed) stats.prefetchedKeysUsed += 1
    trail.used(answer)
    stats.prefetched += 1
    scope.counts.prefetched += 1
    scope.trace?.saved(operation, 'ahead', 1)
    memory.deliver(group, answer)
    context.prefetched = { at: answer.fetch.at, state: answer.fetch.prefetchState }
    return this.#handOut(lookup, trail, answer.value as T, mayRecur)
  }

  /**
   * Returns a copy of a result that may be served again; otherwise the result itself, which is not served
   * again.
   */
  #handOut<T>(lookup: KeyedLookup<T>, trail: Trail, value: T, mayRecur: boolean): T {
    const copy = mayRecur ? lookup.copy(value) : undefined
    if (copy !== undefined) return copy.value
    trail.answers.delete(lookup.key.text)
    return value
  }

  /** Queries the one key, and stores a copy if the key may be requested again. */
  #queryOne<T>(
    { context, lookup, trail, memory, runOne }: PrefetchRequest<T>,
    fetch: Fetch,
    mayRecur: boolean,
  ): Promise<T> {
    const { generation } = memory
    trail.inFlight += 1
    const running = runOne()
    context.follow(running, (outcome) => {
      trail.inFlight -= 1
      if ('error' in outcome) return
      const value = outcome.result as T
      trail.measure.add(value)
      // If other processes write as well, their state would have been needed before the query.
      if (!mayRecur || this.parts.writes.prefetchState !== undefined || memory.generation !== generation)
        return
      const copy = lookup.copy(value)
      if (copy !== undefined)
        trail.answers.set(lookup.key.text, { ...copy, fetch, ...(context.rows ?? NOWHERE), isUsed: true })
    })
    return running
  }

  /** Queries several keys, including the caller's. */
  async #fetch<T>(
    request: PrefetchRequest<T>,
    keys: readonly LookupKey[],
    fetch: Fetch,
    mayRecur: boolean,
  ): Promise<T> {
    const { operation, context, lookup, group, trail, memory } = request
    const { executor, stats, writes } = this.parts
    const { generation } = memory
    let settle = () => {}
    const done = new Promise<void>((resolve) => {
      settle = resolve
    })
    const pending = { done, texts: new Set(keys.map((key) => key.text)) }
    trail.pending = pending
    trail.inFlight += 1
    try {
      const prefetchState =
        writes.prefetchState === undefined ? undefined : await writes.prefetchState(trail.tables)
      if (writes.prefetchState !== undefined && prefetchState === undefined) return await request.runOne()
      trail.fetched(keys.length - 1)
      stats.prefetches += 1
      stats.prefetchedKeys += keys.length - 1
      const found = await executor
        .runAs(operation, context, () => lookup.runMany(keys, trail.measure.maxRows, context.demand))
        .catch((error: unknown) => this.#failed(request, keys, error))
      if (found === 'too many rows') return await request.runOne()
      // If the query failed, or is certain for no key, the group is not prefetched again in this scope.
      if (found === undefined || found.size === 0) memory.blocked.add(group)
      const isCurrent = memory.generation === generation && writes.stateOf(trail.tables) === fetch.state
      if (found !== undefined && isCurrent)
        this.#keep(request, keys, found, prefetchState === undefined ? fetch : { ...fetch, prefetchState })
      // A required row is missing, or the database decides which row is first.
      if (found?.has(lookup.key.text) !== true) return await request.runOne()
      const value = found.get(lookup.key.text) as T
      return isCurrent ? this.#handOut(lookup, trail, value, mayRecur) : value
    } finally {
      trail.inFlight -= 1
      if (trail.pending === pending) trail.pending = undefined
      settle()
    }
  }

  /**
   * Handles the error of a query for several keys. If there were too many rows, the next query will contain
   * fewer keys; any other error blocks the link.
   */
  #failed(
    { trail }: PrefetchRequest<unknown>,
    keys: readonly LookupKey[],
    error: unknown,
  ): 'too many rows' | undefined {
    if (isInstance(error, TooManyRowsError)) {
      trail.measure.addMany(keys.length, trail.measure.maxRows)
      trail.fetched(1 - keys.length)
      return 'too many rows'
    }
    trail.fail()
    this.parts.stats.blockedLinks += 1
    return undefined
  }

  #keep<T>(
    { operation, lookup, group, trail, memory }: PrefetchRequest<T>,
    keys: readonly LookupKey[],
    found: ReadonlyMap<string, T>,
    fetch: Fetch,
  ): void {
    const source = operation.rowSource?.()
    for (const key of keys) {
      const isOwn = key === lookup.key
      if (!found.has(key.text)) trail.refuse(key.text, isOwn ? 0 : 1)
      if (!found.has(key.text)) continue
      const value = found.get(key.text)
      trail.measure.add(value)
      const place = source === undefined ? NOWHERE : memory.append(group, source, value, isOwn ? 1 : 0)
      trail.answers.set(key.text, { value, fetch, ...place, isUsed: isOwn })
    }
  }
}
