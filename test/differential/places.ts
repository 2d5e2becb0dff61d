import type { Dialect } from '@sluice/core'
import { startServices } from '../services/index.ts'
import type { Database } from '../support/database.ts'
import { createMariadbDatabase } from '../support/mariadb-database.ts'
import { createPostgresDatabase } from '../support/postgres-database.ts'
import { createSqliteDatabase } from '../support/sqlite-database.ts'

/** The databases that scripts run on. */
export interface Places {
  /** The reason why there is no such database; `undefined` if it exists. */
  skipped(dialect: Dialect): string | undefined
  /** Creates an empty database. */
  connect(dialect: Dialect): Promise<Database>
  /** Ends the servers that were started. */
  stop(): Promise<void>
}

const CREATE = {
  sqlite: createSqliteDatabase,
  postgresql: createPostgresDatabase,
  mysql: createMariadbDatabase,
} as const

/** Starts the servers that some databases need. */
export async function openPlaces(dialects: readonly Dialect[]): Promise<Places> {
  if (dialects.every((dialect) => dialect === 'sqlite'))
    return { skipped: () => undefined, connect: () => createSqliteDatabase(), stop: async () => {} }
  const services = await startServices()
  const addressOf = (dialect: Dialect) => {
    if (dialect === 'sqlite') return { url: '' }
    return dialect === 'postgresql' ? services.postgres : services.mariadb
  }
  return {
    skipped(dialect) {
      const address = addressOf(dialect)
      return 'skipped' in address ? address.skipped : undefined
    },
    connect(dialect) {
      const address = addressOf(dialect)
      return 'url' in address ? CREATE[dialect](address.url) : Promise.reject(new Error(address.skipped))
    },
    stop: () => services.stop(),
  }
}
