import { createHash } from 'node:crypto'
import type { Dialect } from '@sluice/core'
import { type SchemaCatalog, type TableId, tableId, UNKNOWN_SCHEMA } from '@sluice/core/adapter'
import type { AdapterHost } from '@sluice/core/siblings'
import { adapterOf, givenSchemaOf, type RuntimeDataModel, runtimeDataModelOf } from './internals.ts'
import type { OmittedFields } from './lookups/selection.ts'
import { schemaFromRuntime } from './schema/from-runtime.ts'
import { PrismaSchema } from './schema/prisma-schema.ts'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'
import { PrismaShapes } from './shape.ts'
import { catalogIdOf, connectedSchemaOf } from './sluice-adapter.ts'

type Omits = Readonly<Record<string, OmittedFields | undefined>>

const NO_OMITS: Omits = {}

/**
 * The models of all clients of one Sluice that were given the same ones and have the same connections: made once, however many
 * clients an app makes of one (some make one for each request).
 */
export class ClientModels {
  /** Whether the clients' statements are seen on their connections. */
  readonly seesStatements: boolean
  /** Under this id the registry knows the tables. */
  readonly catalogId: string
  readonly #adapterCatalogId: string | undefined
  /** Whether tables are called as the database calls them: by its own default schema, if that can be known. */
  #isSettled = false
  #fingerprint: string | undefined
  #schema: PrismaSchema | undefined
  /** What the schema was joined with. */
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
    this.seesStatements = this.#adapterCatalogId !== undefined
    this.catalogId = host.nextSourceId('prisma-models')
    host.catalogs.bind(this.catalogId, this)
    if (data !== undefined) this.#use(new PrismaSchema(data, { defaultSchema: givenSchemaOf(adapter) }), !this.seesStatements)
  }

  /**
   * What is known of the models: from the generator, joined with the database's catalogue once the adapter has read it,
   * or from that alone; `undefined` with neither.
   */
  schema(): PrismaSchema | undefined {
    if (this.#adapterCatalogId !== undefined) this.#settle(this.host.catalogs.of(this.#adapterCatalogId))
    return this.#schema
  }

  /** The database with its tables, and the schema of the models, as every process calls them; `undefined` while that is not known. */
  get databaseName(): string | undefined {
    const identity = this.#adapterCatalogId === undefined ? undefined : this.host.catalogs.of(this.#adapterCatalogId)?.identity
    return identity === undefined ? undefined : `${identity} ${JSON.stringify(connectedSchemaOf(this.adapter) ?? null)}`
  }

  /** Tells models from others, in every process alike. */
  get fingerprint(): string {
    this.#fingerprint ??= createHash('sha256')
      .update(JSON.stringify([this.runtime, this.data]))
      .digest('base64url')
    return this.#fingerprint
  }

  /** Whether tables are known as the database knows them now. */
  get isSettled(): boolean {
    const isValid = this.#adapterCatalogId === undefined || this.host.catalogs.of(this.#adapterCatalogId) !== undefined
    return this.#isSettled && isValid
  }

  /** The shapes of the clients that leave out the same fields. */
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
    else if (this.runtime !== undefined) this.#use(schemaFromRuntime(this.runtime, database, defaultSchema), true)
  }

  #use(schema: PrismaSchema, isSettled: boolean): void {
    this.#schema = schema
    this.#isSettled = isSettled
    // More is known of the models than when they were made.
    this.#shapes = new WeakMap()
    const { catalogs } = this.host
    catalogs.name(this.catalogId, namesOf(schema, isSettled))
    if (!isSettled) return
    if (this.#database === undefined) catalogs.set(this.catalogId, schema.catalog)
    else catalogs.derive(this.catalogId, schema.catalog, catalogs.generations.current)
  }
}

/** Models by their tables. Until the database was asked, a table without a schema may be that of any. */
function* namesOf({ data, dialect, models }: PrismaSchema, isSettled: boolean): Iterable<readonly [string, TableId]> {
  for (const { name, schema, table } of data.models) {
    const id = models.get(name)?.table
    if (id !== undefined) yield [name, id]
    if (!isSettled && schema === undefined) yield [name, tableId(dialect, undefined, table, UNKNOWN_SCHEMA)]
  }
}

/** By host, by what the models are told from, by the adapter of the connections. */
const known = new WeakMap<AdapterHost, WeakMap<object, WeakMap<object, ClientModels>>>()
const places = new Map<string | undefined, object>()
/** Clients of further schemas share nothing. */
const MAX_PLACES = 1_000

/** What stands for all adapters that are not seen and were given one schema. */
function unseen(schema: string | undefined): object {
  const place = places.get(schema) ?? {}
  if (places.size < MAX_PLACES) places.set(schema, place)
  return place
}

export function modelsOf(host: AdapterHost, client: object, dialect: Dialect, data: PrismaSchemaData | undefined): ClientModels {
  const runtime = runtimeDataModelOf(client)
  const adapter = adapterOf(client)
  const byData = of(known, host, () => new WeakMap<object, WeakMap<object, ClientModels>>())
  const byAdapter = of(byData, data ?? runtime ?? client, () => new WeakMap<object, ClientModels>())
  // Those that are not seen differ in the schema of their models alone.
  const place = catalogIdOf(adapter) === undefined ? unseen(givenSchemaOf(adapter)) : (adapter ?? unseen(undefined))
  return of(byAdapter, place, () => new ClientModels(host, dialect, data, runtime, adapter))
}

function of<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
