import { type Clock, systemClock } from '../../shared/clock.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { MAX_TIMER_MS } from '../../shared/timers.ts'

export interface MemoryStoreOptions {
  /**
   * Lease of a writer's intent: how long it is valid after the last renewal, in milliseconds. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * How long nothing becomes cacheable after the store lost its state, in milliseconds. Live writers announce
   * their writes again in this time. Minimum: `0`.
   * @defaultValue 3000
   */
  readonly quarantineMs?: number
  /**
   * Maximum lifetime of an entry, in milliseconds. Minimum: `1`.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
  /**
   * Memory budget for entries, in bytes of heap. If it is full, entries that were not read again soon after
   * they were set are evicted. Minimum: `1`.
   * @defaultValue 104857600 (100 MB)
   */
  readonly maxBytes?: number
  /**
   * Time source.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
}

export type ResolvedMemoryStoreOptions = Required<MemoryStoreOptions>

const rules = {
  leaseMs: option.integer(1, MAX_TIMER_MS),
  quarantineMs: option.integer(0, MAX_TIMER_MS),
  maxTtlMs: option.integer(1),
  maxBytes: option.integer(1),
  clock: {
    expected: 'a clock with now() and wall()',
    accepts: (value: unknown) =>
      typeof (value as Clock | null)?.now === 'function' && typeof (value as Clock).wall === 'function',
  },
}

/** @throws InvalidOptionError with the name of the option and the expected value. */
export function resolveMemoryStoreOptions(options: MemoryStoreOptions): ResolvedMemoryStoreOptions {
  checkOptions(options, rules)
  return {
    leaseMs: options.leaseMs ?? 30_000,
    quarantineMs: options.quarantineMs ?? 3_000,
    maxTtlMs: options.maxTtlMs ?? 24 * 60 * 60 * 1_000,
    maxBytes: options.maxBytes ?? 100 * 1024 * 1024,
    clock: options.clock ?? systemClock,
  }
}
