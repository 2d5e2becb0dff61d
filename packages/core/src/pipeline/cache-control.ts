import { checkOptions, option } from '../shared/options.ts'

/** What an app says of one read, or of a model's reads, to the cache. What is left out is as the options of the cache say. */
export interface CacheControl {
  /** Seconds that the result is kept at most, and that what an equal read has kept may be old. Greater than `0`. */
  readonly ttl?: number
  /** Seconds after `ttl` for which the result may still be given while it is asked for anew. Minimum: `0`. */
  readonly swr?: number
  /** Names of the app's own, by which it can have the result dropped: `invalidateTags`. What an equal read kept without them is not given. */
  readonly tags?: readonly string[]
  /** `cache-first` gives what is kept; `refresh` asks the database and keeps the answer. */
  readonly strategy?: 'cache-first' | 'refresh'
  /** `strict`: checked against the shared state before each use; `bounded`: trusted for as long as the cache's bound says. */
  readonly consistency?: 'strict' | 'bounded'
  /** `true`: neither given from the cache nor kept. */
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
 * Checks a cache control.
 *
 * @param name - What messages call it, for example `cache`.
 * @throws InvalidOptionError that names the first field that is unknown, of the wrong type, or out of bounds.
 */
export function checkCacheControl(control: unknown, name: string): CacheControl {
  checkOptions(control, rules, `${name}.`)
  return control as CacheControl
}
