import type { Database as SqliteDatabase } from 'better-sqlite3'
import type { Knex } from 'knex'
import type { DatabaseAddress } from './database.ts'
import { replicaPairs } from './replica-pairs.ts'
import { createSqliteDatabase } from './sqlite-database.ts'

/** A database on a server that no other test uses; SQLite: a file. */
export interface SeparateServer extends DatabaseAddress {
  /** A new configuration for `knex(…)` each time. */
  knexConfig(): Knex.Config
  run(sql: string): Promise<unknown>
  stop(): Promise<void>
}

/** A kind of database to loop over: `describe.skipIf(skipped !== undefined)(name, …)`. */
export interface SeparateServerKind {
  readonly name: 'PostgreSQL' | 'MariaDB' | 'SQLite'
  readonly dialect: DatabaseAddress['dialect']
  /** The reason why this machine has no such server. */
  readonly skipped: string | undefined
  start(): Promise<SeparateServer>
}

/** Every kind of database for which Sluice can prove that no other process writes to it. */
export function separateServers(): readonly SeparateServerKind[] {
  const servers = replicaPairs().map(({ name, dialect, client, skipped, start, on }) => ({
    name,
    dialect,
    skipped,
    async start(): Promise<SeparateServer> {
      const { primary: url, stop } = await start(0)
      return {
        dialect,
        url,
        knexConfig: () => ({ client, connection: url, pool: { min: 0, max: 8 } }),
        run: (sql) => on(url, sql),
        stop,
      }
    },
  }))
  return [
    ...servers,
    {
      name: 'SQLite',
      dialect: 'sqlite',
      skipped: undefined,
      async start(): Promise<SeparateServer> {
        const { url, filename = '', exec, drop, knexConfig } = await createSqliteDatabase()
        // Otherwise, readers and writers of separate connections exclude each other.
        await exec('PRAGMA journal_mode = WAL')
        // The driver is synchronous: while it waits for a lock, the transaction of this process that holds
        // the lock cannot continue.
        const afterCreate = (connection: SqliteDatabase, done: () => void) => {
          connection.pragma('busy_timeout = 0')
          done()
        }
        return {
          dialect: 'sqlite',
          url,
          filename,
          knexConfig: () => ({ ...knexConfig(), pool: { min: 1, max: 1, afterCreate } }),
          run: exec,
          stop: drop,
        }
      },
    },
  ]
}
