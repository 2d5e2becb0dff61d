import type { GraphQLResolveInfo } from 'graphql'

/** What resolvers are told of their operation, as far as it matters here. Compiled queries tell less than others. */
export type ResolveInfo = Partial<Pick<GraphQLResolveInfo, 'operation' | 'rootValue'>>

/** Runs the resolvers of an operation in a scope. */
export interface ResolverScopes {
  enter<T>(info: ResolveInfo | undefined, fn: () => T): T
}

/** Enumerable where it is set: servers copy contexts. */
const SCOPES = Symbol('sluice.resolverScopes')

type Context = { [SCOPES]?: ResolverScopes } | null | undefined

/** Lets the resolvers that are given a context run in scopes; a context that cannot take it is left as it is. */
export function attachScopes(context: unknown, scopes: ResolverScopes): void {
  if (typeof context === 'object' && context !== null && Object.isExtensible(context)) (context as NonNullable<Context>)[SCOPES] = scopes
}

export function scopesOf(context: unknown): ResolverScopes | undefined {
  return (context as Context)?.[SCOPES]
}
