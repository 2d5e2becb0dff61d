import type { Clients } from './clients.ts'

/**
 * One piece of an app, as usually written and as manually fixed against N+1. All variants return the same
 * result.
 */
export interface QueryCase {
  readonly id: string
  readonly title: string
  /** Takes so long without Sluice that one round must suffice. */
  readonly isLong?: boolean
  /** Also measured on PostgreSQL in quick runs. */
  readonly isQuick?: boolean
  /** Not measured in quick runs. */
  readonly isOmittedInQuickRuns?: boolean
  /** Measured on PostgreSQL only. */
  readonly isOnServers?: boolean
  /** Runs one query at a time. Used with and without Sluice. */
  naive(clients: Clients): Promise<unknown>
  /** One query per level. */
  include?(clients: Clients): Promise<unknown>
  /** Parallel calls of a DataLoader for each lookup. */
  loader?(clients: Clients): Promise<unknown>
}

/** A case with manual fixes against N+1. */
export type ByHand = Pick<QueryCase, 'include' | 'loader'>

/** Awaits the calls sequentially. */
export async function inTurn<T, R>(items: readonly T[], each: (item: T) => PromiseLike<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await each(item))
  return results
}

/** Starts all calls concurrently. */
export function together<T, R>(items: readonly T[], each: (item: T) => PromiseLike<R>): Promise<R[]> {
  return Promise.all(items.map(each))
}
