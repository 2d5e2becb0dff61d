import type {
  IsolationLevel,
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  SqlQueryable,
  Transaction,
} from '@prisma/driver-adapter-utils'
import { type AnalyzedSql, analyzeSql, type Dialect, type Sluice, type Statement, type TransactionControl } from '@sluice/core'
import { EVERYTHING, effectOfStatement, type TableId, type TransactionWrites, type WriteEffect } from '@sluice/core/adapter'
import {
  type AdapterHost,
  hostOf,
  isShadowing,
  readCatalog,
  type StatementWatch,
  warnOfLateWrites,
  writeOutcomeOf,
} from '@sluice/core/siblings'
import { adapterConnection, BARE, queryableConnection } from './adapter-connection.ts'
import { dialectOf } from './dialect.ts'
import { watchDriverPool } from './driver-pool.ts'
import { currentCaller, predictedEffect } from './operation-context.ts'
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
  const observer = new ConnectionObserver(host, dialect)
  // What migration tools look for on a factory; it keeps its own `this`.
  const { connectToShadowDb } = factory as { connectToShadowDb?: () => Promise<SqlDriverAdapter> }
  const wrapped = {
    provider: factory.provider,
    adapterName: factory.adapterName,
    [CATALOG]: observer.sourceId,
    [BARE]: factory,
    get [SCHEMA]() {
      return observer.schemaName
    },
    ...(connectToShadowDb === undefined ? {} : { connectToShadowDb: connectToShadowDb.bind(factory) }),
    async connect(): Promise<SqlDriverAdapter> {
      const adapter = await factory.connect()
      observer.schemaName = adapter.getConnectionInfo?.().schemaName
      attachConnection(observer, adapter, dialect)
      await observer.ensureCatalog(adapter)
      return wrapAdapter(adapter, observer, watchPool(adapter, observer))
    },
  }
  return wrapped
}

/** An app works without it: what goes wrong is counted. */
function watchPool(adapter: SqlDriverAdapter, { host, sourceId }: ConnectionObserver): () => void {
  try {
    return watchDriverPool(adapter, host, sourceId)
  } catch (error) {
    host.reportError(error)
    return () => {}
  }
}

/** Lets the core ask the database. That keeps no adapter alive. */
function attachConnection({ host, sourceId }: ConnectionObserver, adapter: SqlDriverAdapter, dialect: Dialect): void {
  const held = new WeakRef(adapter)
  host.connections.attach(sourceId, () => {
    const own = held.deref()
    return own === undefined ? undefined : adapterConnection(own, dialect)
  })
}

function wrapAdapter(adapter: SqlDriverAdapter, observer: ConnectionObserver, leavePool: () => void): SqlDriverAdapter {
  const wrapped: SqlDriverAdapter = {
    ...wrapQueryable(adapter, observer, undefined, () => observer.ensureCatalog(adapter)),
    executeScript: (script) => observer.script(() => adapter.executeScript(script)),
    async startTransaction(isolationLevel?: IsolationLevel) {
      const writes = currentTransaction()?.claim() ?? observer.host.writes.transaction()
      return wrapTransaction(await adapter.startTransaction(isolationLevel), observer, writes)
    },
    dispose: () => {
      observer.host.connections.detach(observer.sourceId)
      leavePool()
      return adapter.dispose()
    },
  }
  const info = adapter.getConnectionInfo?.bind(adapter)
  return info === undefined ? wrapped : { ...wrapped, getConnectionInfo: info }
}

function wrapTransaction(transaction: Transaction, observer: ConnectionObserver, writes: TransactionWrites): Transaction {
  let ended = false
  /** Others could not be told of what it wrote: it is rolled back in place of being committed, and its connection is given back. */
  const allowed = async () => {
    try {
      await writes.beforeCommit()
    } catch (error) {
      ended = true
      await settling(writes, 'rolled-back', async () => {
        // Where Prisma ends transactions by statements, `rollback` gives back the connection alone.
        if (!transaction.options.usePhantomQuery) await transaction.executeRaw({ sql: 'ROLLBACK', args: [], argTypes: [] })
        await transaction.rollback()
      })
      throw error
    }
  }
  const wrapped: Transaction = {
    ...wrapQueryable(transaction, observer, { writes, allowed }, undefined),
    options: transaction.options,
    async commit() {
      if (ended) return
      await allowed()
      await settling(writes, 'committed', () => transaction.commit())
    },
    async rollback() {
      if (!ended) await settling(writes, 'rolled-back', () => transaction.rollback())
    },
  }
  const { createSavepoint, rollbackToSavepoint, releaseSavepoint } = transaction
  if (createSavepoint !== undefined) {
    wrapped.createSavepoint = async (name) => {
      await createSavepoint.call(transaction, name)
      writes.savepoint(name)
    }
  }
  if (rollbackToSavepoint !== undefined) {
    wrapped.rollbackToSavepoint = async (name) => {
      await rollbackToSavepoint.call(transaction, name)
      writes.rollbackTo(name)
    }
  }
  if (releaseSavepoint !== undefined) {
    wrapped.releaseSavepoint = async (name) => {
      await releaseSavepoint.call(transaction, name)
      writes.release(name)
    }
  }
  return wrapped
}

async function settling(writes: TransactionWrites, outcome: 'committed' | 'rolled-back', act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    await writes.end(outcome === 'committed' ? writeOutcomeOf(error) : 'unknown')
    throw error
  }
  await writes.end(outcome)
}

/** A transaction as its statements see it. */
interface OpenTransaction {
  readonly writes: TransactionWrites
  /** Settles when COMMIT may be sent. Rejects when the transaction was rolled back instead. */
  allowed(): Promise<void>
}

function wrapQueryable(
  queryable: SqlQueryable,
  observer: ConnectionObserver,
  transaction: OpenTransaction | undefined,
  ready: (() => Promise<void>) | undefined,
): Pick<SqlQueryable, 'provider' | 'adapterName' | 'queryRaw' | 'executeRaw'> {
  return {
    provider: queryable.provider,
    adapterName: queryable.adapterName,
    queryRaw: (query: SqlQuery) => observer.statement(query, transaction, () => queryable.queryRaw(query), ready),
    executeRaw: (query: SqlQuery) => observer.statement(query, transaction, () => queryable.executeRaw(query), ready),
  }
}

/** What one wrapped adapter knows, over all its connections. */
class ConnectionObserver {
  readonly sourceId: string
  /** What the adapter names before tables whose models name no schema. */
  schemaName: string | undefined
  /** Transactions that may be over before they are known to end: their writes count when they are made, and again at the end. */
  readonly #doubtful = new WeakSet<TransactionWrites>()
  #catalog: 'unread' | 'reading' | 'read' = 'unread'

  constructor(
    readonly host: AdapterHost,
    private readonly dialect: Dialect,
  ) {
    this.sourceId = host.nextSourceId('prisma-adapter')
    host.catalogs.bind(this.sourceId, this)
  }

  /** Reads the catalogue once it is of use, and again after DDL. Failure leaves the catalogue to other sources. */
  async ensureCatalog(adapter: SqlQueryable): Promise<void> {
    if (this.#catalog !== 'unread' || !this.host.isOptimizing()) return
    this.#catalog = 'reading'
    this.host.catalogs.set(this.sourceId, undefined)
    try {
      const source = queryableConnection(adapter, this.dialect)
      const catalog = await readCatalog(source)
      await warnOfLateWrites(source, this.host)
      // DDL may have come meanwhile; then it is read anew with the next statement.
      if (this.#catalog !== 'reading') return
      this.#catalog = 'read'
      this.host.catalogs.set(this.sourceId, catalog)
    } catch (error) {
      this.host.catalogs.delete(this.sourceId)
      this.#catalog = 'read'
      this.host.reportError(error)
    }
  }

  /**
   * A statement that is about to be sent.
   *
   * @param ready - Reads the catalogue if it is to be read; left out where that cannot be done.
   */
  statement<T>(query: SqlQuery, transaction: OpenTransaction | undefined, run: () => Promise<T>, ready?: () => Promise<void>): Promise<T> {
    const { host } = this
    const { sql, args } = query
    if (ready !== undefined && this.#catalog === 'unread' && host.isOptimizing())
      return ready().then(() => this.statement(query, transaction, run))
    let effect: WriteEffect | undefined
    let mayCommit = true
    let send = run
    try {
      host.recorder.statement(host.scopes.current())
      const analyzed = analyzeSql(sql, this.dialect)
      host.seen(sql, this.dialect, analyzed)
      const { statement } = analyzed
      if (statement.transaction !== undefined) return this.#control(statement.transaction, transaction, run)
      const { watch } = host
      if (watch !== undefined && !isShadowing()) send = () => this.#sendWatched(watch, query, analyzed, run)
      effect = effectOfStatement(statement, this.sourceId, host.catalogs, args)
      if (statement.ddl) this.#forgetCatalog(statement)
      if (effect === undefined) return send()
      mayCommit = statement.mayCommit
      this.#compareWithPrediction(effect)
    } catch (error) {
      host.reportError(error)
      effect = EVERYTHING
    }
    if (transaction === undefined) return this.#autocommit(effect, send)
    const { writes } = transaction
    writes.add(effect)
    if (mayCommit) this.#doubtful.add(writes)
    // What the transaction wrote before is committed along with this, for all that is known.
    return this.#doubtful.has(writes) ? this.#autocommit(mayCommit ? EVERYTHING : effect, send) : send()
  }

  /** Sends a statement, and tells the watch of its end before its caller. */
  #sendWatched<T>(watch: StatementWatch, { sql, args }: SqlQuery, analyzed: AnalyzedSql, run: () => Promise<T>): Promise<T> {
    const watched = watch.begin(sql, this.dialect, analyzed, args, currentCaller())
    if (watched === undefined) return run()
    const startedAt = watch.now()
    const running = run()
    running.then(
      (result) => watched.ended(startedAt, watch.now(), rowsIn(result), false),
      () => watched.ended(startedAt, watch.now(), 0, true),
    )
    return running
  }

  /** Several statements at once: it may do anything. */
  async script<T>(run: () => Promise<T>): Promise<T> {
    this.#catalog = 'unread'
    return this.#autocommit(EVERYTHING, run)
  }

  async #autocommit<T>(effect: WriteEffect, run: () => Promise<T>): Promise<T> {
    const announced = this.host.writes.announce(effect)
    if (announced.ready !== undefined) await announced.ready
    let result: T
    try {
      result = await run()
    } catch (error) {
      await announced.end(writeOutcomeOf(error))
      throw error
    }
    const told = announced.end('committed')
    if (told !== undefined) await told
    return result
  }

  /** BEGIN, COMMIT and the like, sent as statements. */
  async #control<T>(control: TransactionControl, transaction: OpenTransaction | undefined, run: () => Promise<T>): Promise<T> {
    const { kind } = control
    const writes = transaction?.writes
    // MySQL commits before it begins anew; elsewhere BEGIN changes nothing in a transaction.
    const commits = kind === 'commit' || (kind === 'begin' && this.dialect === 'mysql')
    // Without a transaction that is known, it ends one that is not.
    const endsUnknown = kind !== 'begin' && kind !== 'savepoint' && (writes === undefined || this.#doubtful.has(writes))
    const announced = endsUnknown ? this.host.writes.announce(EVERYTHING) : undefined
    // The end of what is not known cannot be refused: it may be over already.
    await announced?.ready?.catch(() => {})
    if (commits) await transaction?.allowed()
    let result: T
    try {
      result = await run()
    } catch (error) {
      await announced?.end(writeOutcomeOf(error))
      // Whether it was committed before BEGIN failed is not known.
      if (commits) await writes?.end(kind === 'commit' ? writeOutcomeOf(error) : 'unknown')
      throw error
    }
    await announced?.end('committed')
    if (writes === undefined) return result
    if (kind === 'savepoint') writes.savepoint(control.name)
    else if (kind === 'release') writes.release(control.name)
    else if (kind === 'rollback-to') writes.rollbackTo(control.name)
    else if (kind === 'rollback') await writes.end('rolled-back')
    else if (commits) await writes.end('committed')
    // What comes after the end is in no transaction, unless one began at once.
    if ((kind === 'commit' || kind === 'rollback') && control.chain !== true) this.#doubtful.add(writes)
    else if (commits) this.#doubtful.delete(writes)
    return result
  }

  #forgetCatalog(statement: Statement): void {
    this.#catalog = 'unread'
    for (const name of statement.temporary) this.host.catalogs.shadow(name)
    for (const name of statement.triggered) this.host.catalogs.trigger(name)
    if (this.host.isOptimizing()) this.host.catalogs.set(this.sourceId, undefined)
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
