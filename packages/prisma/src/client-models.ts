import { createHash } from 'node:crypto'
import type { Dialect } from '@sluice/core'
import {
  type AdapterHost,
  type SchemaCatalog,
  type TableId,
  tableId,
  UNKNOWN_SCHEMA,
} from '@sluice/core/adapter'
import type { AdapterConversions } from './adapter-conversions.ts'
import { adapterOf, declaredSchemaOf, type RuntimeDataModel, runtimeDataModelOf } from './internals.ts'
import type { OmittedFields } from './lookups/selection.ts'
import { schemaFromRuntime } from './schema/from-runtime.ts'
import { PrismaSchema } from './schema/prisma-schema.ts'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'
import { PrismaShapes } from './shape.ts'
import { catalogIdOf, connectedSchemaOf, conversionsOf, soleWriterOf } from './sluice-adapter.ts'

type Omits = Readonly<Record<string, OmittedFields | undefined>>

const NO_OMITS: Omits = {}
const NO_TYPES: readonly number[] = []

/**
 * The models of all clients of one Sluice that received the same models and have the same connections. Built
 * once, regardless of how many clients an app creates from one client (some apps create one per request).
 */
export class ClientModels {
  /** Whether Sluice sees the clients' statements on their connections. */
  readonly seesStatements: boolean
  /** Id under which the registry stores the tables. */
  readonly catalogId: string
  readonly #adapterCatalogId: string | undefined
  readonly #conversions: AdapterConversions | undefined
  /** Whether table ids use the database's default schema, or that schema cannot be determined. */
  #isSettled = false
  #isExpected = false
  #fingerprint: string | undefined
  #schema: PrismaSchema | undefined
  /** The version of the catalogs in which the schema was last joined. */
  #settledIn: number | undefined
  /** The database catalog that the schema was joined with. */
  #database: SchemaCatalog | undefined
  #shapes = new WeakMap<Omits, PrismaShapes>()

  constructor(
    private readonly host: AdapterHost,
    private readonly dialect: Dialect,
    private readonly data: PrismaSchemaData | undefined,
    private readonly runtime: RuntimeDataModel | undefined,
    private readonly adapter: object | undefined,
  ) {
    this.#adapterCatalogId = catalogIdOf(adapter)
    this.#conversions = conversionsOf(adapter)
    this.seesStatements = this.#adapterCatalogId !== undefined
    this.catalogId = host.nextSourceId('prisma-models')
    host.catalogs.bind(this.catalogId, this)
    if (data !== undefined)
      this.#use(new PrismaSchema(data, { defaultSchema: declaredSchemaOf(adapter) }), !this.seesStatements)
  }

  /** See `Source`. */
  get soleWriter(): ReturnType<typeof soleWriterOf> {
    return soleWriterOf(this.adapter)
  }

  /**
   * The known schema of the models: from the generator, joined with the database's catalog after the adapter
   * has read it, or from the catalog alone; `undefined` without both.
   */
  schema(): PrismaSchema | undefined {
    const { catalogs } = this.host
    if (this.#adapterCatalogId !== undefined && this.#settledIn !== catalogs.version) {
      this.#settle(catalogs.of(this.#adapterCatalogId))
      this.#settledIn = catalogs.version
    }
    return this.#schema
  }

  /**
   * Call it when an operation was sent. The first one lets the client connect, and its adapter then reads the
   * catalog: later reads can wait for it.
   */
  expectCatalog(): void {
    const { catalogs } = this.host
    if (this.#isExpected || !this.host.isOptimizing()) return
    this.#isExpected = true
    const id = this.#adapterCatalogId
    if (id !== undefined && catalogs.of(id) === undefined) catalogs.first.expect(id)
  }

  /**
   * Name of the database, its conversions, its tables and the schema of the models, the same in every
   * process; `undefined` until it is known.
   */
  get databaseName(): string | undefined {
    const catalog =
      this.#adapterCatalogId === undefined ? undefined : this.host.catalogs.of(this.#adapterCatalogId)
    const identity = catalog?.identity
    const conversions = this.#conversions?.shared(catalog?.ownTypes ?? NO_TYPES)
    return identity === undefined || conversions === undefined
      ? undefined
      : `${identity} ${conversions} ${JSON.stringify(connectedSchemaOf(this.adapter) ?? null)}`
  }

  /** Identifies how values are converted at this moment; `undefined`: connections differ from each other. */
  get conversions(): string | undefined {
    return this.#conversions === undefined ? '' : this.#conversions.current()
  }

  /** Identifies the models, the same in every process. */
  get fingerprint(): string {
    this.#fingerprint ??= createHash('sha256')
      .update(JSON.stringify([this.runtime, this.data]))
      .digest('base64url')
    return this.#fingerprint
  }

  /** Whether table ids match the database's current catalog. */
  get isSettled(): boolean {
    const isValid =
      this.#adapterCatalogId === undefined || this.host.catalogs.of(this.#adapterCatalogId) !== undefined
    return this.#isSettled && isValid
  }

  /** Shapes of the clients that omit the same fields. */
  shapes(omitted: Omits = NO_OMITS): PrismaShapes {
    let shapes = this.#shapes.get(omitted)
    if (shapes === undefined) {
      shapes = new PrismaShapes(this.dialect, this.data !== undefined, omitted)
      this.#shapes.set(omitted, shapes)
    }
    return shapes
  }

  #settle(database: SchemaCatalog | undefined): void {
    if (database === undefined || database === this.#database) return
    this.#database = database
    const defaultSchema = connectedSchemaOf(this.adapter)
    if (this.data !== undefined) this.#use(new PrismaSchema(this.data, { database, defaultSchema }), true)
    else if (this.runtime !== undefined)
      this.#use(schemaFromRuntime(this.runtime, database, defaultSchema), true)
  }

  #use(schema: PrismaSchema, isSettled: boolean): void {
    this.#schema = schema
    this.#isSettled = isSettled
    // More is known about the models now than when the shapes were built.
    this.#shapes = new WeakMap()
    const { catalogs } = this.host
    catalogs.name(this.catalogId, namesOf(schema, isSettled))
    if (!isSettled) return
    if (this.#database === undefined) catalogs.set(this.catalogId, schema.catalog)
    else catalogs.derive(this.catalogId, schema.catalog, catalogs.generations.current)
  }
}

/**
 * Models by their tables. Until the database has been queried, a table without a schema can belong to any.
 */
function* namesOf(
  { data, dialect, models }: PrismaSchema,
  isSettled: boolean,
): Iterable<readonly [string, TableId]> {
  for (const { name, schema, table } of data.models) {
    const id = models.get(name)?.table
    if (id !== undefined) yield [name, id]
    if (!isSettled && schema === undefined) yield [name, tableId(dialect, undefined, table, UNKNOWN_SCHEMA)]
  }
}

/** By host, by the identity of the models, by the adapter of the connections. */
const known = new WeakMap<AdapterHost, WeakMap<object, WeakMap<object, ClientModels>>>()
const places = new Map<string | undefined, object>()
/** Clients of additional schemas share nothing. */
const MAX_PLACES = 1_000

/** The key for all adapters that Sluice does not see and that have the same schema. */
function unseen(schema: string | undefined): object {
  const place = places.get(schema) ?? {}
  if (places.size < MAX_PLACES) places.set(schema, place)
  return place
}

export function modelsOf(
  host: AdapterHost,
  client: object,
  dialect: Dialect,
  data: PrismaSchemaData | undefined,
): ClientModels {
  const runtime = runtimeDataModelOf(client)
  const adapter = adapterOf(client)
  const byData = of(known, host, () => new WeakMap<object, WeakMap<object, ClientModels>>())
  const byAdapter = of(byData, data ?? runtime ?? client, () => new WeakMap<object, ClientModels>())
  // Adapters that Sluice does not see differ only in the schema of their models.
  const place =
    catalogIdOf(adapter) === undefined ? unseen(declaredSchemaOf(adapter)) : (adapter ?? unseen(undefined))
  return of(byAdapter, place, () => new ClientModels(host, dialect, data, runtime, adapter))
}

function of<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = make()
  map.set(key, created)
  return created
}
