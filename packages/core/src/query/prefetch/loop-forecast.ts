import type { Lookup, LookupKey } from '../../pipeline/lookup.ts'
import type { Operation } from '../../pipeline/operation.ts'
import type { OperationContext } from '../../pipeline/operation-context.ts'
import type { WriteTracker } from '../../pipeline/writes.ts'
import type { Clock } from '../../shared/clock.ts'
import type { KeyedLookup } from './find-source.ts'
import { NOWHERE, PrefetchScope } from './prefetch-scope.ts'
import type { Fetch, Trail } from './trail.ts'
import type { Trails } from './trails.ts'

/** A lookup of a loop that is sent without prefetching. */
export interface ForecastLookup {
  readonly trail: Trail
  /** The query that would have fetched its rows: of an earlier lookup, or its own with additional keys. */
  readonly fetch: Fetch
  readonly isPrefetched: boolean
}

/**
 * Follows the loops of a scope that is not optimized as the prefetcher would, and sends nothing: it reports
 * whether a lookup would have been served from prefetched rows.
 */
export class LoopForecast {
  constructor(
    private readonly trails: Trails,
    private readonly parts: { readonly clock: Clock; readonly writes: WriteTracker },
  ) {}

  /** A lookup is sent. `undefined`: it belongs to no loop that is known. Call `ended` afterwards. */
  sent<T>(
    operation: Operation<T>,
    { scope }: OperationContext,
    lookup: Lookup<T>,
    group: string,
  ): ForecastLookup | undefined {
    const memory = scope?.hasRows === true ? PrefetchScope.of(scope) : undefined
    if (memory === undefined || lookup.target === undefined || operation.inTransaction) return undefined
    const trail = this.trails.of(operation, lookup as KeyedLookup<T>, group, memory)
    const { text } = lookup.key
    const ordinal = trail?.ordinalOf(text)
    if (trail === undefined || ordinal === undefined) return undefined
    const taken = trail.visit(text, ordinal)
    const mayRecur = trail.mayRecur(ordinal, taken)
    const answer = this.trails.validAnswer(trail, text)
    if (answer !== undefined && trail.hasCredit(ordinal, taken)) {
      trail.used(answer)
      memory.deliver(group, answer)
      if (!mayRecur) trail.answers.delete(text)
      return { trail, fetch: answer.fetch, isPrefetched: true }
    }
    const state = this.parts.writes.stateOf(trail.tables)
    const fetch = { at: this.parts.clock.now(), state: state ?? 0 }
    if (answer === undefined && state !== undefined) {
      for (const key of this.#keysOf(trail, lookup, ordinal, operation))
        if (key !== lookup.key || mayRecur)
          trail.answers.set(key.text, { value: undefined, fetch, ...NOWHERE, isUsed: key === lookup.key })
    }
    trail.inFlight += 1
    return { trail, fetch, isPrefetched: false }
  }

  /** @param result - `undefined` if it failed. */
  ended({ isPrefetched, trail }: ForecastLookup, result: unknown): void {
    if (!isPrefetched) trail.inFlight -= 1
    if (result !== undefined) trail.measure.add(result)
  }

  /** The keys that the query of a lookup would contain, with its own. */
  #keysOf(
    trail: Trail,
    { key, maxKeys }: Lookup,
    ordinal: number,
    { source }: Operation<unknown>,
  ): readonly LookupKey[] {
    const size = trail.inFlight > 0 ? 1 : Math.min(trail.window(ordinal), maxKeys)
    const keys = size < 2 ? [key] : trail.pick(key, ordinal, size, source.dialect)
    trail.fetched(keys.length - 1)
    return keys
  }
}
