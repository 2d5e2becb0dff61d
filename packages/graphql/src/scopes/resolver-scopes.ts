import type { Sluice } from '@sluice/core'
import { registerOwnFrames } from '@sluice/core/siblings'
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { type OperationNames, OperationScope } from './operation-scope.ts'

/** The used parts of a resolver's info. Compiled queries provide fewer fields. */
type ResolveInfo = Partial<Pick<GraphQLResolveInfo, 'operation' | 'rootValue'>>

/** Runs the resolvers of an operation in a scope. */
interface ResolverScopes {
  enter<T>(info: ResolveInfo | undefined, fn: () => T): T
}

/** An enumerable property, because servers copy contexts. */
const SCOPES = Symbol('sluice.resolverScopes')

type Context = { [SCOPES]?: ResolverScopes } | null | undefined

/** Stores scopes in a context for its resolvers. A context that is not extensible is left unchanged. */
export function attachScopes(context: unknown, scopes: ResolverScopes): void {
  if (typeof context === 'object' && context !== null && Object.isExtensible(context))
    (context as NonNullable<Context>)[SCOPES] = scopes
}

function scopesOf(context: unknown): ResolverScopes | undefined {
  return (context as Context)?.[SCOPES]
}

const UNNAMED = 'operation (unknown)'

/**
 * The scope of a query or mutation for servers that call its resolvers separately. The first resolver
 * provides the name of the operation, if it is unknown.
 */
export class QueryScope implements ResolverScopes {
  readonly #scope: OperationScope
  #hasName: boolean

  /** @param operation - Omit it if it is unknown before the resolvers run. */
  constructor(
    sluice: Sluice,
    private readonly names: OperationNames,
    operation?: OperationDefinitionNode | undefined,
  ) {
    this.#hasName = operation !== undefined
    this.#scope = new OperationScope(sluice, operation === undefined ? UNNAMED : names.of(operation))
  }

  enter<T>(info: ResolveInfo | undefined, fn: () => T): T {
    if (!this.#hasName && info?.operation !== undefined) {
      this.#hasName = true
      this.#scope.name = this.names.of(info.operation)
    }
    return this.#scope.enter(fn)
  }

  end(result: unknown): void {
    this.#scope.note(result)
    this.#scope.end()
  }
}

/**
 * The scopes of a subscription: one per event, from the first resolver to its result. A single scope would
 * last for hours and treat all events as iterations of a loop.
 */
export class SubscriptionScopes implements ResolverScopes {
  #event: OperationScope | undefined
  #root: unknown

  constructor(
    private readonly sluice: Sluice,
    private readonly names: OperationNames,
  ) {}

  enter<T>(info: ResolveInfo | undefined, fn: () => T): T {
    // Each event is the root value of its execution.
    if (this.#event === undefined || this.#root !== info?.rootValue) {
      this.end()
      this.#root = info?.rootValue
      this.#event = new OperationScope(
        this.sluice,
        info?.operation === undefined ? 'subscription (unknown)' : this.names.of(info.operation),
      )
    }
    return this.#event.enter(fn)
  }

  /** Ends the scope of an event when its result exists. */
  eventDone(result: unknown): void {
    this.#event?.note(result)
    this.end()
  }

  end(): void {
    this.#event?.end()
    this.#event = undefined
    this.#root = undefined
  }
}

// Exclude this file from stacks, so that findings name the resolver.
registerOwnFrames(import.meta.url)

const schemas = new WeakSet<object>()
const own = new WeakSet<object>()

interface InstrumentOptions {
  /**
   * Whether to wrap root fields without a resolver, whose functions are in the root value. Set it only if
   * nothing else replaces missing resolvers.
   */
  readonly withRootValue: boolean
}

/**
 * Wraps the resolvers of a schema, so that they run in the scopes in their context. Without scopes, they run
 * unchanged. For servers that have no hook around the execution.
 */
export function instrumentSchema(schema: GraphQLSchema, { withRootValue }: InstrumentOptions): void {
  if (schemas.has(schema)) return
  schemas.add(schema)
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if (field.resolve !== undefined) wrap(field, field.resolve)
      else if (withRootValue && roots.has(type)) wrap(field, defaultFieldResolver)
    }
  }
}

type Resolver = GraphQLFieldResolver<unknown, unknown>

function wrap(field: GraphQLField<unknown, unknown>, resolve: Resolver): void {
  // A schema that is built from a wrapped schema reuses its resolvers.
  if (own.has(resolve)) return
  const scoped: Resolver = (source, args, context, info) => {
    const scopes = scopesOf(context)
    if (scopes === undefined) return resolve(source, args, context, info)
    return scopes.enter(info, () => begun(resolve(source, args, context, info)))
  }
  own.add(scoped)
  field.resolve = scoped
}

/**
 * Starts lazy queries inside the scope. ORMs start a query when it is awaited, and the server would do so
 * outside the scope.
 */
function begun(result: unknown): unknown {
  if (Array.isArray(result)) return result.some(isLazy) ? result.map(begun) : result
  return isLazy(result) ? Promise.resolve(result) : result
}

function isLazy(value: unknown): boolean {
  if (
    typeof value !== 'object' ||
    value === null ||
    (value instanceof Promise && value.constructor === Promise)
  )
    return false
  return typeof (value as PromiseLike<unknown>).then === 'function'
}

/** Compares the type by name, because `instanceof` fails for types of another copy of `graphql`. */
function isObjectType(type: object): type is GraphQLObjectType {
  return Object.prototype.toString.call(type) === '[object GraphQLObjectType]'
}
