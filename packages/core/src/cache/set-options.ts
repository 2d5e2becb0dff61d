import { InvalidArgumentError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import type { CacheKey } from './cache-entry.ts'

const DEFAULT_TTL = 3_600
const NO_KEYS: readonly CacheKey[] = []

export interface CacheSetOptions {
  /**
   * Lifetime in seconds, above 0.
   * @defaultValue 3600
   */
  readonly ttl?: number
  /** What the value was made from: `invalidateDependencies` of any of these drops it. Replaced by the next `set`, gone with the entry. */
  readonly dependsOn?: readonly CacheKey[]
}

export interface ResolvedSetOptions {
  readonly ttl: number
  readonly dependsOn: readonly CacheKey[]
}

const accepted = { expected: 'any value', accepts: () => true }
const names = { ttl: accepted, dependsOn: { expected: 'an array of { namespace, key }', accepts: Array.isArray } }

/** @throws InvalidArgumentError when the lifetime or a key is not as described; InvalidOptionError when an option is unknown. */
export function resolveSetOptions(given: number | CacheSetOptions | undefined): ResolvedSetOptions {
  if (given === undefined) return { ttl: DEFAULT_TTL, dependsOn: NO_KEYS }
  if (typeof given === 'number') return { ttl: checkTtl(given), dependsOn: NO_KEYS }
  if (!option.object.accepts(given)) throw new InvalidArgumentError('ttl', 'a number of seconds greater than 0 or an object', given)
  checkOptions(given, names)
  const dependsOn = given.dependsOn ?? NO_KEYS
  for (const parent of dependsOn) checkCacheKey(parent, 'dependsOn')
  return { ttl: given.ttl === undefined ? DEFAULT_TTL : checkTtl(given.ttl), dependsOn }
}

function checkTtl(ttl: unknown): number {
  if (!option.positive.accepts(ttl)) throw new InvalidArgumentError('ttl', 'a number of seconds greater than 0', ttl)
  return ttl as number
}

/** @throws InvalidArgumentError when it is no object with a valid namespace and key. */
export function checkCacheKey(value: CacheKey, argument: string): void {
  if (!option.object.accepts(value)) throw new InvalidArgumentError(argument, 'an object { namespace, key }', value)
  checkNamespace(value.namespace)
  checkKey(value.key)
}

/** A colon parts namespace and key where they are one text, so a namespace holds none; a key may. */
export function checkNamespace(namespace: unknown): void {
  if (typeof namespace !== 'string' || namespace === '' || namespace.includes(':')) {
    throw new InvalidArgumentError('namespace', 'a non-empty string without ":"', namespace)
  }
}

export function checkKey(key: unknown): void {
  if (typeof key !== 'string') throw new InvalidArgumentError('key', 'a string', key)
}
