import { registerOwnFrames } from '@sluice/core/siblings'
import { defaultFieldResolver, type GraphQLField, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql'
import { scopesOf } from './resolver-scopes.ts'

// Findings name the resolver that asked.
registerOwnFrames(import.meta.url)

const schemas = new WeakSet<object>()
const own = new WeakSet<object>()

export interface InstrumentOptions {
  /**
   * Whether root fields without a resolver take part, whose functions are in the root value: where it is certain that nothing else stands in for
   * missing resolvers.
   */
  readonly withRootValue: boolean
}

/**
 * Has the resolvers of a schema run in the scopes of their operation, which their context leads to; without any they run as ever. For servers in which
 * nothing can be put around an execution.
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
  // Schemas that are made from others take their resolvers over.
  if (own.has(resolve)) return
  const scoped: Resolver = (source, args, context, info) => {
    const scopes = scopesOf(context)
    if (scopes === undefined) return resolve(source, args, context, info)
    return scopes.enter(info, () => begun(resolve(source, args, context, info)))
  }
  own.add(scoped)
  field.resolve = scoped
}

/** Queries of ORMs begin when somebody waits for them, which would be the server, outside of the scope. */
function begun(made: unknown): unknown {
  if (Array.isArray(made)) return made.some(isLazy) ? made.map(begun) : made
  return isLazy(made) ? Promise.resolve(made) : made
}

function isLazy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || (value instanceof Promise && value.constructor === Promise)) return false
  return typeof (value as PromiseLike<unknown>).then === 'function'
}

/** By its name: `instanceof` knows the types of one copy of `graphql` alone. */
function isObjectType(type: object): type is GraphQLObjectType {
  return Object.prototype.toString.call(type) === '[object GraphQLObjectType]'
}
