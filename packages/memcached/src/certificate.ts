import type { MetaReply } from './reply-parser.ts'

/**
 * Statistics of a server that increase when it drops an item that has not expired. `store_no_memory`: a
 * command that finds no memory also deletes the item that it was for.
 */
const LOSSES = [
  'evictions',
  'store_no_memory',
  'slab_reassign_evictions_nomem',
  'slab_reassign_busy_deletes',
  'extstore_objects_evicted',
  'cmd_flush',
] as const

/** Losses of a server since it started. */
export interface Losses {
  readonly lost: number
  readonly evictions: number
  /** Number of items that were stored. Only `stats reset` decreases it. */
  readonly stored: number
}

/** Reads the reply to `stats`. */
export function lossesOf({ flags }: MetaReply): Losses {
  const count = (name: string): number => Number(flags[name] ?? 0)
  return {
    lost: LOSSES.reduce((sum, name) => sum + count(name), 0),
    evictions: count('evictions'),
    stored: count('total_items'),
  }
}

export function certificateOf({ lost, stored }: Losses): string {
  return `${lost}.${stored}`
}

/**
 * Whether a server has lost nothing since a certificate was written. An item that is missing was then never
 * stored.
 */
export function certifies(certificate: string | undefined, { lost, stored }: Losses): boolean {
  if (certificate === undefined) return false
  const [before, storedBefore] = certificate.split('.').map(Number)
  return lost === before && stored >= (storedBefore as number)
}
