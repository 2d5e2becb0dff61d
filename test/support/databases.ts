import type { Dialect } from '@sluice/core'
import { inject } from 'vitest'
import { knexClients } from '../services/knex-clients.ts'
import type { ServiceAddress } from '../services/service.ts'
import type { Database } from './database.ts'
import { createMariadbDatabase } from './mariadb-database.ts'
import { createPostgresDatabase } from './postgres-database.ts'
import { createSqliteDatabase } from './sqlite-database.ts'

export type { Database } from './database.ts'

/** A kind of database to loop over: `describe.skipIf(skipped !== undefined)(name, …)`. */
export interface DatabaseKind {
  readonly name: string
  readonly dialect: Dialect
  /** The reason why this machine has no such database. */
  readonly skipped?: string
  /** Creates an empty database. */
  connect(): Promise<Database>
}

/** Every kind of database that Sluice reads. */
export function databases(): DatabaseKind[] {
  const { postgres, mariadb } = services()
  return [
    { name: 'SQLite', dialect: 'sqlite', connect: createSqliteDatabase },
    { name: 'PostgreSQL', dialect: 'postgresql', ...service(postgres, createPostgresDatabase) },
    { name: 'MariaDB', dialect: 'mysql', ...service(mariadb, createMariadbDatabase) },
  ]
}

/** A kind of database, with one of Knex's clients for it. */
export interface KnexDatabaseKind extends DatabaseKind {
  /** The client in the configurations of its databases. */
  readonly client: string
}

/** Every kind of database, with each client of Knex that Sluice supports. */
export function everyKnexDatabase(): KnexDatabaseKind[] {
  return databases().flatMap(({ name, skipped, connect, ...kind }) =>
    knexClients(kind.dialect).map(({ client, skipped: missing }): KnexDatabaseKind => {
      const reason = skipped ?? missing
      return {
        ...kind,
        name: `${name} (${client})`,
        client,
        ...(reason === undefined ? {} : { skipped: reason }),
        connect: async () => withClient(await connect(), client),
      }
    }),
  )
}

/**
 * Every kind of database with its usual client of Knex; with `SLUICE_TEST_KNEX_CLIENTS=all`, with each
 * client.
 */
export function knexDatabases(): KnexDatabaseKind[] {
  const every = everyKnexDatabase()
  if (process.env.SLUICE_TEST_KNEX_CLIENTS === 'all') return every
  return databases().flatMap(({ dialect }) => every.find((kind) => kind.dialect === dialect) ?? [])
}

/**
 * Creates an empty database.
 *
 * @param client - The client in its configurations for Knex. Default: the first one.
 * @throws Error if this machine has no such database.
 */
export async function freshDatabase(dialect: Dialect, client?: string): Promise<Database> {
  const kind = databases().find((candidate) => candidate.dialect === dialect)
  if (kind === undefined) throw new Error(`Expected a dialect, got "${dialect}".`)
  const database = await kind.connect()
  return client === undefined ? database : withClient(database, client)
}

function withClient(database: Database, client: string): Database {
  return { ...database, knexConfig: () => ({ ...database.knexConfig(), client }) }
}

function services(): { readonly postgres: ServiceAddress; readonly mariadb: ServiceAddress } {
  const provided: ReturnType<typeof inject<'services'>> | undefined = inject('services')
  if (provided === undefined) {
    throw new Error(
      'No database services: run these tests in the project "integration", whose global setup starts them.',
    )
  }
  return provided
}

function service(
  address: ServiceAddress,
  create: (serviceUrl: string) => Promise<Database>,
): Pick<DatabaseKind, 'skipped' | 'connect'> {
  if ('url' in address) return { connect: () => create(address.url) }
  return { skipped: address.skipped, connect: () => Promise.reject(new Error(address.skipped)) }
}
