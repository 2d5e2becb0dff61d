import type { Dialect } from '../sql/dialect.ts'

/** A connection to a database, provided by an adapter. Catalog readers and inspectors build on it. */
export interface Connection {
  readonly dialect: Dialect
  /**
   * Runs one statement and returns its rows, each an object by column name.
   *
   * @param params - Bound in order, with the dialect's placeholders (`$1` on PostgreSQL, otherwise `?`).
   */
  query(sql: string, params?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * Runs work on one session of the database: session state (`SET`, temporary tables, hypothetical indexes)
   * applies to all of its queries, and no other statements run in between. Omitted if sessions are not
   * available.
   *
   * @throws Any error of the work. The session is released in its original state, or not at all.
   */
  session?<T>(work: (session: Connection) => Promise<T>): Promise<T>
  /** Whether a session takes no connection from the app's pool. Default: it may take one. */
  readonly isBesidePool?: boolean
}

/** State of a connection pool at one moment. */
export interface PoolState {
  /** Minimum and maximum number of connections. */
  readonly min: number
  readonly max: number
  /** In use, and idle. */
  readonly used: number
  readonly idle: number
  /** Callers that wait for a connection. */
  readonly waiting: number
}

/**
 * Whether a pool has no connection left for an additional caller: all are in use, or reserved for waiting
 * callers.
 */
export function isPoolExhausted({ idle, used, waiting, max }: PoolState): boolean {
  return idle === 0 && used + waiting >= max
}

/** Maximum number of clients whose connections are stored; the newest are retained. */
const MAX_CONNECTIONS = 64

/** Returns a connection through an attached client; `undefined` after the client is gone. */
type ConnectionSource = () => Connection | undefined

/**
 * Connections to the databases that the app uses, one per attached client. Statements on them do not belong
 * to the app: they are neither observed nor cached.
 */
export class ConnectionRegistry {
  readonly #sources = new Map<string, ConnectionSource>()

  attach(sourceId: string, source: ConnectionSource): void {
    this.#sources.set(sourceId, source)
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > MAX_CONNECTIONS && oldest !== undefined) this.#sources.delete(oldest)
  }

  /** Called when the client is no longer instrumented. */
  detach(sourceId: string): void {
    this.#sources.delete(sourceId)
  }

  clear(): void {
    this.#sources.clear()
  }

  /** The connection of one client; `undefined` if the client is not attached. */
  of(sourceId: string): Connection | undefined {
    return this.#sources.get(sourceId)?.()
  }

  /** The connection of the client that was attached first, of a dialect or of any. */
  first(dialect?: Dialect): Connection | undefined {
    return this.all().find((connection) => dialect === undefined || connection.dialect === dialect)
  }

  /** The connections of all attached clients, in the order of attachment. */
  all(): readonly Connection[] {
    return [...this.#sources.values()].flatMap((source) => source() ?? [])
  }
}
