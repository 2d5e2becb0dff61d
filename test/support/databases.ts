import type { Dialect } from '@sluice/core'
import { inject } from 'vitest'
import type { ServiceAddress } from '../services/service.ts'
import type { Database } from './database.ts'
import { createMariadbDatabase } from './mariadb-database.ts'
import { createPostgresDatabase } from './postgres-database.ts'
import { createSqliteDatabase } from './sqlite-database.ts'

export type { Database } from './database.ts'

/** A kind of database to loop over: `describe.skipIf(skipped !== undefined)(name, …)`. */
export interface DatabaseKind {
  readonly name: 'SQLite' | 'PostgreSQL' | 'MariaDB'
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

/**
 * Creates an empty database.
 *
 * @throws Error if this machine has no such database.
 */
export async function freshDatabase(dialect: Dialect): Promise<Database> {
  const kind = databases().find((candidate) => candidate.dialect === dialect)
  if (kind === undefined) throw new Error(`Expected a dialect, got "${dialect}".`)
  return kind.connect()
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
