import type { MetricFamily, Sluice } from '@sluice/core'
import { counter, counters } from '@sluice/core/siblings'

/** Counters of all response caches of a Sluice, since the first one was created. */
export interface ResponseCacheStats {
  /** Requests served from a cached response. */
  readonly hits: number
  /** Requests served with the response of another request that was in flight. */
  readonly coalesced: number
  /** Requests that the app handled although their response might have been cached. */
  readonly misses: number
  /** Requests that received `304`, from the cache or from the app. */
  readonly notModified: number
  /** Responses that were cached. */
  readonly stored: number
  /** Responses that shadow mode compared with cached ones. */
  readonly shadowed: number
  /** Compared responses that differed. */
  readonly shadowDifferences: number
  /** Requests that were passed to the app, by reason. */
  readonly bypassed: Readonly<Record<string, number>>
  /** Responses that were not cached, by reason. */
  readonly notStored: Readonly<Record<string, number>>
}

export class ResponseCacheCounters {
  hits = 0
  coalesced = 0
  misses = 0
  notModified = 0
  stored = 0
  shadowed = 0
  shadowDifferences = 0
  readonly #bypassed = new Map<string, number>()
  readonly #notStored = new Map<string, number>()

  bypass(reason: string): void {
    this.#bypassed.set(reason, (this.#bypassed.get(reason) ?? 0) + 1)
  }

  leave(reason: string): void {
    this.#notStored.set(reason, (this.#notStored.get(reason) ?? 0) + 1)
  }

  snapshot(): ResponseCacheStats {
    return {
      ...this,
      bypassed: Object.fromEntries(this.#bypassed),
      notStored: Object.fromEntries(this.#notStored),
    }
  }
}

const all = new WeakMap<Sluice, ResponseCacheCounters>()

/** Returns the counters of a Sluice, which its monitoring exports. */
export function countersOf(sluice: Sluice): ResponseCacheCounters {
  const known = all.get(sluice)
  if (known !== undefined) return known
  const counters = new ResponseCacheCounters()
  all.set(sluice, counters)
  try {
    sluice.monitor?.addFeed({ name: 'responses', collect: () => familiesOf(counters.snapshot()) })
  } catch {
    // The monitoring is closed.
  }
  return counters
}

function familiesOf(stats: ResponseCacheStats): readonly MetricFamily[] {
  const { hits, coalesced, misses, bypassed, notStored, shadowed, shadowDifferences } = stats
  const requests = { hit: hits, coalesced, miss: misses }
  return [
    counters('sluice.responses', 'Requests to a response cache', '{request}', 'sluice.result', requests),
    counters(
      'sluice.responses.bypassed',
      'Requests that were passed to the app',
      '{request}',
      'sluice.reason',
      bypassed,
    ),
    counters(
      'sluice.responses.not_stored',
      'Responses that were not cached',
      '{response}',
      'sluice.reason',
      notStored,
    ),
    counter('sluice.responses.stored', 'Responses that were cached', '{response}', stats.stored),
    counter('sluice.responses.not_modified', 'Requests answered with 304', '{request}', stats.notModified),
    counter(
      'sluice.responses.shadow.comparisons',
      'Responses that were compared with cached responses',
      '{response}',
      shadowed,
    ),
    counter(
      'sluice.responses.shadow.differences',
      'Comparisons with different responses',
      '{response}',
      shadowDifferences,
    ),
  ]
}
