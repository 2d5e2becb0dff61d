import { InvalidArgumentError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import {
  hostOf,
  isMysql2Pool,
  isPgPool,
  isSqliteDatabase,
  type PoolDescription,
  registerMovedFrames,
  registerOwnFrames,
  sluiceMysql2Pool,
  sluicePool,
  sluiceSqlite,
} from '@sluice/core/adapter'
import { fixForSelect } from './fix.ts'
import { parsersOf } from './parsers-of.ts'
import { type DrizzleOptions, replicasOf } from './replicas.ts'

registerOwnFrames(import.meta.url, 'drizzle-orm', 'better-sqlite3')
// Its source maps lead to `node_modules/src`.
registerMovedFrames('drizzle-orm', /[\\/]node_modules[\\/]src[\\/]/)

/** Describes Drizzle to the adapter of a driver. */
export const drizzleDescription: PoolDescription = {
  orm: 'drizzle',
  moduleUrl: import.meta.url,
  isAwaited: true,
  fix: fixForSelect,
  parsersOf,
}

/**
 * Returns a stand-in for the client of a driver, for `drizzle({ client })`. Sluice sees every query through
 * it. A client that is already a stand-in is returned unchanged.
 *
 * The client is a pool of `pg` or of `mysql2`, or a database of `better-sqlite3`, which Sluice only observes,
 * because its calls are synchronous. Any other client, such as a single connection, is returned unchanged,
 * with a warning.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @param options - `replicas` serve reads that do not need the primary.
 * @throws InvalidArgumentError if the first argument is a database of Drizzle, a Sluice or no object;
 * InvalidOptionError for unknown options, and for replicas that are not pools of the client's driver.
 * @example
 * ```ts
 * const db = drizzle({ client: withSluice(new pg.Pool({ connectionString }), sluice) })
 * ```
 */
export function withSluice<TClient extends object>(
  client: TClient,
  sluice?: Sluice | SluiceOptions,
  options: DrizzleOptions = {},
): TClient {
  if (!isClient(client))
    throw new InvalidArgumentError(
      'client',
      'the client of a driver, as in drizzle({ client: withSluice(pool, sluice) })',
      client,
    )
  const used = sluiceFrom(sluice)
  const replicas = replicasOf(client, options)
  if (isPgPool(client)) return sluicePool(client, used, { ...drizzleDescription, replicas }) as TClient
  if (isMysql2Pool(client)) return sluiceMysql2Pool(client, used, { ...drizzleDescription, replicas })
  if (isSqliteDatabase(client)) return sluiceSqlite(client, used, drizzleDescription)
  hostOf(used).warn(
    `@sluice/drizzle works with pools of pg and mysql2, and databases of better-sqlite3; this client is a ${client.constructor?.name ?? 'plain object'}. Its queries pass through, and its writes invalidate nothing. If it is a single connection, pass a pool instead.`,
  )
  return client
}

function isClient(value: unknown): boolean {
  // `better-sqlite3` and some drivers are functions.
  if (value === null || !['object', 'function'].includes(typeof value)) return false
  // A database of Drizzle contains its client; only a Sluice opens scopes.
  return !('$client' in (value as object)) && !('openScope' in (value as object))
}
