import type { Operation } from '../../pipeline/operation.ts'
import type { QueryStats } from '../../pipeline/query-stats.ts'
import type { WriteTracker } from '../../pipeline/writes.ts'
import type { CatalogRegistry } from '../../schema/catalog-registry.ts'
import type { Clock } from '../../shared/clock.ts'
import { findSource, type KeyedLookup } from './find-source.ts'
import { KeyDomains } from './key-domains.ts'
import { Links } from './link.ts'
import { linkId, type PrefetchScope } from './prefetch-scope.ts'
import { type Answer, Trail } from './trail.ts'

export interface TrailsParts {
  readonly stats: QueryStats
  readonly clock: Clock
  readonly writes: WriteTracker
  readonly catalogs: CatalogRegistry
  /** Milliseconds after which a prefetched result is no longer served. */
  readonly maxAgeMs: number
}

/** Finds the loop that a lookup belongs to, and the results that were prefetched for it. */
export class Trails {
  readonly links: Links = new Links()

  constructor(private readonly parts: TrailsParts) {}

  /** The loop of a lookup; `undefined` if no stored rows contain its key. */
  of(
    operation: Operation<unknown>,
    lookup: KeyedLookup<unknown>,
    group: string,
    memory: PrefetchScope,
  ): Trail | undefined {
    return memory.trailOf(group, lookup.key.text) ?? this.#open(operation, lookup, group, memory)
  }

  #open(
    operation: Operation<unknown>,
    lookup: KeyedLookup<unknown>,
    group: string,
    memory: PrefetchScope,
  ): Trail | undefined {
    if (memory.blocked.has(group)) return undefined
    const catalog = this.parts.catalogs.catalog(operation.source.dialect)
    if (catalog === undefined) return undefined
    const domains = KeyDomains.of(catalog)
    const found = findSource(lookup, group, memory, domains)
    if (found === undefined) return undefined
    const tables = lookup.reads?.()
    if (tables === undefined) {
      memory.blocked.add(group)
      return undefined
    }
    const { set, properties } = found
    const link = this.links.of(linkId(set.source, properties, lookup.target))
    const trail = new Trail(set, set.index(properties), link, tables, !domains.areUnrelated(lookup.target))
    memory.open(group, trail)
    return trail
  }

  /** A prefetched result that no write has invalidated, and that is not too old. */
  validAnswer(trail: Trail, text: string): Answer | undefined {
    const answer = trail.answers.get(text)
    if (answer === undefined) return undefined
    const { clock, writes, maxAgeMs } = this.parts
    if (clock.now() - answer.fetch.at <= maxAgeMs && writes.stateOf(trail.tables) === answer.fetch.state)
      return answer
    // The other results were prefetched together with this one, or earlier.
    this.discard(trail)
    return undefined
  }

  discard(trail: Trail): void {
    trail.answers.clear()
    this.parts.stats.prefetchDiscards += 1
  }
}
