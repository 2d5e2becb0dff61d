import { ownCacheNamespaces } from '../cache/namespace-table.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import type { Sluice } from './sluice.ts'

/**
 * Changes a Sluice's caches on behalf of a user of a dashboard or an API. Each action first passes
 * `authorize` and `audit` of the job engine; without jobs, only the rules of the dashboard or the API apply.
 *
 * @throws NotAuthorizedError, as a rejection; errors of the hook.
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
   * @returns The number of stored values.
   * @throws InvalidArgumentError for a namespace of Sluice, because its entries are served as query results.
   */
  async warm(namespace: string, data: Readonly<Record<string, unknown>>, ttl?: number): Promise<number> {
    if (ownCacheNamespaces.includes(namespace))
      throw new InvalidArgumentError(
        'namespace',
        'a namespace of the app, because Sluice serves entries of its own namespaces as query results',
        namespace,
      )
    await this.sluice.jobs?.authorize(this.actor, 'warm-cache', { namespace })
    return this.cache.warmCache(namespace, data, ttl)
  }
}
