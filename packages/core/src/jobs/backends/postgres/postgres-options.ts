import { InvalidOptionError } from '../../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../../shared/options.ts'

/** A statement, as it is passed to the driver. */
export interface PostgresQuery {
  readonly text: string
  readonly values?: unknown[]
  /** Values are read in the server's text representation, regardless of the app's type parsers. */
  readonly types?: { getTypeParser(oid: number, format?: string): (value: string) => unknown }
}

/** A connection that a pool lends: a `PoolClient` of `pg`. */
export interface PostgresPoolClient {
  query(query: PostgresQuery): Promise<{ readonly rows: readonly unknown[] }>
  /** @param destroy - Whether it is closed, and not lent again. */
  release(destroy?: boolean): void
  on(
    event: 'notification',
    listener: (message: { readonly channel: string; readonly payload?: string | undefined }) => void,
  ): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  /** Lets the process end while it is open. */
  unref?(): void
}

/** The part of a `pg.Pool` that the backend uses. */
export interface PostgresPool {
  connect(): Promise<PostgresPoolClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Number of idle connections. */
  readonly idleCount?: number
  /** How many connections it has at most, among others. */
  readonly options?: { readonly max?: number | undefined }
}

export interface PostgresJobBackendOptions {
  /** Your app's `pg.Pool`. Closing the backend releases its connections and does not end the pool. */
  readonly pool: PostgresPool
  /**
   * The schema of its tables, made where it is missing. At most 48 bytes.
   * @defaultValue 'sluice'
   */
  readonly schema?: string
  /**
   * Whether a process that runs tasks holds one connection of the pool to receive notifications of new tasks.
   * Without it, polling finds them. Set `false` with PgBouncer in transaction mode, which does not support
   * notifications.
   * @defaultValue true
   */
  readonly listen?: boolean
  /**
   * Milliseconds that the database has to answer, and the pool to lend a connection; after that, the
   * connection is closed. Minimum: `100`.
   * @defaultValue 5000
   */
  readonly timeoutMs?: number
}

export interface PostgresJobsSqlOptions {
  /**
   * The schema of the tables. At most 48 bytes.
   * @defaultValue 'sluice'
   */
  readonly schema?: string
  /**
   * Role that your app connects as. It receives the permissions that it needs to use the tables.
   * @defaultValue the role that runs the SQL
   */
  readonly grantTo?: string
}

export const DEFAULT_SCHEMA = 'sluice'

const isName = (value: unknown, bytes: number): boolean =>
  typeof value === 'string' && value !== '' && !value.includes('\0') && Buffer.byteLength(value) <= bytes
// The others mean something in statements, to PostgreSQL or to a query builder.
const schema: OptionRule = {
  expected: 'a name of at most 48 bytes, without "?", "$" and "\\"',
  accepts: (value) => isName(value, 48) && !/[?$\\]/.test(value as string),
}
const grantTo: OptionRule = { expected: 'a name of at most 63 bytes', accepts: (value) => isName(value, 63) }
const pool: OptionRule = {
  expected: 'a pg.Pool',
  accepts: (value) => {
    const { connect, on, query, release } = (value ?? {}) as Partial<Record<string, unknown>>
    // A client connects, too.
    return (
      [connect, on, query].every((one) => typeof one === 'function') &&
      release === undefined &&
      'totalCount' in (value as object)
    )
  },
}

/** @throws InvalidOptionError. */
export function checkPostgresJobBackendOptions(options: PostgresJobBackendOptions): void {
  checkOptions(options, { pool, schema, listen: option.boolean, timeoutMs: option.number(100, 600_000) })
  if (options.pool === undefined) throw new InvalidOptionError('pool', pool.expected, undefined)
}

/** @throws InvalidOptionError. */
export function checkPostgresJobsSqlOptions(options: PostgresJobsSqlOptions): void {
  checkOptions(options, { schema, grantTo })
}
