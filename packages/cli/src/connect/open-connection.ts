import { UsageError } from '../command.ts'
import { loadDriver } from './load-driver.ts'
import { openSqlite, sqlitePath } from './open-sqlite.ts'
import { ConnectError, type OpenConnection, shownAddress } from './own-connection.ts'

const SERVERS = {
  postgres: openPostgresql,
  postgresql: openPostgresql,
  mysql: openMysql,
  mariadb: openMysql,
} as const

const CONNECT_TIMEOUT_MS = 10_000

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

async function openMysql(url: string): Promise<OpenConnection> {
  const { createConnection } = await loadDriver('mysql2/promise', () => import('mysql2/promise'))
  const address = shownAddress(url)
  const parsed = new URL(url.replace(/^mariadb:/, 'mysql:'))
  parsed.search = ''
  try {
    const client = await createConnection({
      uri: parsed.href,
      connectTimeout: CONNECT_TIMEOUT_MS,
      supportBigNumbers: true,
    })
    // A lost connection rejects the running query. Without a listener, the event would end the process.
    client.on('error', () => {})
    const connection: OpenConnection = {
      dialect: 'mysql',
      address,
      query: async (sql, params = []) => {
        const [rows] = await client.query(sql, [...params])
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
      },
      session: (work) => work(connection),
      close: () => client.end(),
    }
    return connection
  } catch (error) {
    throw new ConnectError(address, error)
  }
}

async function openPostgresql(url: string): Promise<OpenConnection> {
  const { default: pg } = await loadDriver('pg', () => import('pg'))
  const address = shownAddress(url)
  // The driver does not accept Prisma's parameters.
  const { schema, connectionString } = withoutPrismaParameters(url)
  // Throws if certificate files of the URL are missing.
  const client = attempt(
    () =>
      new pg.Client({
        connectionString,
        application_name: 'sluice',
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      }),
  )
  // A lost connection rejects the running query. Without a listener, the event would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    if (schema !== undefined)
      await client.query('SELECT pg_catalog.set_config($1, $2, false)', ['search_path', schema])
  } catch (error) {
    await client.end().catch(() => {})
    throw new ConnectError(address, error)
  }
  const connection: OpenConnection = {
    dialect: 'postgresql',
    address,
    query: async (sql, params = []) => (await client.query(sql, [...params])).rows,
    session: (work) => work(connection),
    close: () => client.end(),
  }
  return connection

  function attempt<T>(make: () => T): T {
    try {
      return make()
    } catch (error) {
      throw new ConnectError(address, error)
    }
  }
}

function withoutPrismaParameters(url: string): {
  readonly connectionString: string
  readonly schema: string | undefined
} {
  if (!URL.canParse(url)) return { connectionString: url, schema: undefined }
  const parsed = new URL(url)
  const schema = parsed.searchParams.get('schema') ?? undefined
  for (const name of [
    'schema',
    'connection_limit',
    'pool_timeout',
    'pgbouncer',
    'statement_cache_size',
    'socket_timeout',
  ])
    parsed.searchParams.delete(name)
  return { connectionString: parsed.href, schema }
}
