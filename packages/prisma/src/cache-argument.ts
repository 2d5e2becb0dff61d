import type { Prisma } from '@prisma/client/extension'
import type { Types } from '@prisma/client/runtime/client'
import type { CacheControl } from '@sluice/core'
import { checkCacheControl } from '@sluice/core/adapter'

/** Actions of a model that read. They can be cached and accept a `cache` argument. */
const READ_ACTIONS = [
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
] as const

type ReadAction = (typeof READ_ACTIONS)[number]

const actions: ReadonlySet<string> = new Set(READ_ACTIONS)

export function isRead(action: string): action is ReadAction {
  return actions.has(action)
}

/** Arguments that reads of an extended client's models accept in addition to Prisma's arguments. */
export interface CacheArgument {
  /** Cache settings for this read. They are never sent to the database. */
  readonly cache?: CacheControl
}

type NeedsArguments = 'findUnique' | 'findUniqueOrThrow' | 'groupBy'

/**
 * The result type that Prisma infers for a call, including global `omit` and fluent calls. Prisma infers it
 * from the type map of all models, which a model's type exposes only through its alias. If the alias differs
 * (clients of Prisma 6 for its older runtime), the type is inferred from the model: the same except for
 * global `omit`.
 */
type ReadResult<TModel, TArguments, TAction extends ReadAction> =
  TypesOf<TModel> extends {
    readonly map: infer TypeMap extends Types.Extensions.TypeMapDef
    readonly name: infer Name extends string
  }
    ? Types.Extensions.DynamicModelExtensionFnResult<
        TypeMap,
        Name,
        TArguments,
        TAction,
        Types.Extensions.DynamicModelExtensionFnResultNull<TAction>
      >
    : OwnResult<TModel, TArguments, TAction>

/**
 * The type map of all models, and the name of this one. Not part of `ReadResult`, so that it is inferred once
 * for each model instead of once for each call.
 */
type TypesOf<TModel> =
  TModel extends Types.Extensions.DynamicModelExtensionThis<infer TypeMap, infer Name extends string, infer _>
    ? // Any model matches the alias, but then the inferred type map is generic.
      string extends keyof TypeMap
      ? undefined
      : { readonly map: TypeMap; readonly name: Name }
    : undefined

type OwnResult<TModel, TArguments, TAction extends ReadAction> = Prisma.PrismaPromise<
  Prisma.Result<TModel, TArguments, TAction>
> &
  Fluent<TModel, TAction>

type OneRow = 'findUnique' | 'findUniqueOrThrow' | 'findFirst' | 'findFirstOrThrow'

/** The relations of the requested row, as methods. */
type Fluent<TModel, TAction extends ReadAction> = TModel extends {
  [name: symbol]: { types: { payload: { objects: infer TRelations } } }
}
  ? TAction extends OneRow
    ? {
        [TName in keyof TRelations]: <TArguments>(
          args?: Prisma.Exact<TArguments, Prisma.Args<TModel, TAction>['select'][TName]>,
        ) => Prisma.PrismaPromise<
          Related<Prisma.Result<TModel, { select: { [_ in TName]: TArguments } }, TAction>, TName>
        >
      }
    : unknown
  : unknown

type Related<TRow, TName extends PropertyKey> = TRow extends null
  ? null
  : TName extends keyof TRow
    ? TRow[TName]
    : never

/**
 * `Exact` infers the arguments with their literals and rejects unknown fields. The second part is what
 * editors complete in an empty `{}`, for which `Exact` is empty, too.
 */
type ExactArguments<TModel, TAction extends ReadAction, TArguments> = Prisma.Exact<
  TArguments,
  Prisma.Args<TModel, TAction> & CacheArgument
> &
  Accepted<TModel, TAction>

/** `Prisma.Args` with `cache`, but never `any`: literals of the call would widen. */
type Accepted<TModel, TAction extends ReadAction> = TModel extends {
  [name: symbol]: { types: { operations: { [_ in TAction]: { args: infer TOperationArguments } } } }
}
  ? TOperationArguments & CacheArgument
  : unknown

type Read<TAction extends ReadAction> = TAction extends NeedsArguments
  ? <TModel, TArguments>(
      this: TModel,
      args: ExactArguments<TModel, TAction, TArguments>,
    ) => ReadResult<TModel, TArguments, TAction>
  : <TModel, TArguments>(
      this: TModel,
      args?: ExactArguments<TModel, TAction, TArguments>,
    ) => ReadResult<TModel, TArguments, TAction>

/** The reads of every model, in the form in which an extension declares its additions to a client's types. */
export type CachedReads = { [TAction in ReadAction]: () => Read<TAction> }

/** A call's arguments without `cache`, which Prisma does not accept, and the value of `cache`. */
interface ControlledCall {
  readonly args: unknown
  readonly control: CacheControl | undefined
}

/**
 * Removes `cache` from the arguments of a model's read. Other calls are returned unchanged.
 *
 * @throws InvalidOptionError if the value is not a valid cache control.
 */
export function takeControl(call: {
  readonly model?: string | undefined
  readonly operation: string
  readonly args: unknown
}): ControlledCall {
  const { model, operation, args } = call
  if (
    model === undefined ||
    !isRead(operation) ||
    typeof args !== 'object' ||
    args === null ||
    !Object.hasOwn(args, 'cache')
  )
    return { args, control: undefined }
  const { cache, ...rest } = args as { readonly cache?: unknown }
  return { args: rest, control: cache === undefined ? undefined : checkCacheControl(cache, 'cache') }
}
