import type { Dialect, Sluice } from '@sluice/core'
import {
  type AdapterClient,
  type AdapterHost,
  attachClient,
  type Gain,
  type Lookup,
  OriginStacks,
  PgTransactions,
  type QueryResult,
  type ReadRequirements,
  type Refusal,
  type RowSource,
  type Source,
  type StatementPlans,
  type TableId,
  type TransactionReads,
} from '@sluice/core/adapter'
import { controlOf } from './cached.ts'
import { CallOrder } from './call-order.ts'
import { CountedQueries } from './counted-queries.ts'
import { describeClient, type KnexDescription } from './describe-client.ts'
import { KnexGains } from './gains.ts'
import type { InstanceContext } from './instance-context.ts'
import { hasListeners, hideFrame, isPlain, notifyOfQuery } from './internals/builder.ts'
import { hasFreeConnection, poolStateOf } from './internals/client.ts'
import { type Conversions, conversionsOf } from './internals/conversions.ts'
import type { BuilderInternals, ClientInternals, QueryObject, RunnerInternals } from './internals/types.ts'
import { KnexLookups } from './knex-lookups.ts'
import { KnexOperation } from './knex-operation.ts'
import { OpenTransactions } from './open-transactions.ts'
import { type KnexOptions, type KnexRead, ReplicaReads } from './replica-reads.ts'
import { RowSources } from './row-sources.ts'
import { bindingsOf, SentQuery } from './sent-query.ts'
import { KnexStreams } from './streams.ts'

/** The operation for which a query is sent. */
const OPERATION: unique symbol = Symbol('sluice.operation')

interface SentByOperation extends QueryObject {
  [OPERATION]?: KnexOperation
}

/**
 * State that `withSluice` stores for one Knex instance, including its transactions. Knex creates transactions
 * without running constructors, so the state is in a closure.
 */
export class PluginState implements InstanceContext {
  readonly source: Source
  readonly conversions: Conversions
  readonly order: CallOrder
  readonly plans: StatementPlans
  readonly transactions: OpenTransactions
  readonly streams: KnexStreams
  readonly #statements: AdapterClient
  /** `undefined`: each query needs more than counting. */
  readonly #counted: CountedQueries | undefined
  readonly #pg: PgTransactions | undefined
  readonly #lookups = new KnexLookups(this)
  readonly #rowSources = new RowSources(this)
  readonly #migrationTables: ReadonlySet<string>
  readonly #gains = new KnexGains()
  /** By builder, and by the query object that is sent for it. */
  readonly #origins = new OriginStacks()
  readonly #replicas: ReplicaReads | undefined
  readonly #knex: WeakRef<object>
  readonly #client: WeakRef<ClientInternals>

  constructor(
    sluice: Sluice,
    readonly host: AdapterHost,
    /** The client's class before instrumentation. */
    private readonly base: ClientInternals,
    client: ClientInternals,
    dialect: Dialect,
    options: KnexOptions,
    knex: object,
    description: KnexDescription,
  ) {
    this.#knex = new WeakRef(knex)
    this.#client = new WeakRef(client)
    const migrationTable = client.config.migrations?.tableName ?? 'knex_migrations'
    this.#migrationTables = new Set(
      [migrationTable, `${migrationTable}_lock`].map((name) => name.toLowerCase()),
    )
    this.conversions = conversionsOf(client)
    this.#statements = attachClient(
      sluice,
      describeClient(client, base, dialect, this.conversions, description),
    )
    this.source = this.#statements.source
    this.order = new CallOrder(this.#statements)
    this.plans = this.#statements.plans
    const { reads } = this.#statements
    if (reads !== undefined) {
      this.#counted = new CountedQueries(base, reads, this.conversions)
      client.on?.('query-error', this.#counted.failed)
    }
    this.#pg = dialect === 'postgresql' ? new PgTransactions(this.#statements) : undefined
    this.streams = new KnexStreams(base, this.#statements)
    this.transactions = new OpenTransactions(this.#statements, this.#pg)
    const onlyReads = (sql: string) => this.#statements.onlyReads(sql)
    this.#replicas = ReplicaReads.attach(
      { host, sourceId: this.source.id, dialect, client, base, onlyReads },
      options,
    )
  }

  /** Called when the instance is no longer instrumented. */
  detach(): void {
    if (this.#counted !== undefined) this.#client.deref()?.off?.('query-error', this.#counted.failed)
    this.#replicas?.close()
    this.#statements.detach()
  }

  /**
   * Called when the instance was destroyed. It can be initialized again. Resolves when no connection of
   * Sluice is open.
   */
  forget(): Promise<void> {
    this.#replicas?.close()
    return this.#statements.forgetCatalog()
  }

  /**
   * Called when a connection is requested.
   *
   * @returns The function that reports the end of the wait; `undefined` if there is no wait.
   */
  connectionRequested(client: ClientInternals): (() => void) | undefined {
    const { waits } = this.#statements
    if (!hasFreeConnection(client)) {
      const state = poolStateOf(client)
      return state && waits.request(state)
    }
    waits.found()
    return undefined
  }

  query(client: ClientInternals, connection: object, query: SentByOperation): Promise<QueryObject> {
    // SQLite streams through `_query`: Sluice has already seen a streamed query.
    if (this.streams.has(query)) return this.base._query.call(client, connection, query)
    query[OPERATION]?.sends(query.sql, bindingsOf(query))
    const { base, conversions } = this
    const pg = client.transacting === true ? this.#pg : undefined
    const stack = this.#origins.of(query)
    const counted = this.#counted?.send(client, connection, query, stack, pg)
    if (counted !== undefined) {
      if (client.transacting === true) this.transactions.uses(client, connection)
      return counted
    }
    const sent = new SentQuery(base, client, connection, query, stack, conversions, pg)
    if (client.transacting !== true) return this.#statements.statement(connection, sent)
    this.transactions.uses(client, connection)
    return pg === undefined
      ? this.#statements.statement(connection, sent)
      : this.#inTransaction(pg, connection, query, sent)
  }

  /** Called with the response to each query of a runner. */
  answered(query: QueryObject): void {
    this.#counted?.answered(query)
  }

  #inTransaction(
    pg: PgTransactions,
    connection: object,
    query: QueryObject,
    sent: SentQuery,
  ): Promise<QueryObject> {
    const control = this.plans.of(query.sql).analyzed.statement.transaction
    if (control === undefined) return this.#statements.statement(connection, sent)
    return pg.control(connection, query.sql, control, {
      send: () => this.#statements.statement(connection, sent),
      resultOf: ({ response }) => response as QueryResult,
      answerOf: (response) => Object.assign(query, { response }),
    })
  }

  /** Called with each builder that is created. */
  created(builder: BuilderInternals): BuilderInternals {
    this.#origins.capture(builder)
    hideFrame(builder)
    return builder
  }

  /** The runner of a builder, which goes through the pipeline if Sluice can gain anything from it. */
  runner(client: ClientInternals, builder: BuilderInternals): RunnerInternals {
    const { host } = this
    if (this.#replicas === undefined && !host.isOptimizing()) {
      host.stats.seen += 1
      return this.#baseRunner(client, builder)
    }
    const { timer } = host.scopes
    return timer === undefined
      ? this.#runner(client, builder)
      : timer.inside(() => this.#runner(client, builder))
  }

  #runner(client: ClientInternals, builder: BuilderInternals): RunnerInternals {
    const runner = this.#baseRunner(client, builder)
    const { host } = this
    if (!host.isOptimizing()) {
      host.stats.seen += 1
      const [onPrimary, { demand }] = [runner.run.bind(runner), host.scopes.ambient]
      const on = (other: ClientInternals) => this.#baseRunner(other, builder).run()
      runner.run = () => this.#routed({ client, builder, demand, onPrimary, on })
      return runner
    }
    try {
      if (client.transacting !== true && this.#skips(builder)) return this.order.passing(runner)
      // On SQLite, the transaction can have the only connection.
      if (client.transacting !== true || this.source.dialect === 'postgresql')
        void this.#statements.readCatalog()
      if (client.transacting === true) this.transactions.followStream(client, runner)
      return this.#optimized(client, builder, runner)
    } catch (error) {
      host.reportError(error)
      return runner
    }
  }

  /** Knex's own runner. Its queries have the stack in which the builder was created. */
  #baseRunner(client: ClientInternals, builder: BuilderInternals): RunnerInternals {
    const runner = this.base.runner.call(client, builder)
    if (this.#origins.areCaptured) {
      const { query } = runner
      runner.query = (sent) => {
        this.#origins.copy(builder, sent)
        return query.call(runner, sent)
      }
    }
    return runner
  }

  /** Whether examining such a read has no benefit. */
  #skips(builder: BuilderInternals): boolean {
    if (this.#replicas !== undefined || controlOf(builder) !== undefined) return false
    const gain = this.gainOf(builder)
    return gain !== undefined && this.host.skips(gain)
  }

  /** Executes an operation in the order of the app's calls. */
  #execute(
    operation: KnexOperation,
    client: ClientInternals,
    builder: BuilderInternals,
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const { host, order } = this
    if (operation.inTransaction) {
      const execute = () => host.execute(operation)
      return operation.kind === 'read' ? execute() : this.transactions.send(client, execute)
    }
    if (operation.kind !== 'read') return order.issue(client, builder, () => host.execute(operation))
    const running = this.#statements.order.read(
      () => host.execute(operation),
      () => order.sendRead(run),
    )
    return hasListeners(builder) ? this.#notified(running, operation, builder, run) : running
  }

  /** Notifies the listeners of a builder before its caller receives a result for which nothing was sent. */
  async #notified(
    running: Promise<unknown>,
    operation: KnexOperation,
    builder: BuilderInternals,
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const result = await running
    // If a listener changed the statement, the app expects the result of a different one.
    return operation.isSent || notifyOfQuery(builder) ? result : this.order.sendRead(run)
  }

  #optimized(client: ClientInternals, builder: BuilderInternals, runner: RunnerInternals): RunnerInternals {
    // A listener for `query-response` receives the caller's result; such a builder is neither batched nor
    // cached.
    if (client.config.postProcessResponse === undefined || !isPlain(builder)) {
      const on = (other: ClientInternals) => this.#watched(this.#baseRunner(other, builder), operation).run()
      const operation: KnexOperation = new KnexOperation(this, client, builder, ({ route }) =>
        this.#routed({ client, builder, demand: route, onPrimary, on }),
      )
      const { run: original } = runner
      const isRead = operation.kind === 'read'
      // Only statements of reads are compared with the cache request.
      const run = () => original.call(isRead ? this.#watched(runner, operation) : runner)
      const onPrimary = isRead ? () => this.order.sendRead(run) : run
      runner.run = () => this.#execute(operation, client, builder, run)
      return runner
    }
    // Batched and cached results are as returned by the driver; they are post-processed for each caller.
    const operation: KnexOperation = new KnexOperation(this, client, builder, ({ route }) =>
      this.#raw(client, builder, route, operation),
    )
    if (operation.kind !== 'read') {
      const run = runner.run.bind(runner)
      runner.run = operation.inTransaction
        ? () => this.transactions.send(client, run)
        : () => this.order.issue(client, builder, run)
      return runner
    }
    const run = () => this.#raw(client, builder, undefined, operation)
    runner.run = async () =>
      client.postProcessResponse(await this.#execute(operation, client, builder, run), builder.queryContext())
    return runner
  }

  /** Runs a builder that serves several callers, without `postProcessResponse`. */
  runRaw(client: ClientInternals, builder: BuilderInternals, demand: ReadRequirements): Promise<unknown> {
    return this.#raw(client, builder, demand)
  }

  #raw(
    client: ClientInternals,
    builder: BuilderInternals,
    demand: ReadRequirements | undefined,
    operation?: KnexOperation,
  ): Promise<unknown> {
    const on = (other: ClientInternals) => {
      let raw = other
      if (client.config.postProcessResponse !== undefined) {
        raw = Object.create(other) as ClientInternals
        raw.postProcessResponse = (response) => response
      }
      const runner = this.#baseRunner(raw, builder)
      return (operation === undefined ? runner : this.#watched(runner, operation)).run()
    }
    return this.#routed({
      client,
      builder,
      demand,
      onPrimary: () => this.order.sendRead(() => on(client)),
      on,
    })
  }

  /** Records the statements that a runner sends for an operation. */
  #watched(runner: RunnerInternals, operation: KnexOperation): RunnerInternals {
    const { query } = runner
    runner.query = (sent) => {
      operation.isSent = true
      if (operation.hasCacheRequest) (sent as SentByOperation)[OPERATION] = operation
      return query.call(runner, sent)
    }
    return runner
  }

  #routed(read: KnexRead): Promise<unknown> {
    return this.#replicas === undefined ? read.onPrimary() : this.#replicas.read(read)
  }

  readsOf(client: ClientInternals): TransactionReads | undefined {
    return this.transactions.of(client)?.reads
  }

  lookupOf(client: ClientInternals, builder: BuilderInternals): Lookup<unknown> | Refusal {
    return this.#lookups.lookupOf(client, builder)
  }

  rowSourceOf(client: ClientInternals, builder: BuilderInternals): RowSource | undefined {
    return this.#rowSources.of(client, builder)
  }

  /**
   * A listener of `start` can change a builder right before it is sent, for example to add a condition on the
   * tenant. If nothing is sent, the listener is not called. Knex itself registers one listener; the listeners
   * of an instance created with `withUserParams` are not known.
   */
  mayRewrite(client: ClientInternals): boolean {
    if (client === this.#client.deref()) {
      const knex = this.#knex.deref()
      return knex === undefined || listenersOf(client) !== 1 || listenersOf(knex) > 0
    }
    const transaction = this.transactions.of(client)
    if (transaction === undefined) return true
    const { emitters, outer } = transaction
    // Knex itself registers two.
    return (
      listenersOf(client) !== 2 ||
      emitters.some((emitter) => listenersOf(emitter) > 0) ||
      this.mayRewrite(outer)
    )
  }

  gainOf(builder: BuilderInternals): Gain | undefined {
    return this.#gains.of(builder)
  }

  isMigrationTable(table: TableId): boolean {
    return this.#migrationTables.has(table.slice(table.lastIndexOf('.') + 1).toLowerCase())
  }
}

function listenersOf(emitter: object): number {
  return (emitter as { listenerCount?(event: string): number }).listenerCount?.('start') ?? 0
}
