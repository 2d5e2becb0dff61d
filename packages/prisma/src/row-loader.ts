import type { Dialect } from '@sluice/core'
import type { AdapterHost, RowLoader, RowTarget } from '@sluice/core/adapter'
import type { RuntimeDataModel } from './internals.ts'
import { COLUMN_TYPES } from './schema/catalog-data-of.ts'

interface Delegate {
  findMany(args: object): Promise<readonly Record<string, unknown>[]>
}

interface Field {
  readonly name: string
  readonly kind: string
  readonly type: string
  readonly isList?: boolean
  readonly dbName?: string | null
}

/** By host, by the client from which other clients were extended. */
const loaders = new WeakMap<AdapterHost, WeakMap<object, ClientRowLoader>>()

/**
 * Allows rows to be loaded through a client. All clients extended from one client share a loader, which keeps
 * no client alive.
 */
export function attachRowLoader(
  host: AdapterHost,
  client: object,
  original: object,
  runtime: RuntimeDataModel | undefined,
  dialect: Dialect,
): void {
  const ofHost = loaders.get(host) ?? new WeakMap<object, ClientRowLoader>()
  loaders.set(host, ofHost)
  let loader = ofHost.get(original)
  if (loader === undefined) {
    loader = new ClientRowLoader(runtime, dialect)
    ofHost.set(original, loader)
    host.attachLoader(host.nextSourceId('prisma-rows'), loader)
  }
  loader.add(client)
}

/**
 * Loads rows through a Prisma client, like a `findMany` of the app: by models and fields, or by their names
 * in the database. If there are several clients, it uses the one that was attached first.
 */
class ClientRowLoader implements RowLoader {
  readonly #clients = new Set<WeakRef<object>>()
  readonly #collected = new FinalizationRegistry<WeakRef<object>>((client) => this.#clients.delete(client))

  constructor(
    private readonly runtime: RuntimeDataModel | undefined,
    readonly dialect: Dialect,
  ) {}

  add(client: object): void {
    const held = new WeakRef(client)
    this.#clients.add(held)
    this.#collected.register(client, held)
  }

  async target(table: string, field: string): Promise<RowTarget | undefined> {
    const model = modelOf(this.runtime, table)
    const fields = fieldsOf(model?.data)
    const found = fields.find(({ name }) => name === field) ?? fields.find(({ dbName }) => dbName === field)
    const client = this.#client()
    const delegate = model === undefined || client === undefined ? undefined : delegateOf(client, model.name)
    if (found === undefined || delegate === undefined || found.kind === 'object' || found.isList === true)
      return undefined
    return {
      type: COLUMN_TYPES[found.type] ?? 'other',
      keyOf: (row) => row[found.name],
      load: (keys) => delegate.findMany({ where: { [found.name]: { in: keys } } }),
    }
  }

  #client(): object | undefined {
    for (const held of this.#clients) {
      const client = held.deref()
      if (client !== undefined) return client
    }
    return undefined
  }
}

interface FoundModel {
  readonly name: string
  readonly data: unknown
}

/** Finds a model by its name, or by the name of its table, with or without a schema. */
function modelOf(runtime: RuntimeDataModel | undefined, table: string): FoundModel | undefined {
  const models = Object.entries(runtime?.models ?? {}).map(([name, data]) => ({ name, data }))
  return (
    models.find(({ name }) => name === table) ??
    models.find(({ name, data }) => tableNames(name, data).includes(table))
  )
}

function tableNames(name: string, data: unknown): readonly string[] {
  const { dbName, schema } = (data ?? {}) as { readonly dbName?: unknown; readonly schema?: unknown }
  const table = typeof dbName === 'string' ? dbName : name
  return typeof schema === 'string' ? [table, `${schema}.${table}`] : [table]
}

function fieldsOf(data: unknown): readonly Field[] {
  const fields = (data as { readonly fields?: unknown } | undefined)?.fields
  return Array.isArray(fields) ? (fields as Field[]) : []
}

/** Prisma names the delegate of `UserRole` `userRole`. */
function delegateOf(client: object, model: string): Delegate | undefined {
  const delegate = (client as Readonly<Record<string, unknown>>)[
    `${model.charAt(0).toLowerCase()}${model.slice(1)}`
  ]
  return typeof (delegate as Partial<Delegate> | undefined)?.findMany === 'function'
    ? (delegate as Delegate)
    : undefined
}
