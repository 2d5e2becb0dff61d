import type { AdapterHost, Dialect, SchemaCatalog, Source, TableId } from '@sluice/core'
import {
  adapterOf,
  globalOmitOf,
  type InternalParams,
  internalParamsOf,
  type QueryFunction,
  type RawQuery,
  type RuntimeDataModel,
  rawQueryOf,
  runtimeDataModelOf,
  transactionOf,
} from './internals.ts'
import type { PageContext } from './lookups/page.ts'
import { type ClientContext, PrismaOperation } from './prisma-operation.ts'
import { schemaFromRuntime } from './schema/from-runtime.ts'
import { PrismaSchema } from './schema/prisma-schema.ts'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'
import { PrismaShapes } from './shape.ts'
import { catalogIdOf } from './sluice-adapter.ts'
import { type Touches, touches } from './touches/touches.ts'

/** What a query extension's hook is given. */
export interface Hook {
  readonly model?: string | undefined
  readonly operation: string
  readonly args: unknown
  readonly query: (args: never) => Promise<unknown>
}

/** What `withSluice` keeps for one client, and for all clients extended from it. */
export class ClientState implements ClientContext {
  readonly source: Source
  readonly shapes: PrismaShapes
  /** Whether the client's statements are seen on their connection. */
  readonly seesStatements: boolean
  /**
   * Whether somebody extended the client's queries after Sluice. Such an extension may treat each action in its own way,
   * and its results may depend on what Sluice cannot see: nothing is merged or kept then.
   */
  hasInnerExtensions = false
  readonly #rawQuery: RawQuery | undefined
  readonly #runtime: RuntimeDataModel | undefined
  readonly #catalogId: string | undefined
  #schema: PrismaSchema | undefined
  /** Whether tables are called as the database calls them: by its own default schema, if that can be known. */
  #isSettled = false

  constructor(
    readonly host: AdapterHost,
    client: object,
    dialect: Dialect,
    private readonly data: PrismaSchemaData | undefined,
  ) {
    this.#catalogId = catalogIdOf(adapterOf(client))
    this.seesStatements = this.#catalogId !== undefined
    this.source = { id: host.nextSourceId('prisma'), orm: 'prisma', dialect, seesStatements: this.seesStatements }
    this.shapes = new PrismaShapes(dialect, data !== undefined, globalOmitOf(client))
    this.#rawQuery = rawQueryOf(client)
    this.#runtime = runtimeDataModelOf(client)
    if (data !== undefined) this.#use(new PrismaSchema(data), !this.seesStatements)
  }

  /**
   * What is known of the models: from the generator, joined with the database's catalogue once the adapter has read it,
   * or from that alone; `undefined` with neither.
   */
  schema(): PrismaSchema | undefined {
    if (!this.#isSettled && this.#catalogId !== undefined) this.#settle(this.host.catalogs.of(this.#catalogId))
    return this.#schema
  }

  #settle(database: SchemaCatalog | undefined): void {
    if (database === undefined) return
    if (this.data !== undefined) this.#use(new PrismaSchema(this.data, { database }), true)
    else if (this.#runtime !== undefined) this.#use(schemaFromRuntime(this.#runtime, database), true)
  }

  touches(model: string, operation: string, args: unknown): Touches | undefined {
    const schema = this.schema()
    return schema === undefined || !this.#isSettled ? undefined : touches(schema, model, operation, args)
  }

  /** How to ask for pages of a table's rows: only where the database itself said which table that is. */
  pages(table: TableId): PageContext | undefined {
    const ask = this.#rawQuery
    const { dialect } = this.source
    const known = this.seesStatements && this.#isSettled ? this.host.catalogs.cacheableTable(dialect, table) : undefined
    if (ask === undefined || known === undefined) return undefined
    return { dialect, table: known, ask: async (sql, values) => (await ask(sql, ...values)) as Readonly<Record<string, unknown>>[] }
  }

  /** The hook's operation, on its way through the pipeline; the bare query if Sluice cannot describe it. */
  handle(hook: Hook): Promise<unknown> {
    const query = hook.query as QueryFunction
    let operation: PrismaOperation
    try {
      const params: InternalParams | undefined = internalParamsOf(hook)
      const { model, args } = hook
      operation = new PrismaOperation(this, { model, operation: hook.operation, args, params, transaction: transactionOf(params), query })
    } catch (error) {
      this.host.reportError(error)
      return query(hook.args)
    }
    return this.host.execute(operation)
  }

  #use(schema: PrismaSchema, isSettled: boolean): void {
    this.#schema = schema
    this.#isSettled = isSettled
    this.shapes.clear()
    const aliases = [...schema.models.values()].map((model) => [model.name, model.table] as const)
    if (isSettled) this.host.catalogs.set(this.source.id, schema.catalog, aliases)
    this.host.onClose(() => this.host.catalogs.delete(this.source.id))
  }
}
