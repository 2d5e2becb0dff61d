import { createRequire } from 'node:module'
import type { Dialect } from '@sluice/core'

const require = createRequire(import.meta.url)

/** A client of Knex that Sluice supports. */
export interface KnexClient {
  /** The option `client` of Knex. */
  readonly client: string
  /** The reason why this machine does not have its driver. */
  readonly skipped?: string
}

/** By dialect. The first client is the one of tests that need only one. */
const LOADERS: Readonly<Record<Dialect, Readonly<Record<string, () => unknown>>>> = {
  sqlite: {
    'better-sqlite3': () => require('better-sqlite3'),
    sqlite3: () => require('sqlite3'),
  },
  postgresql: {
    pg: () => require('pg'),
    pgnative: () => require('pg-native'),
  },
  mysql: {
    mysql2: () => require('mysql2'),
    mysql: () => require('mysql'),
  },
}

/** Every client of Knex that Sluice supports for a database. */
export function knexClients(dialect: Dialect): KnexClient[] {
  return Object.entries(LOADERS[dialect]).map(([client, load]) => {
    try {
      load()
      return { client }
    } catch {
      // Not a dependency: its installation compiles it, which takes minutes and not every machine can do.
      return { client, skipped: `The driver of Knex's client ${client} is not installed.` }
    }
  })
}
