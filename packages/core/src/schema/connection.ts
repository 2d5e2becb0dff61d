import type { Dialect } from '../sql/dialect.ts'

/** A way to ask a database, given by an adapter. Catalogue readers and inspectors build on it. */
export interface Connection {
  readonly dialect: Dialect
  /**
   * Runs one statement and returns its rows, each an object by column name.
   *
   * @param params - Bound in order; placeholders are the dialect's own (`$1` on PostgreSQL, `?` elsewhere).
   */
  query(sql: string, params?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * Runs work on one session of the database: what is set or made for the session (`SET`, temporary tables, hypothetical indexes) is there for
   * all of its queries, and nobody else's statements come in between. Left out where that cannot be had.
   *
   * @throws Whatever the work throws. The session is given back, as it was or not at all.
   */
  session?<T>(work: (session: Connection) => Promise<T>): Promise<T>
  /** Whether a session takes no connection from the app's pool. Default: it may. */
  readonly isBesidePool?: boolean
}

/** A pool of connections at one time. */
export interface PoolState {
  /** Connections that it keeps at least, and has at most. */
  readonly min: number
  readonly max: number
  /** In use, and waiting for use. */
  readonly used: number
  readonly idle: number
  /** Callers that wait for a connection. */
  readonly waiting: number
}

/** Whether a pool has no connection left for one more caller: all are in use, or promised to those who wait. */
export function isPoolExhausted({ idle, used, waiting, max }: PoolState): boolean {
  return idle === 0 && used + waiting >= max
}

/** Clients whose connections are kept; of more, the newest. */
const MAX_CONNECTIONS = 64

/** Gives a connection through an attached client; `undefined` once the client is gone. */
type ConnectionSource = () => Connection | undefined

/** Ways to the databases that the app itself uses, one of each attached client. What is sent on them is none of the app's: it is neither observed nor cached. */
export class ConnectionRegistry {
  readonly #sources = new Map<string, ConnectionSource>()

  attach(sourceId: string, source: ConnectionSource): void {
    this.#sources.set(sourceId, source)
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > MAX_CONNECTIONS && oldest !== undefined) this.#sources.delete(oldest)
  }

  /** The client is no longer instrumented. */
  detach(sourceId: string): void {
    this.#sources.delete(sourceId)
  }

  clear(): void {
    this.#sources.clear()
  }

  /** That of one client; `undefined` when it is not there. */
  of(sourceId: string): Connection | undefined {
    return this.#sources.get(sourceId)?.()
  }

  /** That of the client that was attached first, of a dialect or of any. */
  first(dialect?: Dialect): Connection | undefined {
    return this.all().find((connection) => dialect === undefined || connection.dialect === dialect)
  }

  /** Those of all clients that are there, the first one first. */
  all(): readonly Connection[] {
    return [...this.#sources.values()].flatMap((source) => source() ?? [])
  }
}
