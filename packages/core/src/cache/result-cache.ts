import { type AnswerListener, askedAtOf } from '../pipeline/answers.ts'
import type { Interceptor } from '../pipeline/interceptor.ts'
import { type CacheRequest, isRefusal, type Operation } from '../pipeline/operation.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import type { Scope } from '../pipeline/scope.ts'
import type { TableId } from '../schema/catalog-data.ts'
import type { Clock } from '../shared/clock.ts'
import type { CachingStrategyEngine } from './caching-strategy-engine.ts'
import type { StampRegistry } from './coherence/stamp-registry.ts'

/** The cache namespace of query results. */
const RESULTS = 'results'

/** Reads of more tables than this are not kept: checking them would cost more than it saves. */
const MAX_TABLES = 16

interface Entry {
  readonly value: unknown
  readonly stamps: readonly number[]
}

interface Flight {
  readonly stamps: readonly number[]
  readonly result: Promise<unknown>
}

export interface ResultCacheOptions {
  /** Seconds that a result is kept at most. */
  readonly ttl: number
  /** If given, only reads of these tables alone are kept. */
  readonly allows?: ((tables: readonly TableId[]) => boolean) | undefined
  /** Facts outside the statement that change what it returns, such as a tenant; part of every key. */
  readonly context?: (() => string) | undefined
  readonly clock: Clock
  /** Told of every answer from the cache. */
  readonly onAnswer?: AnswerListener | undefined
}

/**
 * Cache-aside of reads. A result is kept together with the stamps of every table that it read, taken before the database
 * was asked, and handed out only while they are the live ones. Equal reads under way share one query.
 */
export class ResultCache {
  readonly #flights = new Map<string, Flight>()

  constructor(
    private readonly engine: CachingStrategyEngine,
    private readonly stamps: StampRegistry,
    private readonly stats: QueryStats,
    private readonly options: ResultCacheOptions,
  ) {}

  readonly interceptor: Interceptor = (next) => (operation, scope) => {
    if (operation.kind !== 'read') return next(operation, scope)
    const request = this.#requestOf(operation)
    if (request === undefined) return next(operation, scope)
    return this.#read(request, operation, scope, () => next(operation, scope))
  }

  #requestOf<T>(operation: Operation<T>): CacheRequest<T> | undefined {
    const request = operation.cacheRequest?.()
    if (request === undefined) return undefined
    const refused = isRefusal(request)
      ? request.refused
      : operation.inTransaction
        ? 'in transaction'
        : request.tables.length > MAX_TABLES
          ? 'too many tables'
          : this.options.allows?.(request.tables) === false
            ? 'table not listed'
            : undefined
    if (refused === undefined) return request as CacheRequest<T>
    this.stats.passThrough(`cache: ${refused}`)
    return undefined
  }

  async #read<T>(request: CacheRequest<T>, operation: Operation<T>, scope: Scope | undefined, ask: () => Promise<T>): Promise<T> {
    const { context } = this.options
    const key = `${operation.source.id}\n${context === undefined ? '' : context()}\n${request.key}`
    const stamps = this.stamps.stampsOf(request.tables)
    if (stamps === undefined) return ask()
    const entry = this.engine.get<Entry>(RESULTS, key)
    if (entry !== null && sameStamps(entry.stamps, stamps)) {
      const copy = request.copy(entry.value as T)
      if (copy !== undefined) return this.#answered(copy.value, operation, scope)
    }
    const flight = this.#flights.get(key)
    if (flight !== undefined && sameStamps(flight.stamps, stamps)) {
      const shared = await this.#join(flight, request)
      if (shared !== undefined) return this.#answered(shared.value, operation, scope)
      return ask()
    }
    return this.#fly(key, request, stamps, operation, ask)
  }

  #answered<T>(value: T, operation: Operation<T>, scope: Scope | undefined): T {
    this.options.onAnswer?.(operation, value, scope)
    this.stats.answered += 1
    if (scope !== undefined) scope.counts.answered += 1
    return value
  }

  /** Asks, lets equal reads wait for the answer, and keeps it if nothing was written meanwhile. */
  async #fly<T>(
    key: string,
    request: CacheRequest<T>,
    stamps: readonly number[],
    operation: Operation<T>,
    ask: () => Promise<T>,
  ): Promise<T> {
    const result = ask()
    const flight: Flight = { stamps, result }
    this.#flights.set(key, flight)
    try {
      const value = await result
      if (this.#unchanged(request.tables, stamps)) {
        const ttl = this.#ttlFor(operation)
        const copy = ttl > 0 ? request.copy(value) : undefined
        if (copy !== undefined) this.engine.set<Entry>(RESULTS, key, { value: copy.value, stamps }, ttl)
      }
      return value
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
  }

  /** What was asked ahead has used up a part of its time. */
  #ttlFor(operation: Operation<unknown>): number {
    const { ttl, clock } = this.options
    const askedAt = askedAtOf(operation)
    return askedAt === undefined ? ttl : ttl - (clock.now() - askedAt) / 1000
  }

  /** What another's query found, if it is as fresh as our own would be. Its failure is its own affair. */
  async #join<T>(flight: Flight, request: CacheRequest<T>): Promise<{ readonly value: T } | undefined> {
    let value: T
    try {
      value = (await flight.result) as T
    } catch {
      return undefined
    }
    return this.#unchanged(request.tables, flight.stamps) ? request.copy(value) : undefined
  }

  #unchanged(tables: readonly TableId[], stamps: readonly number[]): boolean {
    const now = this.stamps.stampsOf(tables)
    return now !== undefined && sameStamps(now, stamps)
  }
}

function sameStamps(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((stamp, index) => stamp === right[index])
}
