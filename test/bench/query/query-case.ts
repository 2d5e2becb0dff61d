import type { Clients } from './clients.ts'

/** One piece of an app, as people write it and as they write it by hand against N+1. All ways give the same result. */
export interface QueryCase {
  readonly id: string
  readonly title: string
  /** Takes so long when bare that one round must do. */
  readonly isLong?: boolean
  /** Also measured on PostgreSQL when there is little time. */
  readonly isQuick?: boolean
  /** Asks for one thing at a time. Runs bare and with Sluice. */
  naive(clients: Clients): Promise<unknown>
  /** One query a level. */
  include?(clients: Clients): Promise<unknown>
  /** Parallel calls of a DataLoader for each lookup. */
  loader?(clients: Clients): Promise<unknown>
}

/** A case as people write it against N+1. */
export type ByHand = Pick<QueryCase, 'include' | 'loader'>

/** Awaits one after the other. */
export async function inTurn<T, R>(items: readonly T[], each: (item: T) => PromiseLike<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await each(item))
  return results
}

/** Begins all at once. */
export function together<T, R>(items: readonly T[], each: (item: T) => PromiseLike<R>): Promise<R[]> {
  return Promise.all(items.map(each))
}
