import { checkOptions, option } from '../shared/options.ts'

/**
 * Cache options of one read, or of the reads of a model. Omitted options use the values of the cache's
 * options.
 */
export interface CacheControl {
  /** Maximum age of the cached result, in seconds, also if an identical read cached it. Greater than `0`. */
  readonly ttl?: number
  /**
   * Seconds after `ttl` in which the result is still served while it is revalidated in the background.
   * Minimum: `0`.
   */
  readonly swr?: number
  /** Custom tags, for `invalidateTags`. A result that an identical read cached without them is not served. */
  readonly tags?: readonly string[]
  /** `cache-first` serves a cached result. `refresh` queries the database and caches the result. */
  readonly strategy?: 'cache-first' | 'refresh'
  /**
   * `strict`: verified in the shared store before each use. `bounded`: trusted for up to the `maxStalenessMs`
   * of the cache.
   */
  readonly consistency?: 'strict' | 'bounded'
  /** `true`: the read is neither served from the cache nor cached. */
  readonly disabled?: boolean
}

const rules = {
  ttl: option.positive,
  swr: option.number(0),
  tags: option.strings,
  strategy: option.oneOf('cache-first', 'refresh'),
  consistency: option.oneOf('strict', 'bounded'),
  disabled: option.boolean,
}

/**
 * Validates cache options.
 *
 * @param name - Name in error messages, such as `cache`.
 * @throws InvalidOptionError with the name of the first field that is unknown, of the wrong type, or out of
 * bounds.
 */
export function checkCacheControl(control: unknown, name: string): CacheControl {
  checkOptions(control, rules, `${name}.`)
  return control as CacheControl
}
