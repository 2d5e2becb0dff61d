import type { ValueTypes } from '@sluice/core'

/**
 * Everything that Prisma does not document is touched here, and only here. Each reader checks what it finds and answers
 * `undefined` where Prisma is not as expected: callers then leave the operation alone.
 */

/** What a hook gets beside its arguments: Prisma's own description of the call. */
export interface InternalParams {
  readonly action: string
  readonly clientMethod: string
  readonly [name: string]: unknown
}

/** The transaction of a call. `batch`: one of an array given to `$transaction`; `itx`: interactive. */
export interface TransactionInfo {
  readonly kind: 'batch' | 'itx'
  readonly id: string
}

/** How a hook hands its operation on; the second argument redirects it to another action. */
export type QueryFunction = (args: unknown, params?: InternalParams) => Promise<unknown>

/** `Prisma.ModelName` and the like are gone from Prisma 7; the names and relations of models are here. */
export interface RuntimeDataModel {
  readonly models: Readonly<Record<string, unknown>>
}

export function internalParamsOf(hook: object): InternalParams | undefined {
  const params = (hook as { readonly __internalParams?: unknown }).__internalParams
  if (typeof params !== 'object' || params === null) return undefined
  const { action, clientMethod } = params as Record<string, unknown>
  return typeof action === 'string' && typeof clientMethod === 'string' ? (params as InternalParams) : undefined
}

/** `undefined`: no transaction. A transaction that cannot be identified is an `unknown` batch: nothing is done to it. */
export function transactionOf(params: InternalParams | undefined): TransactionInfo | undefined {
  const transaction = params?.transaction
  if (transaction === undefined || transaction === null) return params === undefined ? { kind: 'batch', id: 'unknown' } : undefined
  const { kind, id } = transaction as Record<string, unknown>
  if (kind === 'itx' && (typeof id === 'string' || typeof id === 'number')) return { kind, id: String(id) }
  return { kind: 'batch', id: String(id) }
}

/** The stack of the user's call, which Prisma takes for its own error messages. */
export function stackOf(params: InternalParams | undefined): { readonly stack?: string | undefined } | undefined {
  const error = (params?.callsite as { readonly _error?: unknown } | undefined)?._error
  return error instanceof Error ? error : undefined
}

/** Whether the result is handed on from a deeper level, as the fluent API does: `user.findUnique().posts()`. */
export function dataPathOf(params: InternalParams | undefined): string {
  const path = params?.dataPath
  return Array.isArray(path) ? path.join('.') : ''
}

/**
 * Parameters that make a hook's `query` run another action of the same model, in the same transaction.
 * What the first action would have done to arguments and result is left out.
 */
export function redirect(params: InternalParams, action: 'findMany' | 'groupBy'): InternalParams {
  const model = params.clientMethod.slice(0, params.clientMethod.lastIndexOf('.'))
  return { ...params, action, clientMethod: `${model}.${action}`, argsMapper: undefined, unpacker: undefined }
}

/** A fresh copy: Prisma changes the parameters that it is given, so each further query of one hook needs its own. */
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
  const isModel = typeof model === 'object' && model !== null && typeof (model as { models?: unknown }).models === 'object'
  return isModel ? (model as RuntimeDataModel) : undefined
}

/** Fields that the client leaves out of rows (`new PrismaClient({ omit })`), by the model's name in the client. */
export function globalOmitOf(client: object): Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> | undefined {
  const omit = (client as { readonly _globalOmit?: unknown })._globalOmit
  return typeof omit === 'object' && omit !== null ? (omit as Record<string, Record<string, unknown>>) : undefined
}

/** The client that a client was extended from; itself, where that is not known. */
export function originalOf(client: object): object {
  const original = (client as { readonly _originalClient?: unknown })._originalClient
  return typeof original === 'object' && original !== null ? original : client
}

/** Whether it is certain that a client has no extensions. */
export function isUnextended(client: object): boolean {
  const extensions = (client as { readonly _extensions?: { readonly isEmpty?: unknown } | null })._extensions
  return typeof extensions?.isEmpty === 'function' && extensions.isEmpty() === true
}

/** The fields that a model's rows get computed by a client's `result` extensions: by name, what each is computed from. */
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
    if (typeof name !== 'string' || !Array.isArray(needs) || !needs.every((need) => typeof need === 'string')) return undefined
    fields.set(name, needs)
  }
  return fields
}

/** Asks a client's database in SQL, by no way that the app's own extensions see. Outside of transactions. */
export type RawQuery = (sql: string, ...values: readonly unknown[]) => Promise<unknown>

export function rawQueryOf(client: object): RawQuery | undefined {
  const original = (client as { readonly _originalClient?: unknown })._originalClient
  if (typeof original !== 'object' || original === null) return undefined
  const ask = (original as { readonly $queryRawUnsafe?: unknown }).$queryRawUnsafe
  return typeof ask === 'function' ? (ask.bind(original) as RawQuery) : undefined
}

/** The driver adapter factory that the client was made with. */
export function adapterOf(client: object): object | undefined {
  const config = (client as { readonly _engineConfig?: { readonly adapter?: unknown } })._engineConfig
  return typeof config?.adapter === 'object' && config.adapter !== null ? config.adapter : undefined
}

/** The schema that such a factory was given for models without one, if it tells: the adapters of PostgreSQL do. */
export function givenSchemaOf(factory: object | undefined): string | undefined {
  const schema = (factory as { readonly options?: { readonly schema?: unknown } } | undefined)?.options?.schema
  return typeof schema === 'string' ? schema : undefined
}

type DecimalClass = NonNullable<ValueTypes['Decimal']>

let loadedTypes: ValueTypes = {}
let isLoadingDecimal = false

/** Begins to load the class of the decimals in Prisma's results: it is the runtime's, whichever client. */
export function loadDecimal(): void {
  if (isLoadingDecimal) return
  isLoadingDecimal = true
  void importDecimal()
}

/** The classes of values in Prisma's results. Empty until they are loaded: what needs one is then asked of the database. */
export function valueTypes(): ValueTypes {
  return loadedTypes
}

async function importDecimal(): Promise<void> {
  // Prisma 7, and 6.
  for (const runtime of ['@prisma/client/runtime/client', '@prisma/client/runtime/library']) {
    try {
      const { Decimal } = (await import(runtime)) as { readonly Decimal?: DecimalClass }
      if (Decimal === undefined) continue
      loadedTypes = { Decimal }
      return
    } catch {
      // This version has it elsewhere.
    }
  }
}
