import type { Dialect } from '@sluice/core'
import type { Lookup, ReadDemand, Refusal, RowSource, Source, StreamedStatement, TableId } from '@sluice/core/adapter'
import type { AdapterHost } from '@sluice/core/siblings'
import type { InstanceContext } from './instance-context.ts'
import type { BuilderInternals, ClientInternals, QueryObject, RunnerInternals } from './internal-types.ts'
import { isPlain, poolStateOf } from './internals.ts'
import { attachedConnection } from './knex-connection.ts'
import { KnexLookups } from './knex-lookups.ts'
import { KnexOperation } from './knex-operation.ts'
import { PoolWaits } from './pool-waits.ts'
import { type KnexOptions, type KnexRead, ReplicaReads } from './replica-reads.ts'
import { resultSettings } from './result-settings.ts'
import { RowSources } from './row-sources.ts'
import { StatementObserver } from './statement-observer.ts'

/** What `withSluice` keeps for one Knex instance, its transactions included. Transactions are made without running constructors, so it lives in a closure. */
export class PluginState implements InstanceContext {
  readonly source: Source
  readonly observer: StatementObserver
  readonly #lookups = new KnexLookups(this)
  readonly #rowSources = new RowSources(this)
  readonly #migrationTables: ReadonlySet<string>
  readonly #streamed = new Set<object>()
  readonly waits: PoolWaits
  #detachPool: (() => void) | undefined
  #replicas: ReplicaReads | undefined
  /** As told once: settings stay as they are. */
  #settings: { readonly text: string | undefined } | undefined

  constructor(
    readonly host: AdapterHost,
    /** The client's class as it was. */
    private readonly base: ClientInternals,
    private readonly client: ClientInternals,
    dialect: Dialect,
  ) {
    const migrationTable = client.config.migrations?.tableName ?? 'knex_migrations'
    const id = host.nextSourceId('knex')
    this.source = { id, orm: 'knex', dialect, seesStatements: true, sharedName: () => this.#sharedName(id) }
    this.waits = new PoolWaits(host, id)
    this.observer = new StatementObserver(host, this.source.id, dialect, base)
    this.#migrationTables = new Set([migrationTable, `${migrationTable}_lock`].map((name) => name.toLowerCase()))
  }

  /** Lets the core look at the pool, and ask the database. Neither keeps the instance alive. */
  attach(options: KnexOptions): void {
    const held = new WeakRef(this.client)
    const { host, source, base, client, observer } = this
    const { id, dialect } = source
    const onlyReads = (sql: string) => observer.onlyReads(sql)
    this.#replicas = ReplicaReads.attach({ host, sourceId: id, dialect, client, base, onlyReads }, options)
    this.#detachPool = host.attachPool(id, () => {
      const client = held.deref()
      return client === undefined ? undefined : poolStateOf(client)
    })
    host.connections.attach(id, () => {
      const client = held.deref()
      return client === undefined || poolStateOf(client) === undefined ? undefined : attachedConnection(client, base, dialect)
    })
  }

  /** The instance is no longer instrumented. */
  detach(): void {
    this.forget()
    this.waits.close()
    this.#detachPool?.()
    this.host.connections.detach(this.source.id)
  }

  /** The instance was destroyed, or is no longer instrumented. It may come back. */
  forget(): void {
    this.#replicas?.close()
    this.observer.forgetCatalog()
  }

  query(client: ClientInternals, connection: object, query: QueryObject): Promise<QueryObject> {
    // SQLite streams through `_query`: what it streams was seen already.
    if (this.#streamed.size > 0 && this.#streamed.has(query)) return this.base._query.call(client, connection, query)
    return this.observer.statement(client, connection, query)
  }

  stream(client: ClientInternals, connection: object, query: QueryObject, stream: object, options: unknown): Promise<unknown> {
    this.#streamed.add(query)
    const { ready, end } = this.observer.stream(connection, query)
    if (ready !== undefined) return this.#streamWhenReady(client, connection, query, stream, options, ready, end)
    let streamed: Promise<unknown>
    try {
      streamed = this.base._stream.call(client, connection, query, stream, options)
    } catch (error) {
      // Knex reports what is thrown here on the stream, and what is rejected nowhere.
      this.#streamed.delete(query)
      end(error, 0)
      throw error
    }
    streamed.then(
      () => void (this.#streamed.delete(query) && end(undefined, 0)),
      (error: unknown) => void (this.#streamed.delete(query) && end(error, 0)),
    )
    return streamed
  }

  /** A statement that writes and is read as a stream, once other processes are told of it. */
  async #streamWhenReady(
    client: ClientInternals,
    connection: object,
    query: QueryObject,
    stream: object,
    options: unknown,
    ready: Promise<void>,
    end: StreamedStatement['end'],
  ): Promise<unknown> {
    try {
      await ready
      const result = await this.base._stream.call(client, connection, query, stream, options)
      await end(undefined, 0)
      return result
    } catch (error) {
      await end(error, 0)
      // Knex reports on the stream only what is thrown at once.
      ;(stream as { emit?(event: string, error: unknown): void }).emit?.('error', error)
      throw error
    } finally {
      this.#streamed.delete(query)
    }
  }

  /** The runner of a builder, sent through the pipeline when there is anything to gain. */
  runner(client: ClientInternals, builder: BuilderInternals): RunnerInternals {
    const runner = this.base.runner.call(client, builder)
    const { host } = this
    if (!host.isOptimizing()) {
      host.stats.seen += 1
      if (this.#replicas !== undefined) {
        const [bare, { demand }] = [runner.run.bind(runner), host.scopes.ambient]
        const on = (other: ClientInternals) => this.base.runner.call(other, builder).run()
        runner.run = () => this.#routed({ client, builder, demand, bare, on })
      }
      return runner
    }
    try {
      this.observer.ensureCatalog(client)
      return this.#optimized(client, builder, runner)
    } catch (error) {
      host.reportError(error)
      return runner
    }
  }

  #optimized(client: ClientInternals, builder: BuilderInternals, runner: RunnerInternals): RunnerInternals {
    const bare = runner.run.bind(runner)
    // Listeners of a builder's own are told what the caller gets; such a builder is neither merged nor kept.
    if (client.config.postProcessResponse === undefined || !isPlain(builder)) {
      const on = (other: ClientInternals) => this.base.runner.call(other, builder).run()
      const operation = new KnexOperation(this, client, builder, ({ route }) => this.#routed({ client, builder, demand: route, bare, on }))
      runner.run = () => this.host.execute(operation)
      return runner
    }
    // Merged and kept results are as the driver gave them; each caller's are processed for itself.
    const operation = new KnexOperation(this, client, builder, ({ route }) => this.#raw(client, builder, route))
    if (operation.kind !== 'read') return runner
    runner.run = async () => client.postProcessResponse(await this.host.execute(operation), builder.queryContext())
    return runner
  }

  /** Runs a builder that answers for several, without `postProcessResponse`. */
  runRaw(client: ClientInternals, builder: BuilderInternals, demand: ReadDemand): Promise<unknown> {
    return this.#raw(client, builder, demand)
  }

  #raw(client: ClientInternals, builder: BuilderInternals, demand: ReadDemand | undefined): Promise<unknown> {
    const on = (other: ClientInternals) => {
      if (client.config.postProcessResponse === undefined) return this.base.runner.call(other, builder).run()
      const raw = Object.create(other) as ClientInternals
      raw.postProcessResponse = (response) => response
      return this.base.runner.call(raw, builder).run()
    }
    return this.#routed({ client, builder, demand, bare: () => on(client), on })
  }

  #routed(read: KnexRead): Promise<unknown> {
    return this.#replicas === undefined ? read.bare() : this.#replicas.read(read)
  }

  /** Results are as the driver gives them: it and its settings are a part of the name. */
  #sharedName(sourceId: string): string | undefined {
    const identity = this.host.catalogs.of(sourceId)?.identity
    if (identity === undefined) return undefined
    this.#settings ??= { text: resultSettings(this.client) }
    const { text } = this.#settings
    return text === undefined ? undefined : `knex ${this.base.driverName ?? ''} ${text} ${identity}`
  }

  lookupOf(client: ClientInternals, builder: BuilderInternals): Lookup<unknown> | Refusal {
    return this.#lookups.lookupOf(client, builder)
  }

  rowSourceOf(client: ClientInternals, builder: BuilderInternals): RowSource | undefined {
    return this.#rowSources.of(client, builder)
  }

  isMigrationTable(table: TableId): boolean {
    return this.#migrationTables.has(table.slice(table.lastIndexOf('.') + 1).toLowerCase())
  }
}
