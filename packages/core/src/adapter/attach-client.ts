import { registerOwnFrames } from '../pipeline/frame-packages.ts'
import type { Gain } from '../pipeline/gain.ts'
import type { ReadRequirements } from '../pipeline/lookup.ts'
import type { Operation, Source } from '../pipeline/operation.ts'
import type { ReadRouter, RoutedClient } from '../pipeline/read-routing.ts'
import type { Mode } from '../pipeline/scope.ts'
import type { TransactionReads } from '../pipeline/transaction-reads.ts'
import type { WaitingLookups } from '../pipeline/waiting-lookups.ts'
import type { TransactionWrites } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import type { ConnectionRegistry, PoolState } from '../schema/connection.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import { usesRule } from '../shared/yield-rules.ts'
import { analyzeSql } from '../sql/analyze.ts'
import type { TransactionControl } from '../sql/statement.ts'
import { catalogConnections } from './catalog-connections.ts'
import type { ClientDescription } from './client-description.ts'
import { announceClient } from './client-listener.ts'
import { ConnectionObserver, type ObserverHost } from './connection-observer.ts'
import type { CountedReads } from './counted-reads.ts'
import { registeredHost } from './host-registry.ts'
import { statementByStatement } from './own-connections.ts'
import { PoolWaits } from './pool-waits.ts'
import { ProgramOrder } from './program-order.ts'
import type { SqlRow } from './select/outputs.ts'
import type { SentControl, SentStatement, StreamedStatement } from './sent-statement.ts'
import { type ReadContext, SqlOperation, type SqlRead } from './sql-read.ts'
import type { StatementPlan, StatementPlans } from './statement-plan.ts'

/**
 * One client of a database, instrumented. Statements and transactions are followed by connection, which may
 * be any object.
 */
export interface AdapterClient {
  /** Identifies this client in operations, catalogs and reports. */
  readonly source: Source
  /**
   * Whether reads go through Sluice: to optimize them, or to send them to replicas. If not, leave the ORM's
   * reads unchanged, and call only `statement`.
   */
  readonly isActive: boolean
  /**
   * Preserves the order of the app's calls. As long as the client is active, an adapter sends everything
   * outside of transactions through it, in the app's own calls.
   */
  readonly order: ProgramOrder
  /**
   * The effect of a statement, as far as its SQL and the catalog show it; `undefined`: none. Never throws.
   */
  effectOf(sql: string, params: readonly unknown[]): WriteEffect | undefined
  /** The facts about each statement, without its values. */
  readonly plans: StatementPlans
  /** Runs a read: batched, prefetched, cached, or sent by its `send`. */
  read(call: SqlRead): Promise<readonly SqlRow[]>
  /** Runs an operation whose lookups and effects the adapter defines. */
  execute<T>(operation: Operation<T>): Promise<T>
  /** Counts statements that need nothing else. `undefined` for a client with replicas: use `statement`. */
  readonly reads: CountedReads | undefined
  /** Whether the stack of the next statement with this SQL may be needed, with its caller. */
  needsCaller(sql: string): boolean
  /** Sends a statement on a connection. */
  statement<T>(connection: object, sent: SentStatement<Promise<T>>): Promise<T>
  /** Sends a statement of a synchronous driver. */
  statementSync<T>(connection: object, sent: SentStatement<T>): T
  /** Observes a statement that the adapter sends itself, and whose answer arrives as a stream. */
  stream(connection: object, sent: Pick<SentStatement<unknown>, 'sql' | 'params'>): StreamedStatement
  /** Runs several statements that are sent as one string. */
  script<T>(run: () => Promise<T>): Promise<T>
  /**
   * Reports that a transaction has begun by a call without a visible statement.
   *
   * @param control - Its isolation level. Default: unknown, so its reads are not served from the cache.
   */
  begun(connection: object, writes?: TransactionWrites, control?: TransactionControl): void
  /** Sends COMMIT, ROLLBACK or a savepoint that is a call of the ORM. */
  control<T>(connection: object, control: TransactionControl, sent: SentControl<Promise<T>>): Promise<T>
  /** Changes with the known schema, and with the columns of results. Empty if the schema is unknown. */
  readonly schemaFingerprint: string
  /** Whether the catalog is useful, and was not read since the last change of the schema. */
  readonly needsCatalog: boolean
  /** Reads the catalog if it is needed. Never rejects: without a catalog, nothing is optimized. */
  readCatalog(): Promise<void>
  /**
   * Drops the catalog until it is needed again. Call it if the pool was closed and may be opened again.
   * Resolves when a read of the catalog that is in progress has ended, with its connection.
   */
  forgetCatalog(): Promise<void>
  /** Whether a transaction is open on a connection. */
  isOpen(connection: object): boolean
  /**
   * The reads of the transaction that is open on a connection; `undefined`: they are never served from the
   * cache.
   */
  readsOf(connection: object): TransactionReads | undefined
  /** Whether a BEGIN that is sent now may be held back until its transaction sends something else. */
  readonly holdsBegin: boolean
  /** Counts a statement that the adapter sends itself. */
  count(): void
  /** Whether a statement certainly only reads, and returns the same on every server with the same rows. */
  onlyReads(sql: string): boolean
  /** Reports how long callers wait for a connection of the pool. */
  readonly waits: PoolWaits
  /**
   * Watches the pool of a client that connects later; otherwise, `ClientDescription.pool` is watched.
   *
   * @param read - As `ClientDescription.pool`.
   * @param resize - As `ClientDescription.resizePool`.
   * @returns The function that ends it.
   */
  attachPool(read: () => PoolState | undefined, resize?: (max: number) => void): () => void
  /** Reports that the client is gone, or is no longer instrumented. */
  detach(): void
}

/** The services of a Sluice that the kit uses. */
interface ClientHost extends ObserverHost {
  readonly maxKeys: number
  readonly connections: ConnectionRegistry
  execute<T>(operation: Operation<T>): Promise<T>
  skips(gain: Gain): boolean
  mode(): Mode
  readonly lookups: WaitingLookups
  nextSourceId(orm: string): string
  /** Whether reads of a source may go to replicas. */
  isRouted(sourceId: string): boolean
  routeReads(client: RoutedClient): ReadRouter | undefined
  warn(message: string, code?: SluiceWarningCode): void
  attachPool(sourceId: string, read: () => PoolState | undefined, resize?: (max: number) => void): () => void
  poolWaited(sourceId: string, ms: number, wasExhausted: boolean, count?: number): void
}

/**
 * Instruments one client of a database. Every adapter for an ORM that sends SQL starts with this call.
 *
 * @throws InvalidArgumentError if `sluice` is not a Sluice; InvalidOptionError for invalid options of
 * replicas.
 * @example
 * ```ts
 * const of = { orm: 'my-orm', dialect: 'postgresql', connection, moduleUrl: import.meta.url }
 * const client = attachClient(sluice, of)
 * const rows = await client.read({ sql, params, rows: 'objects', inTransaction: false, send })
 * ```
 */
export function attachClient(sluice: object, options: ClientDescription): AdapterClient {
  const host = registeredHost(sluice) as ClientHost
  registerOwnFrames(options.moduleUrl)
  const client = new AttachedClient(host, options)
  announceClient(sluice, options.orm)
  return client
}

const NOTHING_TO_READ = Promise.resolve()

class AttachedClient implements AdapterClient {
  readonly source: Source
  readonly order: ProgramOrder
  readonly #context: ReadContext
  readonly #observer: ConnectionObserver
  readonly waits: PoolWaits
  #detachPool: (() => void) | undefined
  readonly #router: ReadRouter | undefined
  readonly reads: CountedReads | undefined
  /** The version of the catalogs in which the client's own was found to be current. */
  #readIn: number | undefined

  constructor(
    private readonly host: ClientHost,
    private readonly options: ClientDescription,
  ) {
    const { orm, dialect, pool, resizePool } = options
    const id = host.nextSourceId(orm)
    const sharedName = () => this.#sharedName(id)
    const soleWriter = () => (host.isRouted(id) ? undefined : this.#observer.soleWriter)
    this.source = { id, orm, dialect, seesStatements: true, sharedName, soleWriter }
    this.order = new ProgramOrder({
      isSingle: options.isSingle?.bind(options) ?? (() => false),
      scope: () => host.scopes.ambient.scope,
      dispatch: (inEveryScope) =>
        inEveryScope ? host.lookups.dispatchOf(id) : host.lookups.dispatchIn(host.scopes.ambient.scope),
      hold: (effect) => host.writes.hold(effect),
      passed: () => {
        const { counted } = host.scopes.ambient
        host.stats.seen += 1
        if (counted !== undefined) counted.counts.operations += 1
        host.stats.passThrough('CONNECTION_IN_USE')
      },
    })
    this.#observer = new ConnectionObserver(host, id, options, catalogConnections(options))
    this.#context = {
      source: this.source,
      catalogs: host.catalogs,
      maxKeys: host.maxKeys,
      send: (call, sql, params, helpers, demand) => this.#routed(call, sql, params, helpers, demand),
    }
    this.waits = new PoolWaits(
      (ms, wasExhausted, count) => host.poolWaited(id, ms, wasExhausted, count),
      () => host.now(),
    )
    if (pool !== undefined) this.attachPool(pool.bind(options), resizePool?.bind(options))
    host.connections.attach(id, () => options.connection())
    this.#router = this.#routerOf(id)
    this.reads = this.#router === undefined ? this.#observer.reads : undefined
  }

  get isActive(): boolean {
    return this.host.isOptimizing() || this.#router !== undefined
  }

  read(call: SqlRead): Promise<readonly SqlRow[]> {
    if (!this.host.isOptimizing())
      return this.#routed(call, call.sql, call.params, 0, this.host.scopes.ambient.demand)
    const plan = this.#observer.plans.of(call.sql)
    const { shape } = plan
    if (this.#skips(call, plan)) return call.send(call.sql, call.params, 0)
    const settings = call.settings === undefined ? '' : call.settings()
    const { recorder, scopes } = this.host
    // A batch is sent later, from a place without the user's frames.
    if (recorder.mayTrace(scopes.ambient.counted, shape)) call.stack?.()
    void this.readCatalog()
    return this.host.execute(new SqlOperation(this.#context, plan, call, settings))
  }

  needsCaller(sql: string): boolean {
    return this.isActive || this.#observer.reads.needsCaller(sql)
  }

  get plans(): StatementPlans {
    return this.#observer.plans
  }

  effectOf(sql: string, params: readonly unknown[]): WriteEffect | undefined {
    try {
      return this.#observer.effectOf(sql, params)
    } catch (error) {
      this.host.reportError(error)
      return EVERYTHING
    }
  }

  execute<T>(operation: Operation<T>): Promise<T> {
    return this.host.execute(operation)
  }

  statement<T>(connection: object, sent: SentStatement<Promise<T>>): Promise<T> {
    if (this.#router !== undefined && sent.isRouted !== true) this.#leave(this.#router, connection, sent.sql)
    return this.#observer.statement(connection, sent)
  }

  statementSync<T>(connection: object, sent: SentStatement<T>): T {
    return this.#observer.statementSync(connection, sent)
  }

  stream(connection: object, sent: Pick<SentStatement<unknown>, 'sql' | 'params'>): StreamedStatement {
    return this.#observer.stream(connection, sent)
  }

  script<T>(run: () => Promise<T>): Promise<T> {
    return this.#observer.script(run)
  }

  begun(connection: object, writes?: TransactionWrites, control?: TransactionControl): void {
    this.#observer.begun(connection, writes, control)
  }

  control<T>(connection: object, control: TransactionControl, sent: SentControl<Promise<T>>): Promise<T> {
    return this.#observer.control(connection, control, sent)
  }

  get schemaFingerprint(): string {
    return this.host.catalogs.of(this.source.id)?.fingerprint ?? ''
  }

  get needsCatalog(): boolean {
    return this.#observer.catalog.isNeeded
  }

  readCatalog(): Promise<void> {
    const { catalogs } = this.host
    // As long as nothing changes, there is nothing to read, and its watch does not sleep.
    if (catalogs.version === this.#readIn) return NOTHING_TO_READ
    const reading = this.#observer.catalog.read()
    if (catalogs.of(this.source.id) !== undefined) this.#readIn = catalogs.version
    return reading
  }

  forgetCatalog(): Promise<void> {
    return this.#observer.catalog.forget()
  }

  isOpen(connection: object): boolean {
    return this.#observer.isOpen(connection)
  }

  readsOf(connection: object): TransactionReads | undefined {
    return this.#observer.readsOf(connection)
  }

  get holdsBegin(): boolean {
    const { catalogs, scopes, mode } = this.host
    const { scope, isBypassing } = scopes.ambient
    return (
      usesRule('held-begins') &&
      !isBypassing &&
      (scope?.mode ?? mode()) === 'optimize' &&
      catalogs.of(this.source.id)?.readsCommitted === true
    )
  }

  count(): void {
    const { recorder, scopes } = this.host
    recorder.statement(scopes.ambient.counted)
  }

  onlyReads(sql: string): boolean {
    return this.#observer.plans.of(sql).isPlainRead
  }

  attachPool(read: () => PoolState | undefined, resize?: (max: number) => void): () => void {
    const { waits } = this
    const detach = this.host.attachPool(
      this.source.id,
      () => {
        waits.flush()
        return read()
      },
      resize,
    )
    this.#detachPool = () => {
      waits.flush()
      detach()
    }
    return this.#detachPool
  }

  detach(): void {
    this.#router?.close()
    void this.forgetCatalog()
    this.#detachPool?.()
    this.host.connections.detach(this.source.id)
  }

  /** Whether examining such a read has no benefit. */
  #skips({ inTransaction, control }: SqlRead, { gain }: StatementPlan): boolean {
    if (this.#router !== undefined || inTransaction || control !== undefined) return false
    return this.host.skips(gain)
  }

  #routerOf(sourceId: string): ReadRouter | undefined {
    const { replicas, dialect, orm } = this.options
    if (replicas === undefined || replicas.targets.length === 0) return undefined
    const router = this.host.routeReads({
      sourceId,
      dialect,
      options: replicas.options,
      replicas: replicas.targets,
      // A session would occupy a connection of the app.
      primary: () => {
        const connection = this.options.connection()
        return connection && statementByStatement(connection)
      },
    })
    if (router === undefined)
      this.host.warn(
        `Sluice reads from replicas of PostgreSQL and MariaDB; this client (${orm}) uses ${dialect}. All reads go to the primary.`,
        'SLUICE_REPLICAS_UNUSED',
      )
    return router
  }

  #routed(
    call: SqlRead,
    sql: string,
    params: readonly unknown[],
    helpers: number,
    demand: ReadRequirements | undefined,
  ): Promise<readonly SqlRow[]> {
    const router = this.#router
    if (router === undefined || call.inTransaction) return call.send(sql, params, helpers)
    return router.read({
      scope: this.host.scopes.current(),
      demand,
      onReplica: (attempt) => call.send(sql, params, helpers, attempt),
      onPrimary: () => call.send(sql, params, helpers),
    })
  }

  /** Counts a statement that goes to the primary without a decision. */
  #leave(router: ReadRouter, connection: object, sql: string): void {
    if (analyzeSql(sql, this.options.dialect).statement.transaction === undefined)
      router.leave(this.isOpen(connection) ? 'transaction' : 'write')
  }

  #sharedName(id: string): string | undefined {
    const { orm, settings } = this.options
    const catalog = this.host.catalogs.of(id)
    const identity = catalog?.identity
    const own =
      settings === undefined || catalog === undefined ? '' : settings.call(this.options, catalog.ownTypes)
    return identity === undefined || own === undefined ? undefined : `${orm} ${own} ${identity}`
  }
}
