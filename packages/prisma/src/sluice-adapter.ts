import type {
  IsolationLevel,
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  SqlQueryable,
  Transaction,
} from '@prisma/driver-adapter-utils'
import type { Connection, Dialect, Sluice } from '@sluice/core'
import {
  type AdapterClient,
  type AdapterHost,
  attachClient,
  hostOf,
  isInstrumented,
  isPgPool,
  markInstrumented,
  PgTransactions,
  pgPoolAccess,
  type Source,
  sending,
  type TableId,
  type TransactionControl,
  type TransactionWrites,
  takeUntil,
  timePgConnects,
  type WriteEffect,
} from '@sluice/core/adapter'
import { AdapterConversions } from './adapter-conversions.ts'
import { currentCaller, predictedEffect } from './operation-context.ts'
import { adapterConnection, UNWRAPPED } from './prisma-connection.ts'
import { dialectOf } from './schema/prisma-schema-data.ts'
import { currentTransaction } from './transaction-context.ts'

/** Property of Sluice's factories that contains the id of the catalog that they read. */
const CATALOG = Symbol.for('sluice.prisma.catalog')

/** Property of Sluice's factories that contains their client's source. */
const SOURCE = Symbol.for('sluice.prisma.source')

/** The proof that only this process writes, from the adapter of a client; see `Source`. */
export function soleWriterOf(factory: object | undefined): ReturnType<NonNullable<Source['soleWriter']>> {
  return (factory as { readonly [SOURCE]?: Source } | undefined)?.[SOURCE]?.soleWriter?.()
}

/**
 * Property of Sluice's factories that contains the schema with which their adapters qualify tables, after one
 * has connected.
 */
const SCHEMA = Symbol.for('sluice.prisma.schema')

/**
 * The schema of models without one, as reported by a connected adapter of Sluice; `undefined` if it reports
 * none.
 */
export function connectedSchemaOf(factory: object | undefined): string | undefined {
  const schema = (factory as { readonly [SCHEMA]?: unknown } | undefined)?.[SCHEMA]
  return typeof schema === 'string' ? schema : undefined
}

/** Property of Sluice's factories that contains how their adapters convert values. */
const CONVERSIONS = Symbol.for('sluice.prisma.conversions')

/** Property of Sluice's factories that is called with each client that connects with its adapters. */
const USED_BY = Symbol.for('sluice.prisma.usedBy')

interface ConnectingClient {
  $connect(): Promise<void>
}

/** Lets Sluice connect a client before its first operation, if it sees the statements of the client. */
export function usedBy(factory: object | undefined, client: ConnectingClient): void {
  const use = (factory as { readonly [USED_BY]?: (client: ConnectingClient) => void } | undefined)?.[USED_BY]
  use?.(client)
}

/** How a client's adapter converts values; `undefined` if Sluice does not see its statements. */
export function conversionsOf(factory: object | undefined): AdapterConversions | undefined {
  return (factory as { readonly [CONVERSIONS]?: AdapterConversions } | undefined)?.[CONVERSIONS]
}

/** The id of the catalog that a client's adapter reads; `undefined` if Sluice does not see its statements. */
export function catalogIdOf(factory: object | undefined): string | undefined {
  const id = factory === undefined ? undefined : (factory as { readonly [CATALOG]?: unknown })[CATALOG]
  return typeof id === 'string' ? id : undefined
}

/**
 * Wraps a Prisma driver adapter, so that Sluice sees each SQL statement, reads the database's catalog (except
 * in `observe` mode), and is notified of commits and rollbacks as they happen.
 *
 * @param factory - The adapter that you would pass to `PrismaClient`: `new PrismaPg(…)`,
 * `new PrismaBetterSqlite3(…)`, …
 * @returns A factory with the same behavior. For databases that Sluice does not support, and for a factory
 * that `sluiceAdapter` returned, the given factory itself.
 * @example
 * ```ts
 * const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(withSluice(sluice))
 * ```
 */
export function sluiceAdapter<TFactory extends SqlDriverAdapterFactory>(
  factory: TFactory,
  sluice: Sluice,
): SqlDriverAdapterFactory {
  if (isInstrumented(factory, sluice)) return factory
  const host = hostOf(sluice)
  const dialect = dialectOf(factory.provider)
  if (dialect === undefined) {
    host.warn(`sluiceAdapter: the provider "${factory.provider}" is not supported. Its queries pass through.`)
    return factory
  }
  const isEmbedded = factory.adapterName === '@prisma/adapter-better-sqlite3'
  const observer = new AdapterObserver(sluice, host, dialect, isEmbedded)
  // Migration tools look for this method on a factory; call it with the original `this`.
  const { connectToShadowDb } = factory as { connectToShadowDb?: () => Promise<SqlDriverAdapter> }
  const wrapped = {
    provider: factory.provider,
    adapterName: factory.adapterName,
    [CATALOG]: observer.statements.source.id,
    [SOURCE]: observer.statements.source,
    [UNWRAPPED]: factory,
    [CONVERSIONS]: observer.conversions,
    [USED_BY]: (client: ConnectingClient) => {
      observer.client = new WeakRef(client)
    },
    get [SCHEMA]() {
      return observer.schemaName
    },
    ...(connectToShadowDb === undefined ? {} : { connectToShadowDb: connectToShadowDb.bind(factory) }),
    async connect(): Promise<SqlDriverAdapter> {
      const adapter = await factory.connect()
      observer.connected(adapter)
      observer.schemaName = adapter.getConnectionInfo?.().schemaName
      void observer.statements.readCatalog()
      return wrapAdapter(adapter, observer, watchPool(adapter, observer))
    },
  }
  markInstrumented(wrapped, sluice)
  return wrapped
}

/** An app works without it, so errors are only counted. */
function watchPool(adapter: SqlDriverAdapter, { host, statements }: AdapterObserver): () => void {
  try {
    return watchDriverPool(adapter, statements)
  } catch (error) {
    host.reportError(error)
    return () => {}
  }
}

function wrapAdapter(
  adapter: SqlDriverAdapter,
  observer: AdapterObserver,
  leavePool: () => void,
): SqlDriverAdapter {
  const { statements, host } = observer
  // The pool's connection that runs a statement is unknown, so each statement counts as on a separate
  // connection.
  const send = <T>(query: SqlQuery, run: () => Promise<T>): Promise<T> => {
    observer.readCatalog(adapter)
    return observer.statement({}, query, run)
  }
  const wrapped: SqlDriverAdapter = {
    ...wrapQueryable(adapter, send),
    executeScript: (script) => statements.script(() => adapter.executeScript(script)),
    async startTransaction(isolationLevel?: IsolationLevel) {
      const context = currentTransaction()
      const claimed = context?.claim()
      const transaction = await sending({ send: () => adapter.startTransaction(isolationLevel) })
      // All traffic can be in transactions.
      observer.readCatalog(adapter)
      const connection = observer.begun(transaction, claimed ?? host.writes.transaction(), isolationLevel)
      if (context !== undefined && claimed !== undefined && connection !== transaction)
        context.reads = statements.readsOf(connection)
      return wrapTransaction(transaction, connection, observer)
    },
    async dispose() {
      const forgotten = observer.disposed(adapter)
      leavePool()
      await adapter.dispose()
      await forgotten
    },
  }
  const info = adapter.getConnectionInfo?.bind(adapter)
  return info === undefined ? wrapped : { ...wrapped, getConnectionInfo: info }
}

/** @param connection - Identifies the connection of the transaction. */
function wrapTransaction(
  transaction: Transaction,
  connection: object,
  observer: AdapterObserver,
): Transaction {
  const { statements, pg } = observer
  let wasRefused = false
  const rollBack = async () => {
    wasRefused = true
    // If Prisma ends transactions with statements, `rollback` only releases the connection.
    if (!transaction.options.usePhantomQuery)
      await transaction.executeRaw({ sql: 'ROLLBACK', args: [], argTypes: [] })
    await transaction.rollback()
  }
  // A COMMIT or ROLLBACK statement may already have ended the transaction.
  const end = async (kind: 'commit' | 'rollback', send: () => Promise<void>) => {
    if (wasRefused) return
    await (statements.isOpen(connection)
      ? statements.control(connection, { kind }, { send, rollBack })
      : send())
  }
  const savepoint = (
    kind: 'savepoint' | 'rollback-to' | 'release',
    call: ((name: string) => Promise<void>) | undefined,
  ) =>
    call &&
    ((name: string) =>
      statements.control(
        connection,
        { kind, name },
        { send: () => pg.send(connection, () => call.call(transaction, name)) },
      ))
  const named = {
    createSavepoint: savepoint('savepoint', transaction.createSavepoint),
    rollbackToSavepoint: savepoint('rollback-to', transaction.rollbackToSavepoint),
    releaseSavepoint: savepoint('release', transaction.releaseSavepoint),
  }
  return {
    ...wrapQueryable(transaction, (query, run) =>
      observer.statement(connection, query, () => pg.send(connection, run), rollBack),
    ),
    options: transaction.options,
    commit: () => end('commit', () => transaction.commit()),
    rollback: () => end('rollback', () => transaction.rollback()),
    // Prisma checks whether an adapter has these methods.
    ...Object.fromEntries(Object.entries(named).filter(([, call]) => call !== undefined)),
  }
}

function wrapQueryable(
  queryable: SqlQueryable,
  send: <T>(query: SqlQuery, run: () => Promise<T>) => Promise<T>,
): Pick<SqlQueryable, 'provider' | 'adapterName' | 'queryRaw' | 'executeRaw'> {
  return {
    provider: queryable.provider,
    adapterName: queryable.adapterName,
    queryRaw: (query: SqlQuery) => send(query, () => queryable.queryRaw(query)),
    executeRaw: (query: SqlQuery) => send(query, () => queryable.executeRaw(query)),
  }
}

/** The state of one wrapped adapter, shared by all its connections. */
class AdapterObserver {
  readonly statements: AdapterClient
  readonly conversions = new AdapterConversions()
  readonly pg: PgTransactions
  /** The schema with which the adapter qualifies tables of models without one. */
  schemaName: string | undefined
  /** The adapter that was connected last. The weak reference does not keep it alive. */
  #adapter: WeakRef<SqlDriverAdapter> | undefined
  /** A client with this adapter. */
  client: WeakRef<ConnectingClient> | undefined

  constructor(
    sluice: Sluice,
    readonly host: AdapterHost,
    dialect: Dialect,
    isEmbedded: boolean,
  ) {
    const adapterNow = () => this.#adapter?.deref()
    this.statements = attachClient(sluice, {
      orm: 'prisma-adapter',
      dialect,
      moduleUrl: import.meta.url,
      recordsOperations: true,
      isEmbedded,
      connection(closing) {
        const adapter = adapterNow()
        return adapter && waitingUntil(closing, adapterConnection(adapter, dialect))
      },
      connect: async () => {
        if (adapterNow() === undefined) await this.client?.deref()?.$connect()
      },
      wrote: (effect) => this.#compareWithPrediction(effect),
    })
    this.pg = new PgTransactions(this.statements)
  }

  /**
   * Called when a transaction has begun.
   *
   * @returns The object that identifies its connection: the client of `pg`, if the transaction has one, whose
   * other statements are noticed; otherwise the transaction.
   */
  begun(
    transaction: Transaction,
    writes: TransactionWrites,
    isolationLevel: IsolationLevel | undefined,
  ): object {
    const { client } = transaction as { readonly client?: unknown }
    const isFollowed = typeof client === 'object' && client !== null && this.pg.follow(client)
    const connection = isFollowed ? client : transaction
    this.statements.begun(connection, writes, isFollowed ? beginOf(isolationLevel) : undefined)
    return connection
  }

  connected(adapter: SqlDriverAdapter): void {
    this.#adapter = new WeakRef(adapter)
    this.conversions.connected(adapter)
  }

  /** Reads the catalog through the adapter, if it is needed. */
  readCatalog(adapter: SqlDriverAdapter): void {
    if (!this.host.isOptimizing()) return
    if (this.statements.needsCatalog) this.connected(adapter)
    void this.statements.readCatalog()
  }

  /** Resolves when Sluice no longer sends its own statements on the adapter. */
  async disposed(adapter: SqlDriverAdapter): Promise<void> {
    if (this.#adapter?.deref() !== adapter) return
    this.#adapter = undefined
    await this.statements.forgetCatalog()
  }

  statement<T>(
    connection: object,
    { sql, args }: SqlQuery,
    send: () => Promise<T>,
    rollBack?: () => Promise<void>,
  ): Promise<T> {
    const sent = { sql, params: args, send, rows: rowsIn, caller: currentCaller() }
    return this.statements.statement(connection, rollBack === undefined ? sent : { ...sent, rollBack })
  }

  #compareWithPrediction(effect: WriteEffect): void {
    const predicted = predictedEffect()
    if (predicted === undefined || predicted.everything) return
    if (effect.everything || [...effect.tables].some((table) => isMissed(table, effect, predicted)))
      this.host.stats.unpredictedWrites += 1
  }
}

function beginOf(level: IsolationLevel | undefined): TransactionControl {
  if (level === undefined) return { kind: 'begin' }
  return { kind: 'begin', isolation: level === 'READ COMMITTED' ? 'read committed' : 'other' }
}

/**
 * The adapter does not show whether a statement waits for a connection, and a pool that has ended answers
 * none that do.
 */
function waitingUntil(closing: AbortSignal | undefined, connection: Connection): Connection {
  return {
    ...connection,
    query: (sql, params) => takeUntil(closing, connection.query(sql, params), () => {}),
  }
}

/**
 * Whether a statement modifies a table, or a row of it, that was not predicted. The SQL does not always
 * identify the rows.
 */
function isMissed(table: TableId, { rows }: WriteEffect, predicted: WriteEffect): boolean {
  if (!predicted.tables.has(table)) return true
  const expected = predicted.rows?.get(table)
  return expected !== undefined && [...(rows?.get(table) ?? [])].some((bucket) => !expected.has(bucket))
}

/** Number of rows in a driver's result; 0 for results that only contain the number of changed rows. */
function rowsIn(result: unknown): number {
  const rows = (result as { readonly rows?: unknown } | null)?.rows
  return Array.isArray(rows) ? rows.length : 0
}

/**
 * Lets the core inspect the pool of an adapter's driver, and reports how long callers wait for one of its
 * connections. Only for
 * `@prisma/adapter-pg`: the pools of other drivers do not expose their maximum size.
 *
 * @returns The function that stops watching.
 */
function watchDriverPool(adapter: SqlDriverAdapter, statements: AdapterClient): () => void {
  const { underlyingDriver } = adapter as { underlyingDriver?: () => unknown }
  const pool = typeof underlyingDriver === 'function' ? underlyingDriver.call(adapter) : undefined
  if (typeof pool !== 'object' || pool === null || !isPgPool(pool)) return () => {}
  const { pool: read, resizePool } = pgPoolAccess(pool)
  const detach = statements.attachPool(read, resizePool)
  const restore = timePgConnects(pool, statements.waits)
  return () => {
    restore()
    detach()
  }
}
