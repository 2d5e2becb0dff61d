import type { Dialect as DialectName, Sluice } from '@sluice/core'
import {
  type AdapterClient,
  attachClient,
  lateStack,
  type OriginStacks,
  outcomeOfSynchronous,
  type PoolDescription,
  ReplicaConnections,
  readForm,
  type Stack,
  takeUntil,
} from '@sluice/core/adapter'
import type { CompiledQuery, DatabaseConnection, DialectAdapter, Driver, QueryResult } from 'kysely'
import type { CompiledQueries } from './compiled-queries.ts'
import {
  type AbortOptions,
  ConnectionStandIn,
  type Expected,
  type Taken,
  type TransactionOf,
} from './connection-stand-in.ts'
import type { Conversions } from './conversions.ts'
import { conversionsOf } from './conversions-of.ts'
import { driverConnection } from './driver-connection.ts'
import { DriverConnections } from './driver-connections.ts'
import { isA } from './is-a.ts'
import { isForQuery } from './is-for-query.ts'
import { rawQuery } from './raw-query.ts'
import { type DialectReplicas, ReplicaDrivers } from './replicas.ts'
import { SentQuery } from './sent-query.ts'
import { acquired, streamed } from './unseen-calls.ts'

type TransactionSettings = Parameters<Driver['beginTransaction']>[1]
type Savepoint = NonNullable<Driver['savepoint']>

const NOTHING: Promise<void> = Promise.resolve()

/** How the ORM above a dialect is described in findings. */
export type DialectDescription = Pick<PoolDescription, 'orm' | 'fix' | 'writesLiterals'>

/**
 * A driver around the app's driver. Reads outside of transactions take a connection only when they are sent.
 * Kysely takes one for each query before it shows the query, so otherwise only as many reads as the pool has
 * connections could be batched.
 */
export class SluiceDriver implements Driver {
  readonly savepoint?: Savepoint
  readonly rollbackToSavepoint?: Savepoint
  readonly releaseSavepoint?: Savepoint
  readonly #client: AdapterClient
  readonly #taking: DriverConnections
  readonly #replicas: ReplicaDrivers | undefined
  readonly #conversions: Conversions
  /** By connection of the app's driver. */
  readonly #standIns = new WeakMap<DatabaseConnection, ConnectionStandIn>()
  readonly #connections: ReplicaConnections<{ readonly connection: DatabaseConnection }> | undefined
  /** With one connection: until the query of an earlier call is known. */
  #deciding: Promise<void> | undefined
  /** A result of a read, for its properties besides the rows. */
  #template: QueryResult<unknown> | undefined
  /** Whether results of reads contain nothing but rows. */
  #hasOnlyRows = true

  constructor(
    private readonly driver: Driver,
    sluice: Sluice,
    private readonly dialect: DialectName,
    { supportsMultipleConnections }: DialectAdapter,
    replicas: DialectReplicas,
    /** By compiled query. */
    private readonly origins: OriginStacks,
    private readonly compiled: CompiledQueries,
    private readonly description: DialectDescription,
  ) {
    this.#taking = new DriverConnections(driver, supportsMultipleConnections === false, (connection) =>
      this.#see(connection),
    )
    const held = new WeakRef(this)
    const connection = (closing?: AbortSignal) => {
      const driver = held.deref()
      const release = (taken: Taken) => taken.release()
      return driver && driverConnection(() => takeUntil(closing, driver.take(), release), dialect)
    }
    this.#replicas = replicas.dialects.length === 0 ? undefined : new ReplicaDrivers(replicas, dialect)
    this.#connections = this.#replicas && new ReplicaConnections(this.#replicas)
    const conversions = conversionsOf(driver, dialect, () => connection())
    this.#conversions = conversions
    this.#client = attachClient(sluice, {
      orm: description.orm ?? 'kysely',
      ...(description.fix && { fix: description.fix }),
      dialect,
      moduleUrl: import.meta.url,
      connection,
      connect: async () => held.deref()?.init(),
      settings: (ownTypes) => conversions.shared(ownTypes),
      replicas: this.#replicas?.targets,
      // Kysely does not show the maximum of a pool. One with two connections in use has several.
      isSingle: () => dialect === 'sqlite' || this.#taking.mostUsed < 2,
      ...(isA(driver, 'SqliteDriver') && {
        writeOutcome: outcomeOfSynchronous,
        isEmbedded: true,
      }),
    })
    compiled.isNeeded = () => this.#client.isActive
    for (const name of ['savepoint', 'rollbackToSavepoint', 'releaseSavepoint'] as const) {
      const run = driver[name]
      if (run !== undefined)
        this[name] = async (on, ...args) => run.call(driver, await this.#bound(on), ...args)
    }
  }

  async init(...args: Parameters<Driver['init']>): Promise<void> {
    await this.driver.init(...args)
    await this.#replicas?.init()
  }

  acquireConnection(options?: AbortOptions): Promise<DatabaseConnection> {
    const query = this.compiled.take()
    // A query that can be aborted belongs to one connection.
    const isUnbound =
      this.#client.isActive && options?.signal === undefined && (query !== undefined || isForQuery())
    return this.#deciding === undefined
      ? this.#acquire(isUnbound, query, options)
      : this.#acquireLater(isUnbound, query, options)
  }

  async #acquireLater(
    isUnbound: boolean,
    query: CompiledQuery | undefined,
    options: AbortOptions,
  ): Promise<DatabaseConnection> {
    while (this.#deciding !== undefined) await this.#deciding
    return this.#acquire(isUnbound, query, options)
  }

  #acquire(
    isUnbound: boolean,
    query: CompiledQuery | undefined,
    options: AbortOptions,
  ): Promise<DatabaseConnection> {
    if (!this.#client.isActive && !this.#taking.hasOne)
      return acquired(this.driver, options).then((connection) => this.#observed(connection, options))
    const expected = isUnbound ? this.#expect(query) : undefined
    return expected === undefined
      ? this.#boundTo(this.reserve(options, query !== undefined), options)
      : expected === 'unchanged'
        ? this.#boundTo(
            this.#client.order.pass(() => this.take(options)),
            options,
          )
        : Promise.resolve(ConnectionStandIn.expecting(this, options, expected))
  }

  /** The stand-in for a connection while Sluice only observes. */
  #observed(connection: DatabaseConnection, options: AbortOptions): ConnectionStandIn {
    const taken = this.#taking.took(connection, options)
    if (options?.signal !== undefined) return ConnectionStandIn.bound(this, options, taken)
    // Kysely remembers each connection that it has seen, so a new stand-in for each query would be expensive.
    const standIn = ConnectionStandIn.bound(this, options, taken, this.#standIns.get(connection))
    this.#standIns.set(connection, standIn)
    return standIn
  }

  async #boundTo(taken: Promise<Taken>, options: AbortOptions): Promise<ConnectionStandIn> {
    return ConnectionStandIn.bound(this, options, await taken)
  }

  /** How a query uses its connection; `undefined`: like a reservation. */
  #expect(query: CompiledQuery | undefined): Expected | 'unchanged' | undefined {
    const { order } = this.#client
    if (query !== undefined && !this.reads(query))
      return order.isSingle
        ? undefined
        : {
            query,
            isRead: false,
            end: order.issued(() => this.#client.effectOf(query.sql, query.parameters)),
          }
    if (!order.isSingle) return { query, isRead: true, after: order.earlierWrites(), end: () => {} }
    if (!order.beginRead()) return query === undefined ? undefined : 'unchanged'
    const expected = { query, isRead: true, isOrdered: true, end: () => order.endRead() }
    return query === undefined ? { ...expected, decided: this.#beginDecision() } : expected
  }

  /** Lets calls wait until it is known whether the query of an earlier call is a read: a few microtasks. */
  #beginDecision(): () => void {
    let decided = () => {}
    this.#deciding = new Promise((resolve) => {
      decided = resolve
    })
    const deciding = this.#deciding
    return () => {
      if (this.#deciding === deciding) this.#deciding = undefined
      decided()
    }
  }

  /** Takes a connection for statements that are executed in the order of the app's calls. */
  reserve(options?: AbortOptions, isForStatement = false, insteadOfRead = false): Promise<Taken> {
    return this.#client.isActive || insteadOfRead
      ? this.#reserveInOrder(options, isForStatement, insteadOfRead)
      : this.take(options)
  }

  async #reserveInOrder(
    options: AbortOptions,
    isForStatement: boolean,
    insteadOfRead: boolean,
  ): Promise<Taken> {
    const { order } = this.#client
    const { value, leave } = await order.reserve(() => this.take(options), isForStatement, insteadOfRead)
    return { connection: value.connection, release: () => value.release().finally(leave) }
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return (connection as ConnectionStandIn).release() ?? NOTHING
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const bound = await this.#bound(connection)
    bound.isInTransaction = true
    await this.driver.beginTransaction(bound, settings)
    bound.transaction = this.#begun(bound.connection)
  }

  #begun(connection: DatabaseConnection | undefined): TransactionOf | undefined {
    if (connection === undefined) return undefined
    const wire = this.#conversions.wireOf(connection)
    const reads = this.#client.readsOf(connection)
    if (wire === undefined || reads === undefined) return undefined
    wire.follow(() => reads.spoil())
    return { connection, reads }
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const bound = await this.#bound(connection)
    bound.ends()
    await this.driver.commitTransaction(bound)
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const bound = await this.#bound(connection)
    bound.ends()
    await this.driver.rollbackTransaction(bound)
  }

  async destroy(...args: Parameters<Driver['destroy']>): Promise<void> {
    await this.#client.forgetCatalog()
    this.#client.detach()
    await this.driver.destroy(...args)
    await this.#replicas?.destroy()
  }

  /** Takes a connection of the app's driver. */
  take(options?: AbortOptions): Promise<Taken> {
    return this.#taking.take(options)
  }

  /** `undefined`: there is nothing to wait for. */
  #see(connection: DatabaseConnection): Promise<void> | undefined {
    return this.#client.isActive ? this.#conversions.see(connection) : undefined
  }

  reads({ sql }: CompiledQuery): boolean {
    return this.#client.isActive && this.#hasOnlyRows && this.#client.onlyReads(sql)
  }

  answer(
    transaction: TransactionOf,
    query: CompiledQuery,
    options: AbortOptions,
  ): Promise<QueryResult<unknown>> {
    const { connection, reads } = transaction
    // All traffic can be in transactions.
    if (this.#client.isActive) void this.#client.readCatalog()
    return reads.isClean && options?.signal === undefined && this.reads(query)
      ? this.read(query, undefined, transaction)
      : reads.follow(() => this.send(connection, query, options, true))
  }

  /** @param transaction - The one that the read belongs to. Default: none. */
  async read<R>(
    query: CompiledQuery,
    after: Promise<unknown> | undefined,
    transaction?: TransactionOf,
  ): Promise<QueryResult<R>> {
    const stack = this.origins.of(query) ?? lateStack(query.sql)
    const { writesLiterals = false } = this.description
    const { sql, params, literalsFrom } = readForm(this.dialect, query.sql, query.parameters, writesLiterals)
    const settings = () => this.#conversions.ofRead(params)
    if (transaction === undefined) this.#client.order.holdIssued()
    const rows = await this.#client.read({
      sql,
      params,
      literalsFrom,
      rows: 'objects',
      inTransaction: transaction !== undefined,
      transactionReads: transaction?.reads,
      stack,
      // If the form of results were unknown, a read would be sent twice.
      settings: () => (transaction === undefined || this.#template !== undefined ? settings() : undefined),
      settingsNow: settings,
      send: async (text, values, _helpers, replica) => {
        if (after !== undefined) await after
        const isOwn = text === sql && values === params
        const sent = isOwn ? query : rawQuery(text, [...values])
        if (transaction !== undefined) {
          const { rows } = await this.#learnForm(
            this.send(transaction.connection, sent, undefined, true, stack),
          )
          return rows as readonly Readonly<Record<string, unknown>>[]
        }
        const on = async ({ connection }: { readonly connection: DatabaseConnection }) => {
          await this.#see(connection)
          return this.#learnForm(this.send(connection, sent, undefined, false, stack))
        }
        const result =
          replica === undefined || this.#connections === undefined
            ? await this.#sendAlone(sent, stack)
            : await this.#connections.use(replica, on)
        return result.rows as readonly Readonly<Record<string, unknown>>[]
      },
    })
    // The rows come from another process, and what else a result contains is unknown.
    if (this.#template === undefined) return (await this.#sendAlone(query, stack)) as QueryResult<R>
    return { ...this.#template, rows: rows as R[] }
  }

  async #sendAlone(query: CompiledQuery, stack: () => Stack): Promise<QueryResult<unknown>> {
    const { connection, release } = await this.take()
    try {
      return await this.#learnForm(this.send(connection, query, undefined, false, stack))
    } finally {
      await release()
    }
  }

  /** Learns from the first result of a read what a result contains. */
  #learnForm(sent: Promise<QueryResult<unknown>>): Promise<QueryResult<unknown>> {
    if (this.#template !== undefined) return sent
    return sent.then((result) => {
      const { rows, ...others } = result
      this.#template = { ...result, rows: [] }
      this.#hasOnlyRows = Object.values(others).every((value) => value === undefined)
      return result
    })
  }

  /**
   * Sends a query on a connection of the app's driver.
   *
   * @param stack - Passed for statements of reads only.
   */
  send(
    connection: DatabaseConnection,
    query: CompiledQuery,
    options: AbortOptions,
    isInTransaction: boolean,
    stack?: () => Stack,
  ): Promise<QueryResult<unknown>> {
    return this.#client.statement(
      connection,
      new SentQuery(
        connection,
        query,
        options,
        isInTransaction,
        stack !== undefined,
        stack ?? this.origins.of(query),
        isInTransaction ? this.#conversions.wireOf(connection) : undefined,
      ),
    )
  }

  async *stream<R>(
    connection: DatabaseConnection,
    query: CompiledQuery,
    chunkSize: number,
    options: AbortOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    const { ready, end } = this.#client.stream(connection, { sql: query.sql, params: query.parameters })
    let rows = 0
    let error: unknown
    try {
      await ready
      for await (const result of streamed(connection.streamQuery<R>(query, chunkSize, options))) {
        rows += result.rows.length
        yield result
      }
    } catch (thrown) {
      error = thrown
      throw thrown
    } finally {
      await end(error, rows)
    }
  }

  async #bound(connection: DatabaseConnection): Promise<ConnectionStandIn> {
    const standIn = connection as ConnectionStandIn
    await standIn.bind()
    return standIn
  }
}
