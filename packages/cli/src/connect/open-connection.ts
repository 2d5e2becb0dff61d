import type { Connection } from '@sluice/core/database'
import { UsageError } from '../usage-error.ts'
import { openMysql } from './open-mysql.ts'
import { openPostgresql } from './open-postgresql.ts'
import { openSqlite, sqlitePath } from './open-sqlite.ts'
import { shownAddress } from './shown-address.ts'

/** A connection of the command line's own: one session, which nobody else uses. */
export interface OpenConnection extends Connection {
  /** Where it goes, without a password. */
  readonly address: string
  close(): Promise<void>
}

/** The database does not answer, or does not let us in. */
export class ConnectError extends Error {
  constructor(address: string, cause: unknown) {
    super(`Cannot connect to ${address}: ${messageOf(cause)}`, { cause })
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
  if (/^(postgres(ql)?|mysql|mariadb):\/\//.test(url) && !URL.canParse(url))
    throw new UsageError(`expected an address such as postgresql://user:password@host:5432/name, got ${shownAddress(url)}`)
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgresql(url)
  if (/^(mysql|mariadb):\/\//.test(url)) return openMysql(url)
  if (/^(prisma|prisma\+postgres|sqlserver|mongodb(\+srv)?|libsql|https?):\/\//.test(url))
    throw new UsageError(`expected a postgresql://, mysql:// or file: address, got ${shownAddress(url)}`)
  return openSqlite(sqlitePath(url))
}

/** Where a name has several addresses, what went wrong with the first. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code ?? error) : String(error)
}
