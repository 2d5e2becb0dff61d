import type { Random } from '../support/random.ts'
import type { StoreName } from './store-server.ts'

/**
 * - `writer`: a worker is killed immediately after a COMMIT was answered, before the write is acknowledged.
 * - `pause`: a worker is suspended and resumed, at any time or immediately before a COMMIT.
 * - `commit`: a connection to PostgreSQL is lost in COMMIT.
 * - `server`: the server of the cache is killed and restarted without data.
 * - `snapshot`: Redis is killed and restarted with an earlier state.
 * - `flush`: the server of the cache is emptied.
 * - `bus`: the connections of Redis's subscribers are closed.
 * - `schema`: another process creates or drops a trigger with which a write changes rows that it does not
 * name.
 */
export const FAULT_KINDS = [
  'writer',
  'pause',
  'commit',
  'server',
  'snapshot',
  'flush',
  'bus',
  'schema',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** The faults that a kind of server can have. */
export function faultsOf(store: StoreName): FaultKind[] {
  return FAULT_KINDS.filter((kind) => store === 'redis' || (kind !== 'snapshot' && kind !== 'bus'))
}

/**
 * Mean milliseconds between two faults of one kind. With more frequent data loss in Redis, or more writes of
 * unknown outcome, quarantines and leases would leave nothing to check.
 */
export const MEAN_MS: Record<FaultKind, number> = {
  writer: 15_000,
  pause: 6_000,
  commit: 5_000,
  server: 45_000,
  snapshot: 40_000,
  flush: 30_000,
  bus: 3_000,
  schema: 12_000,
}

/** A suspended worker resumes before a quarantine ends. */
export const MAX_PAUSE_MS = 1_800
export const MAX_OUTAGE_MS = 1_500

/** @throws Error when the text names none of the kinds. */
export function parseFaults(text: string, store: StoreName): FaultKind[] {
  if (text === 'all') return faultsOf(store)
  if (text === 'none') return []
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name)
    if (kind === undefined)
      throw new Error(
        `Expected faults to be "all", "none", or some of ${FAULT_KINDS.join(', ')}, got "${name}".`,
      )
    return kind
  })
}

/** A random time around a mean: from 50% to 150% of it. */
export function around(meanMs: number, random: Random): number {
  return meanMs * (0.5 + random.next())
}
