import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidArgumentError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import type { CacheKey } from './cache-entry.ts'
import type { CacheSetOptions } from './cache-options.ts'

const ENTRIES_PER_TICK = 1_000

/** A value to warm the cache with. */
export interface WarmEntry<T = unknown> extends CacheKey, CacheSetOptions {
  readonly value: T
}

/** Returns the entries: as a list, a generator, or an async generator that reads page by page. */
export type WarmLoader<T = unknown> = () =>
  | AsyncIterable<WarmEntry<T>>
  | Iterable<WarmEntry<T>>
  | Promise<Iterable<WarmEntry<T>>>

export interface WarmProgress {
  /** Entries that the loader has yielded so far. */
  readonly loaded: number
  /** Entries of these that the cache accepted; the others were too large. */
  readonly stored: number
}

export interface WarmOptions {
  /** Called after every 1,000 entries and at the end. An error that it throws ends the warm-up. */
  readonly onProgress?: (progress: WarmProgress) => void
}

/**
 * Stores the entries of a loader, and yields to the event loop after every 1,000 entries.
 *
 * @param store - Stores one entry; returns whether the cache accepted it.
 */
export async function warmUp<T>(
  loader: WarmLoader<T>,
  store: (entry: WarmEntry<T>) => boolean,
  options: WarmOptions,
): Promise<WarmProgress> {
  if (typeof loader !== 'function') throw new InvalidArgumentError('loader', 'a function', loader)
  checkOptions(options, { onProgress: option.callback })
  let loaded = 0
  let stored = 0
  for await (const entry of await loader()) {
    if (!option.object.accepts(entry))
      throw new InvalidArgumentError('loader', 'entries { namespace, key, value }', entry)
    loaded++
    if (store(entry)) stored++
    if (loaded % ENTRIES_PER_TICK !== 0) continue
    options.onProgress?.({ loaded, stored })
    await nextTurn()
  }
  if (loaded === 0 || loaded % ENTRIES_PER_TICK !== 0) options.onProgress?.({ loaded, stored })
  return { loaded, stored }
}
