import { registerOwnFrames } from '@sluice/core/siblings'
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import { scopesOf } from './resolver-scopes.ts'

// Exclude this file from stacks, so that findings name the resolver.
registerOwnFrames(import.meta.url)

const schemas = new WeakSet<object>()
const own = new WeakSet<object>()

export interface InstrumentOptions {
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
