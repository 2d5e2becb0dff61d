import type { Connection } from '@sluice/core/database'
import { UsageError } from '../usage-error.ts'
import { openMysql } from './open-mysql.ts'
import { openPostgresql } from './open-postgresql.ts'
import { openSqlite, sqlitePath } from './open-sqlite.ts'

/** A connection of the command line's own: one session, which nobody else uses. */
export interface OpenConnection extends Connection {
  /** Where it goes, without a password. */
  readonly address: string
  close(): Promise<void>
}

/** The database does not answer, or does not let us in. */
export class ConnectError extends Error {
  constructor(address: string, cause: unknown) {
    super(`Cannot connect to ${address}: ${cause instanceof Error ? cause.message || String(cause) : String(cause)}`, { cause })
    this.name = 'ConnectError'
  }
}

/**
 * Connects to a database.
 *
 * @param url - `postgresql://…`, `mysql://…`, `mariadb://…`, `file:<path>`, `sqlite:<path>`, or the path of an SQLite file.
 * @throws UsageError for another kind of address; ConnectError when the database cannot be reached.
 */
export function openConnection(url: string): Promise<OpenConnection> {
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgresql(url)
  if (/^(mysql|mariadb):\/\//.test(url)) return openMysql(url)
  if (/^(prisma|prisma\+postgres|sqlserver|mongodb(\+srv)?|libsql|https?):\/\//.test(url))
    throw new UsageError(`expected a postgresql://, mysql:// or file: address, got ${withoutSecrets(url)}`)
  return openSqlite(sqlitePath(url))
}

/** An address that may be shown. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@/]*@/, (user) => `//${user.slice(2).split(':', 1)[0]?.replace('@', '')}@`).replace(/\?.*$/, '')
}
