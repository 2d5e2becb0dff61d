import type { AnswerListener, Handler, Interceptor } from '../pipeline/interceptor.ts'
import { type CacheRequest, isRefusal, type Operation } from '../pipeline/operation.ts'
import type { OperationContext } from '../pipeline/operation-context.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import { joinedKey } from '../shared/joined-key.ts'
import type { CachedValue } from './coherence/cached-value.ts'
import { type BasisPart, endWith, ReadBasis } from './coherence/read-basis.ts'
import { tagsRead } from './coherence/tags.ts'
import type { CoherentCache } from './coherent-cache.ts'
import { type Copier, copiers, type FetchPolicy, type FetchRequest, hasOwnTags } from './fetch-request.ts'
import { RESULTS } from './namespace-table.ts'

/** Reads with more tags than this are not cached: checking them would cost more than it saves. */
const MAX_TAGS = 16
const NO_VARIANT = joinedKey('')

/** The query of a request, in the context in which it was issued. */
function questionOf({ key }: CacheRequest<unknown>, { variant }: OperationContext): string {
  return variant === undefined ? `${NO_VARIANT}${key}` : joinedKey(variant) + key
}

/** How a read would be cached. */
export interface ExaminedRead {
  readonly request: CacheRequest<unknown>
  readonly key: string
  readonly tags: readonly string[]
  /** Number of tags at the end that do not matter if the result contains every requested row. */
  readonly optional: number
  readonly ttlMs: number
}

/** How a request is cached. */
export interface ResultPolicy {
  readonly policy: FetchPolicy
  /** Whether the app set the time to live for reads like this one, and not for all reads. */
  readonly setsTtl: boolean
  /** The app's custom tags. */
  readonly tags: readonly string[]
  /** Whether other processes may have the result. */
  readonly isShared: boolean
  /** Whether other processes may have this value. */
  mayShare?(value: unknown): boolean
}

export interface ResultCacheOptions {
  /** How a request is cached, or the reason why it is passed through. */
  readonly policyOf: (request: CacheRequest<unknown>) => ResultPolicy | string
  /** How every result is cached and returned. Default: its request decides. */
  readonly copier: Copier<unknown> | undefined
  /** Whether results are shared with other processes. */
  readonly isShared: boolean
  /** Whether each read is validated in the shared store by default. */
  readonly isStrict: boolean
  /** Runs background work outside every scope. */
  readonly detached: <T>(run: () => T) => T
  /**
   * Called with each database from which shared results are read, by the name that all processes use for it.
   */
  readonly onDatabase?: ((name: string) => void) | undefined
  /** Whether reads that no similar read repeats are cached, too. */
  readonly cachesAll: boolean
  /** Called for every result from the cache. */
  readonly onAnswer?: AnswerListener | undefined
}

/**
 * Cache-aside for reads. A result is cached under the tags of everything that it depends on, and served while
 * their state is unchanged.
 */
export class ResultCache {
  constructor(
    private readonly cache: CoherentCache,
    private readonly stats: QueryStats,
    private readonly options: ResultCacheOptions,
  ) {}

  readonly interceptor: Interceptor = (operation, context, next) => {
    if (operation.kind !== 'read') return next(operation, context)
    const { scope, gain } = context
    if (
      gain !== undefined &&
      scope !== undefined &&
      !this.options.cachesAll &&
      !gain.examinesCache(scope.id)
    ) {
      this.stats.passThrough('cache:NO_RECENT_HIT')
      return next(operation, context)
    }
    const request = operation.cacheRequest?.()
    if (request === undefined) {
      if (scope?.basis instanceof ReadBasis) scope.basis.partWithout('UNKNOWN_READ')
      return next(operation, context)
    }
    const refused = 'refused' in request ? request.refused : this.#read(request, operation, context, next)
    if (typeof refused !== 'string') return refused
    context.note?.notCached(refused)
    if (scope?.basis instanceof ReadBasis) scope.basis.partWithout(refused)
    this.stats.passThrough(`cache:${refused}`)
    return next(operation, context)
  }

  /** How a read would be cached, or the reason why it would not; `undefined`: it has no request. */
  examine(operation: Operation<unknown>, context: OperationContext): ExaminedRead | string | undefined {
    const request = operation.cacheRequest?.()
    if (request === undefined) return undefined
    if (isRefusal(request)) return request.refused
    if (this.#isSeparate(operation)) return 'IN_TRANSACTION'
    const { isShared } = this.options
    const chosen = this.options.policyOf(request)
    if (typeof chosen === 'string') return chosen
    if (isShared && operation.source.sharedName?.() === undefined) return 'UNKNOWN_DATABASE'
    const { tags, optional } = tagsRead(request)
    if (tags.length - optional + chosen.tags.length > MAX_TAGS) return 'TOO_MANY_TABLES'
    return {
      request,
      key: `${operation.source.id}\n${questionOf(request, context)}`,
      tags: [...chosen.tags, ...tags],
      optional,
      ttlMs: chosen.policy.strategy === 'refresh' ? 0 : chosen.policy.ttlMs,
    }
  }

  /**
   * Whether a read is in a transaction that may see something else than reads outside, or that can write
   * during a call to the store.
   */
  #isSeparate({ inTransaction, transactionReads }: Operation<unknown>): boolean {
    return inTransaction && (this.options.isShared || transactionReads?.isClean !== true)
  }

  /** The promise of the result, or the reason why the cache is not used. */
  #read<T>(
    request: CacheRequest<T>,
    operation: Operation<T>,
    context: OperationContext,
    next: Handler,
  ): Promise<T> | string {
    const { transactionReads } = operation
    if (this.#isSeparate(operation)) return 'IN_TRANSACTION'
    const chosen = this.options.policyOf(request)
    if (request.control?.disabled === true) context.isFresh = true
    if (typeof chosen === 'string') return chosen
    const { isShared, isStrict, detached, onDatabase } = this.options
    const { policy } = chosen
    const { strategy, consistency } = policy
    // Prefetched rows are validated if all reads are strict, but not for a single strict read.
    if (strategy === 'refresh' || (isShared && consistency === 'strict' && !isStrict)) context.isFresh = true
    const database = isShared ? operation.source.sharedName?.() : undefined
    if (isShared && database === undefined) return 'UNKNOWN_DATABASE'
    if (database !== undefined) onDatabase?.(database)
    const { scope, note, variant } = context
    const question = questionOf(request, context)
    const key = `${operation.source.id}\n${question}`
    const copier = (this.options.copier ??
      (request.copy === undefined ? copiers.clone : request)) as Copier<T>
    const now = this.cache.clock.now()
    let cached: CachedValue | undefined
    if (strategy !== 'refresh' && (transactionReads === undefined || transactionReads.mayServe)) {
      cached = this.cache.engine.getAt<CachedValue>(RESULTS, key, now) ?? undefined
      if (cached !== undefined && now >= cached.freshUntil) cached.extend(now)
      // Most reads add nothing to a hit, and most hits need neither their tags nor their load.
      const isBare = !chosen.setsTtl && chosen.tags.length === 0 && note === undefined
      if (cached !== undefined && isBare && scope?.basis === undefined) {
        const hit = this.cache.hit(cached, policy, copier, now)
        if (hit !== undefined) {
          this.#answered(hit.value, operation, context)
          context.end()
          const answer = transactionReads?.answer(hit.value) ?? Promise.resolve(hit.value)
          // The pipeline has nothing to add.
          context.running = answer
          return answer
        }
      }
    }
    const { tags, optional } = tagsRead(request)
    if (tags.length - optional + chosen.tags.length > MAX_TAGS) return 'TOO_MANY_TABLES'
    context.mayBeCached = true
    // Reads with a time to live that the app set always go through the cache, whether or not they benefit
    // from it.
    if (chosen.setsTtl) context.gain?.foundInCache()
    const sharedKey = chosen.isShared && database !== undefined ? `${database}\n${question}` : undefined
    const basis =
      scope?.basis instanceof ReadBasis ? this.#part(scope.basis, chosen, variant ?? '', database) : undefined
    const fetched: FetchRequest<T> = {
      namespace: RESULTS,
      key,
      sharedKey,
      basis,
      tags: chosen.tags.length === 0 ? tags : [...chosen.tags, ...tags],
      optionalTags: optional,
      isComplete: (value) => request.isComplete?.(value) === true,
      accepts: (value) => request.accepts?.(value) !== false,
      ownTags: chosen.tags,
      ...(chosen.setsTtl ? { maxAgeMs: policy.ttlMs } : { soleWriter: operation.source.soleWriter?.() }),
      policy,
      types: request.types,
      note,
      load: () => next(operation, context),
      refresh: () => detached(() => next(operation, context.detached())),
      mayShare: (value) => chosen.mayShare?.(value) !== false,
      copier,
      // What a transaction has written since the read was issued is its own.
      hasChangedQuery: () => operation.hasChangedQuery === true || transactionReads?.isClean === false,
      prefetched: () => context.prefetched,
      onHit: (value) => this.#answered(value, operation, context),
      sharesErrors: false,
    }
    if (cached !== undefined && !hasOwnTags(cached.ownTags, fetched)) cached = undefined
    const answer = transactionReads
      ? this.cache.serveNow(fetched, cached, now, (value) => transactionReads.answer(value))
      : strategy === 'refresh'
        ? this.cache.fetch(fetched)
        : this.cache.serve(fetched, cached, now)
    if (basis !== undefined) endWith(basis, answer)
    return answer
  }

  /** Adds the read to the derived value that is being computed. */
  #part(basis: ReadBasis, chosen: ResultPolicy, variant: string, database: string | undefined): BasisPart {
    const { policy, isShared, setsTtl } = chosen
    if (basis.context !== variant) basis.spoil('DIFFERENT_CONTEXT')
    // A caller that requests a refresh must not be served a derived value from an earlier read, so none is
    // cached.
    if (policy.strategy === 'refresh') basis.spoil('REFRESH')
    const isShareable = isShared && chosen.mayShare === undefined
    const maxTtlMs = setsTtl ? policy.ttlMs : undefined
    return basis.part({ isShareable, database, isStrict: policy.consistency === 'strict', maxTtlMs }, true)
  }

  #answered<T>(value: T, operation: Operation<T>, context: OperationContext): void {
    this.options.onAnswer?.(operation, value, context)
    this.stats.cacheHits += 1
    const { gain, scope } = context
    gain?.foundInCache()
    if (scope === undefined) return
    scope.counts.cacheHits += 1
    scope.trace?.saved(operation, 'cache', 1)
  }
}
