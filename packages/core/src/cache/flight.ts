import type { CachedValuesParts, Loaded } from './cached-values.ts'
import type { BasisPart } from './coherence/read-basis.ts'
import { type Before, type FetchRequest, neededTags, snapshotOf } from './fetch-request.ts'

/** A load that requests for the same value join. */
export class Flight<T = unknown> {
  /**
   * Whether the value is still valid, for all requests that waited. Checked after the flight is closed, so
   * that no request can join anymore.
   */
  #verdict: Promise<boolean> | undefined

  constructor(
    readonly before: Before,
    readonly loaded: Promise<Loaded<T>>,
    readonly ownTags: readonly string[],
  ) {}

  /** Whether the value is as current as a separate load of the request would be. */
  isStillTrue(
    { value, permit }: Loaded<T>,
    request: FetchRequest<T>,
    { shared, clock }: Pick<CachedValuesParts, 'shared' | 'clock'>,
  ): Promise<boolean> | boolean {
    const needed = neededTags(request, value)
    const snapshot = snapshotOf(request, needed, this.before)
    if (snapshot?.isCurrent !== true) return false
    if (shared === undefined) return true
    if (permit === undefined || permit.tags.length < needed) return false
    if (request.policy.consistency === 'bounded' && shared.reads.isTrusted(clock.now(), permit)) return true
    this.#verdict ??= shared.reads.check(permit).then(
      (state) => state === 'current',
      () => false,
    )
    return this.#verdict
  }

  /** Adds the dependencies of the value to the basis of a request that joined. */
  follow(
    { value, permit, isPrefetched }: Loaded<T>,
    request: FetchRequest<T>,
    basis: BasisPart,
    { shared }: Pick<CachedValuesParts, 'shared'>,
  ): void {
    if (isPrefetched === true && shared !== undefined) basis.spoil('PREFETCHED')
    else
      basis.add(
        permit?.tags ?? request.tags.slice(0, neededTags(request, value)),
        snapshotOf(request, neededTags(request, value), this.before),
        permit,
      )
  }
}
