import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { Connection } from '@sluice/core/database'
import { errorMessage, plainLine, redact } from '@sluice/core/siblings'
import type Database from 'better-sqlite3'
import { UsageError } from '../command.ts'
import { loadDriver } from './load-driver.ts'

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

/** A connection of the command line: a single session without other users. */
export interface OpenConnection extends Connection {
  /** URL of the database, without the password. */
  readonly address: string
  close(): Promise<void>
}

/** The server does not respond, or denies access. */
export class ConnectError extends Error {
  constructor(address: string, cause: unknown) {
    super(`Cannot connect to ${address}: ${errorMessage(cause)}`, { cause })
    this.name = 'ConnectError'
  }
}

/** PostgreSQL's classes 08 and 57P, and codes of MySQL's driver and of sockets. */
const CODES = /^(08\w{3}|57P0[1-4]|PROTOCOL_CONNECTION_LOST|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT)$/

/** Whether an error means that the connection to the database was lost. */
export function isDisconnect(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return (typeof code === 'string' && CODES.test(code)) || message === 'Connection terminated unexpectedly'
}

/** A URL for display, in one line, without password and parameters, even if the URL is invalid. */
export function shownAddress(url: string): string {
  return plainLine(redact(withoutSecrets(url)))
}

function withoutSecrets(url: string): string {
  const scheme = /^[a-z][\w+.-]*:\/\//i.exec(url)?.[0]
  if (scheme === undefined) return withoutParameters(url)
  const rest = url.slice(scheme.length)
  if (URL.canParse(url)) {
    const { username, host, pathname } = new URL(url)
    return `${scheme}${username === '' ? '' : `${username}@`}${host}${pathname}`
  }
  // In an invalid URL, the password can contain any character, so cut up to the last @.
  const at = rest.lastIndexOf('@')
  return at < 0
    ? `${scheme}${withoutParameters(rest)}`
    : `${scheme}…@${withoutParameters(rest.slice(at + 1))}`
}

/** An address without its query. */
function withoutParameters(url: string): string {
  return url.split('?', 1)[0] ?? ''
}

/** The file path of a URL. In `sqlite://blog.db`, the path is relative, as in other tools. */
export function sqlitePath(url: string): string {
  return withoutParameters(url.replace(/^(file|sqlite):(\/\/)?/, ''))
}

/** @param isWritable - Default: read-only. */
export async function openSqlite(file: string, isWritable = false): Promise<OpenConnection> {
  const { default: Sqlite } = await loadDriver('better-sqlite3', () => import('better-sqlite3'))
  if (!existsSync(file)) throw new ConnectError(file, new Error('file not found'))
  try {
    const database = new Sqlite(file, { readonly: !isWritable, fileMustExist: true })
    // Only the first read fails if the file is not a database.
    database.pragma('schema_version')
    return connectionOf(database, file)
  } catch (error) {
    throw new ConnectError(file, error)
  }
}

/** An empty database in memory. */
export async function openScratchSqlite(): Promise<OpenConnection> {
  const { default: Sqlite } = await loadDriver('better-sqlite3', () => import('better-sqlite3'))
  return connectionOf(new Sqlite(':memory:'), ':memory:')
}

/** Time after which timers run between two statements, such as those that show the progress. */
const YIELD_EVERY_MS = 100

/** The driver is synchronous, so that without a pause no timer runs in a series of statements. */
function connectionOf(database: Database.Database, address: string): OpenConnection {
  let yieldedAt = performance.now()
  const connection: OpenConnection = {
    dialect: 'sqlite',
    address,
    query: async (sql, params = []) => {
      if (performance.now() - yieldedAt >= YIELD_EVERY_MS) {
        await setImmediate()
        yieldedAt = performance.now()
      }
      const statement = database.prepare(sql)
      const values = params.map(boundValue)
      if (statement.reader) return statement.all(...values) as Record<string, unknown>[]
      statement.run(...values)
      return []
    },
    session: (work) => work(connection),
    close: async () => {
      database.close()
    },
  }
  return connection
}

function boundValue(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value)
  return value instanceof Date ? value.toISOString() : value
}
