import type {
  IsolationLevel,
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  SqlQueryable,
  Transaction,
} from '@prisma/driver-adapter-utils'
import type { Dialect, Sluice } from '@sluice/core'
import {
  type AdapterClient,
  attachClient,
  isPgPool,
  pgPoolState,
  type TableId,
  type TransactionWrites,
  timePgConnects,
  type WriteEffect,
} from '@sluice/core/adapter'
import { type AdapterHost, hostOf } from '@sluice/core/siblings'
import { currentCaller, predictedEffect } from './operation-context.ts'
import { adapterConnection, BARE } from './prisma-connection.ts'
import { dialectOf } from './schema/prisma-schema-data.ts'
import { currentTransaction } from './transaction-context.ts'

/** Under this key our factories carry the id of the catalogue that they read. */
const CATALOG = Symbol.for('sluice.prisma.catalog')

/** Under this key they tell the schema that their adapters name before tables, once there is one. */
const SCHEMA = Symbol.for('sluice.prisma.schema')

/** The schema of models without one, as a connected adapter of ours says; `undefined` where it says none. */
export function connectedSchemaOf(factory: object | undefined): string | undefined {
  const schema = (factory as { readonly [SCHEMA]?: unknown } | undefined)?.[SCHEMA]
  return typeof schema === 'string' ? schema : undefined
}

/** The id of the catalogue that a client's adapter reads; `undefined` when its statements are not seen. */
export function catalogIdOf(factory: object | undefined): string | undefined {
  const id = factory === undefined ? undefined : (factory as { readonly [CATALOG]?: unknown })[CATALOG]
  return typeof id === 'string' ? id : undefined
}

/**
 * Wraps a Prisma driver adapter, so that Sluice sees each statement, reads the database's catalogue (when it does more than observe),
 * and learns of commits and rollbacks as they happen.
 *
 * @param factory - The adapter as given to `PrismaClient`: `new PrismaPg(…)`, `new PrismaBetterSqlite3(…)`, …
 * @returns A factory that behaves as the given one. For databases that Sluice does not read it is the given one.
 * @example
 * ```ts
 * const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(withSluice(sluice))
 * ```
 */
export function sluiceAdapter<TFactory extends SqlDriverAdapterFactory>(factory: TFactory, sluice: Sluice): SqlDriverAdapterFactory {
  const host = hostOf(sluice)
  const dialect = dialectOf(factory.provider)
  if (dialect === undefined) {
    host.warn(`sluiceAdapter: the provider "${factory.provider}" is not one that Sluice reads; it passes through.`)
    return factory
  }
  const observer = new AdapterObserver(sluice, host, dialect)
  // What migration tools look for on a factory; it keeps its own `this`.
  const { connectToShadowDb } = factory as { connectToShadowDb?: () => Promise<SqlDriverAdapter> }
  const wrapped = {
    provider: factory.provider,
    adapterName: factory.adapterName,
    [CATALOG]: observer.statements.source.id,
    [BARE]: factory,
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
  return wrapped
}

/** An app works without it: what goes wrong is counted. */
function watchPool(adapter: SqlDriverAdapter, { host, statements }: AdapterObserver): () => void {
  try {
    return watchDriverPool(adapter, host, statements)
  } catch (error) {
    host.reportError(error)
    return () => {}
  }
}

function wrapAdapter(adapter: SqlDriverAdapter, observer: AdapterObserver, leavePool: () => void): SqlDriverAdapter {
  const { statements, host } = observer
  // Which connection of the pool runs a statement is unknown: each statement is on one of its own.
  const send = <T>(query: SqlQuery, run: () => Promise<T>): Promise<T> => {
    if (statements.needsCatalog) observer.connected(adapter)
    void statements.readCatalog()
    return observer.statement({}, query, run)
  }
  const wrapped: SqlDriverAdapter = {
    ...wrapQueryable(adapter, send),
    executeScript: (script) => statements.script(() => adapter.executeScript(script)),
    async startTransaction(isolationLevel?: IsolationLevel) {
      const writes = currentTransaction()?.claim() ?? host.writes.transaction()
      return wrapTransaction(await adapter.startTransaction(isolationLevel), observer, writes)
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

function wrapTransaction(transaction: Transaction, observer: AdapterObserver, writes: TransactionWrites): Transaction {
  const { statements } = observer
  let wasRefused = false
  const rollBack = async () => {
    wasRefused = true
    // Where Prisma ends transactions by statements, `rollback` only releases the connection.
    if (!transaction.options.usePhantomQuery) await transaction.executeRaw({ sql: 'ROLLBACK', args: [], argTypes: [] })
    await transaction.rollback()
  }
  // COMMIT or ROLLBACK may have ended the transaction as a statement before.
  const end = async (kind: 'commit' | 'rollback', send: () => Promise<void>) => {
    if (wasRefused) return
    await (statements.isOpen(transaction) ? statements.control(transaction, { kind }, { send, rollBack }) : send())
  }
  const savepoint = (kind: 'savepoint' | 'rollback-to' | 'release', call: ((name: string) => Promise<void>) | undefined) =>
    call && ((name: string) => statements.control(transaction, { kind, name }, { send: () => call.call(transaction, name) }))
  const named = {
    createSavepoint: savepoint('savepoint', transaction.createSavepoint),
    rollbackToSavepoint: savepoint('rollback-to', transaction.rollbackToSavepoint),
    releaseSavepoint: savepoint('release', transaction.releaseSavepoint),
  }
  statements.begun(transaction, writes)
  return {
    ...wrapQueryable(transaction, (query, run) => observer.statement(transaction, query, run, rollBack)),
    options: transaction.options,
    commit: () => end('commit', () => transaction.commit()),
    rollback: () => end('rollback', () => transaction.rollback()),
    // Prisma asks whether an adapter has them.
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
  /** The schema that the adapter puts before the tables of models without one. */
  schemaName: string | undefined
  /** The adapter that was connected last. It is not kept alive. */
  #adapter: WeakRef<SqlDriverAdapter> | undefined

  constructor(
    sluice: Sluice,
    readonly host: AdapterHost,
    dialect: Dialect,
  ) {
    const adapterNow = () => this.#adapter?.deref()
    this.statements = attachClient(sluice, {
      ...{ orm: 'prisma-adapter', dialect, moduleUrl: import.meta.url, recordsOperations: true },
      connection() {
        const adapter = adapterNow()
        return adapter && adapterConnection(adapter, dialect)
      },
      wrote: (effect) => this.#compareWithPrediction(effect),
    })
  }

  connected(adapter: SqlDriverAdapter): void {
    this.#adapter = new WeakRef(adapter)
  }

  /** Resolves when no statement of Sluice's own is sent on the adapter any more. */
  async disposed(adapter: SqlDriverAdapter): Promise<void> {
    if (this.#adapter?.deref() !== adapter) return
    this.#adapter = undefined
    await this.statements.forgetCatalog()
  }

  statement<T>(connection: object, { sql, args }: SqlQuery, send: () => Promise<T>, rollBack?: () => Promise<void>): Promise<T> {
    const sent = { sql, params: args, send, rows: rowsIn, caller: currentCaller() }
    return this.statements.statement(connection, rollBack === undefined ? sent : { ...sent, rollBack })
  }

  #compareWithPrediction(effect: WriteEffect): void {
    const predicted = predictedEffect()
    if (predicted === undefined || predicted.everything) return
    if (effect.everything || [...effect.tables].some((table) => isMissed(table, effect, predicted))) this.host.stats.touchMisses += 1
  }
}

/** Whether a statement touches a table, or a row of it, that was not expected. Which rows is not always told by its text. */
function isMissed(table: TableId, { rows }: WriteEffect, predicted: WriteEffect): boolean {
  if (!predicted.tables.has(table)) return true
  const expected = predicted.rows?.get(table)
  return expected !== undefined && [...(rows?.get(table) ?? [])].some((bucket) => !expected.has(bucket))
}

/** Rows in a driver's answer; of what only tells how many were changed, none. */
function rowsIn(result: unknown): number {
  const rows = (result as { readonly rows?: unknown } | null)?.rows
  return Array.isArray(rows) ? rows.length : 0
}

/**
 * Lets the core look at the pool of an adapter's driver, and reports how long callers wait for a connection of it. Of `@prisma/adapter-pg`
 * only: the pools of other drivers do not tell how large they may become.
 *
 * @returns The function that ends it.
 */
function watchDriverPool(adapter: SqlDriverAdapter, host: AdapterHost, statements: AdapterClient): () => void {
  const { underlyingDriver } = adapter as { underlyingDriver?: () => unknown }
  const pool = typeof underlyingDriver === 'function' ? underlyingDriver.call(adapter) : undefined
  if (typeof pool !== 'object' || pool === null || !isPgPool(pool)) return () => {}
  const held = new WeakRef(pool)
  const detach = host.attachPool(statements.source.id, () => {
    const living = held.deref()
    return living === undefined ? undefined : pgPoolState(living)
  })
  const restore = timePgConnects(
    pool,
    (ms, wasExhausted) => statements.waited(ms, wasExhausted),
    () => host.now(),
  )
  return () => {
    restore()
    detach()
  }
}
