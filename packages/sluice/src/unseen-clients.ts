import type { Dialect } from '@sluice/core'
import { ORM_NAMES } from './config/client-names.ts'

const DIALECTS: readonly (readonly [RegExp, Dialect])[] = [
  [/pg|postgres|cockroach/i, 'postgresql'],
  [/mysql|mariadb/i, 'mysql'],
  [/libsql|sqlite/i, 'sqlite'],
]

/** Clients of which Sluice does not see each statement in this process: one of each dialect. */
export const unseenClients: Map<Dialect, string> = new Map()

/**
 * Sluice does not see each statement of a client.
 *
 * @param client - Its name for the user.
 * @param database - The name of its database or driver. If no dialect is known for it, it can be any.
 */
export function unseen(client: string, database: string = client): void {
  // Its driver is seen.
  if ((ORM_NAMES as readonly string[]).includes(client)) return
  const known = DIALECTS.filter(([pattern]) => pattern.test(database))
  for (const [, dialect] of known.length === 0 ? DIALECTS : known)
    if (!unseenClients.has(dialect)) unseenClients.set(dialect, client)
}
