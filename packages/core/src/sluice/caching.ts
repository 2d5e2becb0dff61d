import { CacheSetUp, type CacheSetUpOptions } from '../cache/cache-set-up.ts'
import { ReadBasis } from '../cache/coherence/read-basis.ts'
import { setTag } from '../cache/coherence/tags.ts'
import type { CacheStore } from '../cache/stores/cache-store.ts'
import { hasOpenBasis } from '../pipeline/basis.ts'
import { InvalidArgumentError, InvalidOptionError } from '../shared/errors.ts'
import { usesRule } from '../shared/yield-rules.ts'
import type { CacheOptions, SluiceOptions } from './options.ts'
import { resultTtl } from './result-policies.ts'
import type { Services } from './services.ts'

const DEFAULT_MAX_STALENESS_MS = 1_000

/** The shared store of the options. */
export function storeOf({ cache }: SluiceOptions): CacheStore | undefined {
  return cache === false ? undefined : cache?.store
}

/**
 * Time to live in milliseconds of results that may be extended while no other process writes; `undefined`:
 * none are. A time to live that the app set is a maximum age, and a store has its own messages.
 */
export function extendedTtlOf({ cache = {}, schemaCheckMs }: SluiceOptions): number | undefined {
  if (cache === false || cache.ttl !== undefined || cache.store !== undefined) return undefined
  return schemaCheckMs === false || !usesRule('sole-writer') ? undefined : resultTtl(cache) * 1_000
}

/** How old a result may be because of writes by other processes. */
export function maxStalenessOf({ cache }: SluiceOptions): number {
  return cache === false || cache?.store === undefined
    ? Number.POSITIVE_INFINITY
    : (cache.maxStalenessMs ?? DEFAULT_MAX_STALENESS_MS)
}

/**
 * Creates the cache of a Sluice.
 *
 * @param maxBytes - Called when the in-process cache is created.
 * @param loading - Runs a load whose result is cached.
 * @returns `undefined` if caching is off.
 */
export function createCaching(
  options: SluiceOptions,
  services: Services,
  maxBytes: (() => number | undefined) | undefined,
  loading: CacheSetUpOptions['loading'],
): CacheSetUp | undefined {
  const { cache = {} } = options
  if (cache === false) return undefined
  rejectStrictAcrossRegions(cache)
  const { scopes, catalogs, clock, random } = services
  const consistency = cache.consistency ?? 'bounded'
  return new CacheSetUp({
    maxBytes: maxBytes ?? (() => cache.maxBytes),
    policy: cache.policy,
    store: cache.store,
    consistency,
    maxStalenessMs: cache.maxStalenessMs ?? DEFAULT_MAX_STALENESS_MS,
    onInvalidationFailure:
      cache.onInvalidationFailure ?? (consistency === 'strict' ? 'reject-write' : 'proceed'),
    tiered: cache.tiered ?? {},
    ttl: resultTtl(cache),
    context: options.context ?? (() => ''),
    loading,
    basis: () => {
      // Asking for the scope takes longer than all that a hit in memory needs.
      if (!hasOpenBasis()) return undefined
      const basis = scopes.current()?.basis
      return basis instanceof ReadBasis ? basis : undefined
    },
    clock,
    random,
    tagsOf: (names) =>
      catalogs.isKnown() && !catalogs.isReading()
        ? names.flatMap((name) => tagsOf(name, services))
        : undefined,
    onError: services.reportError,
  })
}

/** @throws InvalidOptionError if results must be `strict` although writes of other regions arrive later. */
function rejectStrictAcrossRegions({ store, consistency, tiered, models = {} }: CacheOptions): void {
  if (store?.regions === undefined) return
  const chosen = Object.entries({
    consistency,
    'tiered.consistency': tiered?.consistency,
    ...Object.fromEntries(
      Object.entries(models).map(([model, control]) => [`models.${model}.consistency`, control.consistency]),
    ),
  })
  for (const [name, value] of chosen)
    if (value === 'strict')
      throw new InvalidOptionError(
        `cache.${name}`,
        "'bounded', because the store receives the writes of other regions after a delay",
        value,
      )
}

/** The tags of a model or table. */
function tagsOf(name: string, { catalogs }: Services): readonly string[] {
  const tables = catalogs.resolve(name)
  if (tables.size === 0)
    throw new InvalidArgumentError('tables', 'names of models or tables in a known catalog', name)
  return [...tables].map(setTag)
}
