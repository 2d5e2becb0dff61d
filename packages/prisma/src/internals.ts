import type { ValueTypes } from '@sluice/core/adapter'

/**
 * All access to undocumented parts of Prisma is in this file. Each reader validates the value that it finds,
 * and
 * returns `undefined` for unexpected values: callers then pass the operation through unchanged.
 */

/** Parameter of a hook in addition to its arguments: Prisma's description of the call. */
export interface InternalParams {
  readonly action: string
  readonly clientMethod: string
  readonly [name: string]: unknown
}

/** The transaction of a call. `batch`: one of an array passed to `$transaction`; `itx`: interactive. */
export interface TransactionInfo {
  readonly kind: 'batch' | 'itx'
  readonly id: string
}

/** Continues a hook's operation; the second argument redirects it to a different action. */
export type QueryFunction = (args: unknown, params?: InternalParams) => Promise<unknown>

/**
 * Prisma 7 no longer has `Prisma.ModelName` and similar objects; the names and relations of models are here.
 */
export interface RuntimeDataModel {
  readonly models: Readonly<Record<string, unknown>>
}

export function internalParamsOf(hook: object): InternalParams | undefined {
  const params = (hook as { readonly __internalParams?: unknown }).__internalParams
  if (typeof params !== 'object' || params === null) return undefined
  const { action, clientMethod } = params as Record<string, unknown>
  return typeof action === 'string' && typeof clientMethod === 'string'
    ? (params as InternalParams)
    : undefined
}

/**
 * `undefined`: no transaction. A transaction that cannot be identified is an `unknown` batch, which Sluice
 * passes through.
 */
export function transactionOf(params: InternalParams | undefined): TransactionInfo | undefined {
  const transaction = params?.transaction
  if (transaction === undefined || transaction === null)
    return params === undefined ? { kind: 'batch', id: 'unknown' } : undefined
  const { kind, id } = transaction as Record<string, unknown>
  if (kind === 'itx' && (typeof id === 'string' || typeof id === 'number')) return { kind, id: String(id) }
  return { kind: 'batch', id: String(id) }
}

/** The transaction of the client that an interactive transaction passes to its function. */
export function transactionOfClient(client: unknown): TransactionInfo | undefined {
  const create = (client as { readonly _createPrismaPromise?: unknown } | null)?._createPrismaPromise
  if (typeof create !== 'function') return undefined
  let found: TransactionInfo | undefined
  try {
    // A promise of the client calls its function with the transaction when it is awaited.
    const promise = create.call(client, (transaction: unknown) => {
      found = transactionOf({ action: '', clientMethod: '', transaction })
      return Promise.resolve()
    })
    promise.then(nothing, nothing)
  } catch {
    return undefined
  }
  return found
}

const nothing = (): void => {}

/** Node's default: with fewer, code between the app and Prisma can hide the app. */
const ENOUGH_FRAMES = 10

/**
 * The stack of the user's call, which Prisma captures for its error messages: not with `errorFormat:
 * 'minimal'`, the default in production, and only as many frames as the app allows.
 */
export function stackOf(
  params: InternalParams | undefined,
): { readonly stack?: string | undefined } | undefined {
  const error = (params?.callsite as { readonly _error?: unknown } | undefined)?._error
  return error instanceof Error && Error.stackTraceLimit >= ENOUGH_FRAMES ? error : undefined
}

/** Whether the result is taken from a deeper level, as the fluent API does: `user.findUnique().posts()`. */
export function dataPathOf(params: InternalParams | undefined): string {
  const path = params?.dataPath
  return Array.isArray(path) ? path.join('.') : ''
}

/**
 * Parameters that make a hook's `query` run a different action of the same model, in the same transaction.
 * Transformations of arguments and result by the original action are skipped.
 */
export function redirect(params: InternalParams, action: 'findMany' | 'groupBy'): InternalParams {
  const model = params.clientMethod.slice(0, params.clientMethod.lastIndexOf('.'))
  return { ...params, action, clientMethod: `${model}.${action}`, argsMapper: undefined, unpacker: undefined }
}

/**
 * A fresh copy: Prisma changes the parameters that it receives, so each additional query of a hook needs its
 * own copy.
 */
export function freshParams(params: InternalParams): InternalParams {
  return { ...params }
}

/** The version of the client, such as `7.10.0`. */
export function clientVersionOf(client: object): string | undefined {
  const version = (client as { readonly _clientVersion?: unknown })._clientVersion
  return typeof version === 'string' ? version : undefined
}

export function providerOf(client: object): string | undefined {
  const provider = (client as { readonly _activeProvider?: unknown })._activeProvider
  return typeof provider === 'string' ? provider : undefined
}

export function runtimeDataModelOf(client: object): RuntimeDataModel | undefined {
  const model = (client as { readonly _runtimeDataModel?: unknown })._runtimeDataModel
  const isModel =
    typeof model === 'object' && model !== null && typeof (model as { models?: unknown }).models === 'object'
  return isModel ? (model as RuntimeDataModel) : undefined
}

/**
 * Fields that the client omits from rows (`new PrismaClient({ omit })`), by the model's name in the client.
 */
export function globalOmitOf(
  client: object,
): Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> | undefined {
  const omit = (client as { readonly _globalOmit?: unknown })._globalOmit
  return typeof omit === 'object' && omit !== null
    ? (omit as Record<string, Record<string, unknown>>)
    : undefined
}

/** The client from which a client was extended; the client itself if that is not known. */
export function originalOf(client: object): object {
  const original = (client as { readonly _originalClient?: unknown })._originalClient
  return typeof original === 'object' && original !== null ? original : client
}

/** Whether a client certainly has no extensions. */
export function isUnextended(client: object): boolean {
  const extensions = (client as { readonly _extensions?: { readonly isEmpty?: unknown } | null })._extensions
  return typeof extensions?.isEmpty === 'function' && extensions.isEmpty() === true
}

/**
 * Fields that `result` extensions of a client compute for a model's rows: for each name, the fields that it
 * needs.
 */
export type ComputedFields = ReadonlyMap<string, readonly string[]>

/**
 * The computed fields of a model.
 *
 * @param model - Its name in the client.
 */
export function computedFieldsOf(client: object, model: string): ComputedFields | undefined {
  const extensions = (client as { readonly _extensions?: unknown })._extensions
  if (typeof extensions !== 'object' || extensions === null) return undefined
  const read = (extensions as { readonly getAllComputedFields?: unknown }).getAllComputedFields
  if (typeof read !== 'function') return undefined
  const found: unknown = read.call(extensions, model)
  const fields = new Map<string, readonly string[]>()
  if (found === undefined) return fields
  if (typeof found !== 'object' || found === null) return undefined
  for (const field of Object.values(found)) {
    const { name, needs } = (field ?? {}) as { readonly name?: unknown; readonly needs?: unknown }
    if (typeof name !== 'string' || !Array.isArray(needs) || !needs.every((need) => typeof need === 'string'))
      return undefined
    fields.set(name, needs)
  }
  return fields
}

/** Runs SQL on a client's database, without the app's extensions seeing it. Outside transactions. */
export type RawQuery = (sql: string, ...values: readonly unknown[]) => Promise<unknown>

export function rawQueryOf(client: object): RawQuery | undefined {
  const original = (client as { readonly _originalClient?: unknown })._originalClient
  if (typeof original !== 'object' || original === null) return undefined
  const query = (original as { readonly $queryRawUnsafe?: unknown }).$queryRawUnsafe
  return typeof query === 'function' ? (query.bind(original) as RawQuery) : undefined
}

/** The driver adapter factory with which the client was created. */
export function adapterOf(client: object): object | undefined {
  const config = (client as { readonly _engineConfig?: { readonly adapter?: unknown } })._engineConfig
  return typeof config?.adapter === 'object' && config.adapter !== null ? config.adapter : undefined
}

/**
 * The schema that the factory uses for models without one, if it exposes the schema: the PostgreSQL adapters
 * do.
 */
export function declaredSchemaOf(factory: object | undefined): string | undefined {
  const schema = (factory as { readonly options?: { readonly schema?: unknown } } | undefined)?.options
    ?.schema
  return typeof schema === 'string' ? schema : undefined
}

type DecimalClass = NonNullable<ValueTypes['Decimal']>

let loadedTypes: ValueTypes = {}
let isLoadingDecimal = false

/**
 * Starts loading the class of decimals in Prisma's results: it belongs to the runtime and is the same for all
 * clients.
 */
export function loadDecimal(): void {
  if (isLoadingDecimal) return
  isLoadingDecimal = true
  void importDecimal()
}

/**
 * The classes of values in Prisma's results. Empty until they are loaded: until then, values that need one
 * are read from the database.
 */
export function valueTypes(): ValueTypes {
  return loadedTypes
}

async function importDecimal(): Promise<void> {
  // Prisma 7, then Prisma 6.
  for (const runtime of ['@prisma/client/runtime/client', '@prisma/client/runtime/library']) {
    try {
      const { Decimal } = (await import(runtime)) as { readonly Decimal?: DecimalClass }
      if (Decimal === undefined) continue
      loadedTypes = { Decimal }
      return
    } catch {
      // This version has it at a different path.
    }
  }
}
