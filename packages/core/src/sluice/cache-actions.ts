import { ownCacheNamespaces } from '../cache/namespace-table.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import type { Sluice } from './sluice.ts'

/**
 * Changes to a Sluice's caches in somebody's name, by a page or an API. Each passes `authorize` and `audit` of the job engine first; an app without jobs has
 * only the rules of the page or the API.
 *
 * @throws NotAuthorizedError, as a rejection; what the hook throws.
 */
export class CacheActions {
  constructor(
    private readonly sluice: Pick<Sluice, 'tiered' | 'jobs'>,
    private readonly cache: NonNullable<Sluice['cache']>,
    private readonly actor: string | undefined,
  ) {}

  /** Without a namespace, also clears the values of the app that this process shares with others. */
  async clear(namespace: string | undefined): Promise<void> {
    await this.sluice.jobs?.authorize(this.actor, 'clear-cache', namespace === undefined ? {} : { namespace })
    this.cache.clear(namespace)
    if (namespace === undefined) await this.sluice.tiered?.clear()
  }

  /** @returns How many entries were removed. */
  async invalidateByPattern(pattern: string): Promise<number> {
    await this.sluice.jobs?.authorize(this.actor, 'clear-cache', { pattern })
    return this.cache.invalidateByPattern(pattern)
  }

  /**
   * @returns How many values were stored.
   * @throws InvalidArgumentError for a namespace of Sluice's: it would serve what is put there as results.
   */
  async warm(namespace: string, data: Readonly<Record<string, unknown>>, ttl?: number): Promise<number> {
    if (ownCacheNamespaces.includes(namespace))
      throw new InvalidArgumentError('namespace', "one of the app: entries in a namespace of Sluice's own are served as results", namespace)
    await this.sluice.jobs?.authorize(this.actor, 'warm-cache', { namespace })
    return this.cache.warmCache(namespace, data, ttl)
  }
}
