import type { Dialect } from '@sluice/core'
import {
  type AdapterHost,
  ReadPlan,
  type RunContext,
  type Source,
  type TableId,
  type TransactionReads,
} from '@sluice/core/adapter'
import { takeControl } from './cache-argument.ts'
import { type ClientModels, modelsOf } from './client-models.ts'
import {
  type ComputedFields,
  clientVersionOf,
  computedFieldsOf,
  globalOmitOf,
  type InternalParams,
  internalParamsOf,
  type QueryFunction,
  type RawQuery,
  rawQueryOf,
  type TransactionInfo,
  transactionOf,
  transactionOfClient,
} from './internals.ts'
import type { PageContext } from './lookups/page.ts'
import type { OmittedFields } from './lookups/selection.ts'
import { prismaErrors } from './prisma-errors.ts'
import { type ClientContext, type HookCall, PrismaOperation } from './prisma-operation.ts'
import type { PrismaShape } from './prisma-shape.ts'
import type { ReplicaReads } from './replica-reads.ts'
import type { PrismaSchema } from './schema/prisma-schema.ts'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'
import { clientName, type PrismaShapes } from './shape.ts'
import type { KeyOf } from './touches/pinned-rows.ts'
import { type Touches, touches } from './touches/touches.ts'
import { currentTransaction, type TransactionContext } from './transaction-context.ts'

/** Arguments of a query extension's hook. */
export interface Hook {
  readonly model?: string | undefined
  readonly operation: string
  readonly args: unknown
  readonly query: (args: never) => Promise<unknown>
}

/** State that `withSluice` stores for one client and for all clients extended from it. */
export class ClientState implements ClientContext {
  readonly source: Source
  /**
   * Whether an extension after Sluice hooks queries. Such an extension can treat each action differently, and
   * its results can depend on data that Sluice does not see, so nothing is batched or cached.
   */
  hasInnerExtensions = false
  /**
   * Whether an extension after Sluice computes fields of rows. Sluice does not know through which of the
   * clients a call was made.
   */
  hasLaterComputedFields = false
  #readsMayWrite = false
  /** The version of the catalogs in which it was determined. */
  #readsIn: number | undefined
  readonly #computed = new Map<string, ComputedFields | undefined>()
  readonly #models: ClientModels
  readonly #omitted: ReturnType<typeof globalOmitOf>
  readonly #rawQuery: RawQuery | undefined
  /** The interactive transactions in progress, by Prisma's id. */
  readonly #transactions = new Map<string, TransactionContext>()
  readonly #keyOf: KeyOf = (table) => this.host.catalogs.rowKey(this.catalogId, table)

  constructor(
    readonly host: AdapterHost,
    private readonly client: object,
    dialect: Dialect,
    data: PrismaSchemaData | undefined,
    private readonly replicas?: ReplicaReads | undefined,
  ) {
    this.#models = modelsOf(host, client, dialect, data)
    this.#omitted = globalOmitOf(client)
    this.source = {
      id: host.nextSourceId('prisma'),
      orm: 'prisma',
      dialect,
      errors: prismaErrors,
      seesStatements: this.seesStatements,
      sharedName: () => this.#sharedName(),
      soleWriter: () => (replicas?.hasReplicas === true ? undefined : this.#models.soleWriter),
    }
    this.#rawQuery = rawQueryOf(client)
    replicas?.attach(client, dialect, this.source.id)
  }

  /** Whether Sluice sees the client's statements on their connection. */
  get seesStatements(): boolean {
    return this.#models.seesStatements
  }

  get catalogId(): string {
    return this.#models.catalogId
  }

  get conversions(): string | undefined {
    return this.#models.conversions
  }

  get readsMayWrite(): boolean {
    const { catalogs } = this.host
    if (this.#readsIn !== catalogs.version) {
      const catalog = catalogs.catalog(this.source.dialect)
      this.#readsMayWrite = catalog !== undefined && catalog.readsMayDo !== 'reads'
      this.#readsIn = catalogs.version
    }
    return this.#readsMayWrite
  }

  get shapes(): PrismaShapes {
    return this.#models.shapes(this.#omitted)
  }

  /** Results depend on the database, the models, the fields that the client omits, and Prisma's version. */
  #sharedName(): string | undefined {
    const { databaseName, fingerprint } = this.#models
    if (databaseName === undefined) return undefined
    return `prisma ${clientVersionOf(this.client) ?? ''} ${databaseName} ${fingerprint} ${JSON.stringify(this.#omitted ?? {})}`
  }

  /**
   * Follows an interactive transaction by the client that its function receives.
   *
   * @returns Call it at the end of the transaction.
   */
  enter(client: unknown, context: TransactionContext): () => void {
    const id = context.reads === undefined ? undefined : transactionOfClient(client)?.id
    // A nested one can have the id of the transaction that it is a savepoint of.
    if (id === undefined || this.#transactions.has(id)) return () => {}
    this.#transactions.set(id, context)
    return () => this.#transactions.delete(id)
  }

  readsOf(transaction: TransactionInfo | undefined): TransactionReads | undefined {
    return transaction?.kind === 'itx' ? this.#transactions.get(transaction.id)?.reads : undefined
  }

  schema(): PrismaSchema | undefined {
    return this.#models.schema()
  }

  touches(model: string, operation: string, args: unknown): Touches | undefined {
    const schema = this.schema()
    return schema === undefined || !this.#models.isSettled
      ? undefined
      : touches(schema, model, operation, args, this.#keyOf)
  }

  planOf(shape: PrismaShape, touchesOf: () => Touches | undefined): ReadPlan {
    const { catalogs } = this.host
    const version = catalogs.used()
    if (shape.reads?.version === version) return shape.reads
    const found = touchesOf()
    const tables = catalogs.cacheableTables(this.source.dialect, [...(found?.reads ?? [])])
    let refused = tables === undefined ? 'NO_BASE_TABLE' : undefined
    if (found === undefined) refused = 'NO_SCHEMA'
    else if (found.opaque) refused = 'UNSUPPORTED_ARGUMENTS'
    const plan = new ReadPlan(version, refused === undefined ? (tables ?? []) : [], refused)
    if (shape.isWhole === true && found !== undefined) shape.reads = plan
    return plan
  }

  /**
   * Computed fields of a model's rows, for all clients of this state; `undefined` if they cannot be
   * determined.
   */
  computedFields(model: string): ComputedFields | undefined {
    if (this.hasLaterComputedFields) return undefined
    if (!this.#computed.has(model))
      this.#computed.set(model, computedFieldsOf(this.client, clientName(model)))
    return this.#computed.get(model)
  }

  omittedFields(model: string): OmittedFields | undefined {
    return this.#omitted?.[clientName(model)]
  }

  /** How to query pages of a table's rows: only if the database itself identified the table. */
  pages(table: TableId): PageContext | undefined {
    const query = this.#rawQuery
    const { dialect } = this.source
    const isKnown =
      this.seesStatements &&
      this.#models.isSettled &&
      this.host.catalogs.cacheableTable(dialect, table) !== undefined
    const known = isKnown ? this.schema()?.catalog.baseTable(table) : undefined
    if (query === undefined || known === undefined) return undefined
    return {
      dialect,
      table: known,
      query: async (sql, values) => (await query(sql, ...values)) as Readonly<Record<string, unknown>>[],
    }
  }

  /** Sends the query to the database or to a replica. */
  routed(context: RunContext, call: HookCall, query: () => Promise<unknown>): Promise<unknown> {
    const isPlain = !this.hasInnerExtensions && !this.hasLaterComputedFields
    return this.replicas === undefined
      ? query()
      : this.replicas.read(this.client, context, call, isPlain, query)
  }

  /**
   * Runs the hook's operation through the pipeline, or passes the query through if Sluice cannot describe it.
   */
  handle(hook: Hook): Promise<unknown> {
    const { timer } = this.host.scopes
    return timer === undefined ? this.#handle(hook) : timer.inside(() => this.#handle(hook))
  }

  #handle(hook: Hook): Promise<unknown> {
    const query = hook.query as QueryFunction
    const { args, control } = takeControl(hook)
    let operation: PrismaOperation
    try {
      const params: InternalParams | undefined = internalParamsOf(hook)
      const { model, operation: action } = hook
      operation = new PrismaOperation(this, {
        model,
        operation: action,
        args,
        control,
        params,
        transaction: transactionOf(params),
        query,
      })
    } catch (error) {
      this.host.reportError(error)
      currentTransaction()?.reads?.spoil()
      return query(args)
    }
    const running = this.host.execute(operation)
    this.#models.expectCatalog()
    return running
  }
}
