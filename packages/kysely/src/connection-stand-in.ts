import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'

/** Options of an operation that can be aborted, since Kysely 0.29. */
export type AbortOptions = Parameters<DatabaseConnection['executeQuery']>[1]

/** A connection that is in use. */
export interface Taken {
  readonly connection: DatabaseConnection
  release(): Promise<void>
}

/** The driver that creates stand-ins. */
interface StandInDriver {
  take(options: AbortOptions): Promise<Taken>
  /** Whether a query that needs no certain connection goes through Sluice. */
  reads(query: CompiledQuery): boolean
  read<R>(query: CompiledQuery): Promise<QueryResult<R>>
  send(
    connection: DatabaseConnection,
    query: CompiledQuery,
    options: AbortOptions,
    isInTransaction: boolean,
  ): Promise<QueryResult<unknown>>
  stream<R>(
    connection: DatabaseConnection,
    query: CompiledQuery,
    chunkSize: number,
    options: AbortOptions,
  ): AsyncIterableIterator<QueryResult<R>>
}

/** Members that Kysely calls on a connection to abort a query, since Kysely 0.29. */
const ABORTING = ['cancelQuery', 'collectSessionInfo', 'killSession'] as const

type Members = Readonly<Record<string, ((...args: readonly unknown[]) => unknown) | undefined>>

/**
 * A connection for Kysely, which may replace its methods. It takes a connection of the app's driver when the
 * first query must be sent on it, and stays bound to it: session settings and transactions are there.
 */
export class ConnectionStandIn implements DatabaseConnection {
  #taken: Promise<Taken> | undefined
  /** The connection that it has taken. */
  #held: Taken | undefined
  /** Whether Kysely has begun a transaction on it. One that the app begins by a statement does not count. */
  isInTransaction = false

  constructor(
    private readonly driver: StandInDriver,
    private readonly options: AbortOptions,
  ) {}

  executeQuery<R>(query: CompiledQuery, options?: AbortOptions): Promise<QueryResult<R>> {
    const { driver } = this
    if (this.#taken === undefined && options?.signal === undefined && driver.reads(query))
      return driver.read(query)
    return (
      this.#held === undefined
        ? this.#executeBound(query, options)
        : driver.send(this.#held.connection, query, options, this.isInTransaction)
    ) as Promise<QueryResult<R>>
  }

  async *streamQuery<R>(
    query: CompiledQuery,
    chunkSize: number,
    options?: AbortOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    yield* this.driver.stream<R>(await this.bind(), query, chunkSize, options)
  }

  async bind(): Promise<DatabaseConnection> {
    this.#taken ??= this.driver.take(this.options)
    this.#held = await this.#taken
    return this.#held.connection
  }

  /** `undefined`: there is nothing to wait for. */
  release(): Promise<void> | undefined {
    if (this.#held !== undefined) return this.#held.release()
    // The query that needed the connection has received the error.
    return this.#taken?.then(
      (taken) => taken.release(),
      () => {},
    )
  }

  async #executeBound(query: CompiledQuery, options: AbortOptions): Promise<QueryResult<unknown>> {
    return this.driver.send(await this.bind(), query, options, this.isInTransaction)
  }

  /** Member that Kysely calls to abort a query, of the driver's connection; `undefined` if that has none. */
  aborting(name: string): unknown {
    const members = this.#held?.connection as unknown as Members | undefined
    if (members !== undefined) return members[name]?.bind(members)
    return async (...args: readonly unknown[]) => ((await this.bind()) as unknown as Members)[name]?.(...args)
  }
}

for (const name of ABORTING)
  Object.defineProperty(ConnectionStandIn.prototype, name, {
    configurable: true,
    get(this: ConnectionStandIn) {
      return this.aborting(name)
    },
  })
