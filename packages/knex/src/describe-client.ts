import type { Dialect } from '@sluice/core'
import { type ClientDescription, outcomeOfSynchronous, type PoolDescription } from '@sluice/core/adapter'
import { hasOneConnection, poolStateOf, resizePool } from './internals/client.ts'
import { isClosed } from './internals/connection.ts'
import type { Conversions } from './internals/conversions.ts'
import type { ClientInternals } from './internals/types.ts'
import { attachedConnection } from './knex-connection.ts'
import { resultSettings } from './result-settings.ts'

/** How the ORM above an instance is described in findings. */
export type KnexDescription = Pick<PoolDescription, 'orm' | 'fix'>

/** The description of an instance that the core needs. None of it keeps the instance alive. */
export function describeClient(
  client: ClientInternals,
  base: ClientInternals,
  dialect: Dialect,
  conversions: Conversions,
  description: KnexDescription,
): ClientDescription {
  const held = new WeakRef(client)
  // Results are as returned by the driver, so the driver and its settings are part of the name. Settings do
  // not change.
  let settings: { readonly text: string | undefined } | undefined
  return {
    orm: 'knex',
    ...description,
    dialect,
    moduleUrl: import.meta.url,
    connection(closing) {
      const client = held.deref()
      return client === undefined || poolStateOf(client) === undefined
        ? undefined
        : attachedConnection(client, base, dialect, closing)
    },
    isClosed,
    isSingle: () => hasOneConnection(held.deref()),
    // `pg-native` adds the code of the connection's last error to any later error: also if the connection is
    // lost, and the write may have been committed.
    ...(client.driverName === 'pgnative' && { writeOutcome: () => 'unknown' }),
    isEmbedded: client.driverName === 'better-sqlite3' || client.driverName === 'sqlite3',
    ...(client.driverName === 'better-sqlite3' && { writeOutcome: outcomeOfSynchronous }),
    pool() {
      const client = held.deref()
      return client === undefined ? undefined : poolStateOf(client)
    },
    // Each connection of SQLite can have a separate database, in memory.
    ...(dialect !== 'sqlite' && {
      resizePool(max: number) {
        const client = held.deref()
        if (client !== undefined) resizePool(client, max)
      },
    }),
    settings(ownTypes) {
      const client = held.deref()
      if (client === undefined) return undefined
      settings ??= { text: resultSettings(client) }
      const shared = settings.text === undefined ? undefined : conversions.shared(ownTypes)
      return shared === undefined ? undefined : `${client.driverName ?? ''} ${settings.text} ${shared}`
    },
  }
}
