import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import {
  buildSchema,
  extendSchema,
  type GraphQLObjectType,
  type GraphQLSchema,
  graphql,
  parse,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { OperationNames } from '../../src/scopes/operation-scope.ts'
import { attachScopes, instrumentSchema, QueryScope } from '../../src/scopes/resolver-scopes.ts'

const sluice = createSluice()
const inScope = () => hostOf(sluice).scopes.current()?.name

/** Starts when it is awaited, like queries of ORMs. */
function lazy<T>(make: () => T): PromiseLike<T> {
  // biome-ignore lint/suspicious/noThenProperty: This is a thenable on purpose.
  return { then: (onFulfilled, onRejected) => Promise.resolve(make()).then(onFulfilled, onRejected) }
}

function schemaWith(resolvers: Record<string, () => unknown>): GraphQLSchema {
  const schema = buildSchema('type Query { own: String root: String list: [String] }')
  for (const [name, resolve] of Object.entries(resolvers)) fieldOf(schema, name).resolve = resolve
  return schema
}

const fieldOf = (schema: GraphQLSchema, name: string) => {
  const field = (schema.getQueryType() as GraphQLObjectType).getFields()[name]
  if (field === undefined) throw new Error(name)
  return field
}

async function ask(schema: GraphQLSchema, source: string, rootValue?: unknown) {
  const contextValue = {}
  attachScopes(contextValue, new QueryScope(sluice, new OperationNames(10)))
  return (await graphql({ schema, source, contextValue, rootValue })).data
}

describe('instrumentSchema', () => {
  it('runs resolvers in the scope of their context, named after the operation', async () => {
    const schema = schemaWith({ own: inScope })
    instrumentSchema(schema, { withRootValue: false })
    expect(await ask(schema, 'query A { own }')).toEqual({ own: 'query A' })
    expect((await graphql({ schema, source: '{ own }', contextValue: {} })).data).toEqual({ own: null })
    expect((await graphql({ schema, source: '{ own }' })).data).toEqual({ own: null })
  })

  it('starts lazy queries in the scope, also in lists', async () => {
    const schema = schemaWith({ own: () => lazy(inScope), list: () => [lazy(inScope), 'there'] })
    instrumentSchema(schema, { withRootValue: false })
    expect(await ask(schema, 'query A { own list }')).toEqual({ own: 'query A', list: ['query A', 'there'] })
  })

  it('wraps each resolver once, also in schemas built from others', () => {
    const resolve = () => 'x'
    const schema = schemaWith({ own: resolve })
    instrumentSchema(schema, { withRootValue: false })
    const wrapped = fieldOf(schema, 'own').resolve
    expect(wrapped).not.toBe(resolve)
    instrumentSchema(schema, { withRootValue: false })
    const extended = extendSchema(schema, parse('extend type Query { more: String }'))
    instrumentSchema(extended, { withRootValue: false })
    expect(fieldOf(schema, 'own').resolve).toBe(wrapped)
    expect(fieldOf(extended, 'own').resolve).toBe(wrapped)
  })

  it('leaves fields without a resolver unchanged, except functions of the root value if allowed', async () => {
    const schema = schemaWith({})
    instrumentSchema(schema, { withRootValue: false })
    expect(fieldOf(schema, 'root').resolve).toBeUndefined()
    const other = schemaWith({})
    instrumentSchema(other, { withRootValue: true })
    expect(await ask(other, 'query A { root }', { root: inScope })).toEqual({ root: 'query A' })
  })

  it('leaves a context that is not extensible unchanged', () => {
    expect(() => attachScopes(Object.freeze({}), new QueryScope(sluice, new OperationNames(1)))).not.toThrow()
    expect(() => attachScopes(undefined, new QueryScope(sluice, new OperationNames(1)))).not.toThrow()
  })
})
