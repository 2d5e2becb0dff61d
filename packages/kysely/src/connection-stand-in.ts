import type { TransactionReads } from '@sluice/core/adapter'
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'

/** Options of an operation that can be aborted, since Kysely 0.29. */
export type AbortOptions = Parameters<DatabaseConnection['executeQuery']>[1]

/** A connection that is in use. */
export interface Taken {
  readonly connection: DatabaseConnection
  release(): Promise<void>
}

/** A transaction whose reads may be served from the cache. */
export interface TransactionOf {
  readonly connection: DatabaseConnection
  readonly reads: TransactionReads
}

/** The driver that creates stand-ins. */
interface StandInDriver {
  /** Takes a connection for statements that are executed in the order of the app's calls. */
  reserve(options: AbortOptions, isForStatement: boolean, insteadOfRead: boolean): Promise<Taken>
  /** Whether a query that needs no certain connection goes through Sluice. */
  reads(query: CompiledQuery): boolean
  read<R>(query: CompiledQuery, after: Promise<unknown> | undefined): Promise<QueryResult<R>>
  send(
    connection: DatabaseConnection,
    query: CompiledQuery,
    options: AbortOptions,
    isInTransaction: boolean,
  ): Promise<QueryResult<unknown>>
  /** Sends a query of a transaction, or serves it from the cache. */
  answer(
    { connection, reads }: TransactionOf,
    query: CompiledQuery,
    options: AbortOptions,
  ): Promise<QueryResult<unknown>>
  stream<R>(
    connection: DatabaseConnection,
    query: CompiledQuery,
    chunkSize: number,
    options: AbortOptions,
  ): AsyncIterableIterator<QueryResult<R>>
}

/** A query for which Kysely has requested a connection. */
export interface Expected {
  /** `undefined`: one that was not compiled right before. */
  readonly query: CompiledQuery | undefined
  /** Whether it can be answered without a connection, as far as is known. */
  readonly isRead: boolean
  /** Whether it counts as a read in the order of the calls. */
  readonly isOrdered?: boolean
  /** Called once the query is known, if it was unknown. More calls have no effect. */
  decided?(): void
  /** Before that, a read must not be sent. */
  readonly after?: Promise<unknown> | undefined
  /** Called once: for a read at its end, for any other query when it is sent. */
  end(): void
}

/** Members that Kysely calls on a connection to abort a query, since Kysely 0.29. */
const ABORTING = ['cancelQuery', 'collectSessionInfo', 'killSession'] as const

type Members = Readonly<Record<string, ((...args: readonly unknown[]) => unknown) | undefined>>

/**
 * A connection for Kysely, which may replace its methods. One that was requested for a single query takes a
 * connection of the app's driver when that query must be sent on it. Any other has one from the beginning.
 * It stays bound to it: session settings and transactions are there.
 */
export class ConnectionStandIn implements DatabaseConnection {
  #taken: Promise<Taken> | undefined
  /** The connection that it has taken. */
  #held: Taken | undefined
  #expected: Expected | undefined
  #isUsed = false
  /** Whether Kysely has begun a transaction on it. One that the app begins by a statement does not count. */
  isInTransaction = false
  /** The same transaction; `undefined`: none of its reads are served from the cache. */
  transaction: TransactionOf | undefined

  private constructor(
    private readonly driver: StandInDriver,
    private readonly options: AbortOptions,
  ) {}

  /**
   * A stand-in that has taken a connection.
   *
   * @param earlier - One that has been released, and takes the connection again.
   */
  static bound(
    driver: StandInDriver,
    options: AbortOptions,
    taken: Taken,
    earlier?: ConnectionStandIn,
  ): ConnectionStandIn {
    const standIn = earlier ?? new ConnectionStandIn(driver, options)
    standIn.#held = taken
    standIn.ends()
    return standIn
  }

  /** A stand-in for one query. */
  static expecting(driver: StandInDriver, options: AbortOptions, expected: Expected): ConnectionStandIn {
    const standIn = new ConnectionStandIn(driver, options)
    standIn.#expected = expected
    return standIn
  }

  get connection(): DatabaseConnection | undefined {
    return this.#held?.connection
  }

  /** Called when its transaction is about to end. */
  ends(): void {
    this.isInTransaction = false
    this.transaction = undefined
  }

  executeQuery<R>(query: CompiledQuery, options?: AbortOptions): Promise<QueryResult<R>> {
    const expected = this.#isUsed ? undefined : this.#expected
    this.#isUsed = true
    const running = this.#execute<R>(query, options, expected)
    expected?.decided?.()
    return running
  }

  #execute<R>(
    query: CompiledQuery,
    options: AbortOptions,
    expected: Expected | undefined,
  ): Promise<QueryResult<R>> {
    const { driver } = this
    const isExpected = expected?.isRead === true && (expected.query ?? query) === query
    if (isExpected && options?.signal === undefined && driver.reads(query))
      return driver.read(query, expected.after)
    if (this.transaction !== undefined)
      return driver.answer(this.transaction, query, options) as Promise<QueryResult<R>>
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
    if (this.#held !== undefined) return this.#held.connection
    if (this.#taken === undefined) {
      const expected = this.#expected
      const insteadOfRead = expected?.isOrdered === true
      if (insteadOfRead) this.#expected = undefined
      this.#taken = this.driver.reserve(this.options, expected !== undefined, insteadOfRead)
      expected?.decided?.()
    }
    this.#held = await this.#taken
    return this.#held.connection
  }

  /** `undefined`: there is nothing to wait for. */
  release(): Promise<void> | undefined {
    this.#ended()
    if (this.#held !== undefined) return this.#held.release()
    // The query that needed the connection has received the error.
    return this.#taken?.then(
      (taken) => taken.release(),
      () => {},
    )
  }

  #ended(): void {
    const expected = this.#expected
    this.#expected = undefined
    expected?.decided?.()
    expected?.end()
  }

  async #executeBound(query: CompiledQuery, options: AbortOptions): Promise<QueryResult<unknown>> {
    const connection = await this.bind()
    const sent = this.driver.send(connection, query, options, this.isInTransaction)
    this.#ended()
    return sent
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
