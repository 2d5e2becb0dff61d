import { UsageError } from '../command.ts'
import { openMysql } from './open-mysql.ts'
import { openPostgresql } from './open-postgresql.ts'
import { openSqlite, sqlitePath } from './open-sqlite.ts'
import { type OpenConnection, shownAddress } from './own-connection.ts'

/**
 * Connects to a database.
 *
 * @param url - `postgresql://…`, `mysql://…`, `mariadb://…`, `file:<path>`, `sqlite:<path>`, or the path of
 *   an SQLite file.
 * @throws UsageError for an unsupported URL; ConnectError if the connection fails.
 */
export function openConnection(url: string): Promise<OpenConnection> {
  if (/^(postgres(ql)?|mysql|mariadb):\/\//.test(url) && !URL.canParse(url))
    throw new UsageError(
      `expected a URL such as postgresql://user:password@host:5432/name, got ${shownAddress(url)}`,
    )
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgresql(url)
  if (/^(mysql|mariadb):\/\//.test(url)) return openMysql(url)
  if (/^(prisma|prisma\+postgres|sqlserver|mongodb(\+srv)?|libsql|https?):\/\//.test(url))
    throw new UsageError(`expected a postgresql://, mysql:// or file: URL, got ${shownAddress(url)}`)
  return openSqlite(sqlitePath(url))
}
