import { UsageError } from '../command.ts'
import { openMysql } from './open-mysql.ts'
import { openPostgresql } from './open-postgresql.ts'
import { openSqlite, sqlitePath } from './open-sqlite.ts'
import { type OpenConnection, shownAddress } from './own-connection.ts'

const SERVERS = {
  postgres: openPostgresql,
  postgresql: openPostgresql,
  mysql: openMysql,
  mariadb: openMysql,
} as const

/** A scheme has at least 2 characters, unlike the drive of a path on Windows. */
const SCHEME = /^([a-z][a-z\d+.-]+):/i

/**
 * Connects to a database.
 *
 * @param url - `postgresql://…`, `mysql://…`, `mariadb://…`, `file:<path>`, `sqlite:<path>`, or the path of
 *   an SQLite file.
 * @throws UsageError for an unsupported URL; ConnectError if the connection fails.
 */
export function openConnection(url: string): Promise<OpenConnection> {
  const scheme = SCHEME.exec(url)?.[1]
  if (scheme === undefined || scheme === 'file' || scheme === 'sqlite') return openSqlite(sqlitePath(url))
  if (!Object.hasOwn(SERVERS, scheme))
    throw new UsageError(
      `unknown scheme "${scheme}:" in the URL of the database: expected postgresql://…, mysql://…, mariadb://…, file:<path> or sqlite:<path>, got ${shownAddress(url)}`,
    )
  if (!url.startsWith(`${scheme}://`) || !URL.canParse(url))
    throw new UsageError(
      `expected a URL such as postgresql://user:password@host:5432/name, got ${shownAddress(url)}`,
    )
  return SERVERS[scheme as keyof typeof SERVERS](url)
}
