import { type Sluice, sluiceFrom } from '@sluice/core'
import type { GraphQLSchema, OperationDefinitionNode } from 'graphql'
import { instrumentSchema } from './scopes/instrument-schema.ts'
import { type GraphqlScopeOptions, OperationNames, resolveScopeOptions } from './scopes/operation-names.ts'
import { attachScopes, QueryScope } from './scopes/resolver-scopes.ts'

interface RequestContext {
  readonly schema: GraphQLSchema
  readonly contextValue: unknown
  readonly operation?: OperationDefinitionNode
  readonly errors?: readonly unknown[]
  readonly response: { readonly body?: { readonly kind: string } | undefined }
}

interface ExecutionListener {
  readonly executionDidEnd: (error?: Error) => Promise<void>
}

interface RequestListener {
  readonly executionDidStart: (request: RequestContext) => Promise<ExecutionListener>
  readonly willSendSubsequentPayload: (request: RequestContext, payload: { readonly hasNext: boolean }) => Promise<void>
}

/** A plugin of Apollo Server's, as far as Sluice is one. */
export interface SluiceApolloPlugin {
  readonly requestDidStart: () => Promise<object>
}

/**
 * Plugin for Apollo Server 5: each operation has a scope of its own, called `query CountryPage` or the like, in which its resolvers run, so that what they
 * ask for is merged.
 *
 * Apollo lets nothing be put around an execution. The resolvers of its schema are wrapped, therefore, when it executes the first operation; functions that
 * are no resolvers, but members of the objects that those return, run in the request's scope.
 *
 * @param sluice - Left out: the process-wide default.
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const server = new ApolloServer({ typeDefs, resolvers, plugins: [sluiceApolloPlugin(sluice)] })
 * ```
 */
export function sluiceApolloPlugin(sluice?: Sluice, options: GraphqlScopeOptions = {}): SluiceApolloPlugin {
  const used = sluiceFrom(sluice)
  const names = new OperationNames(resolveScopeOptions(options).maxNames)
  return {
    async requestDidStart(): Promise<RequestListener> {
      let scope: QueryScope | undefined
      return {
        async executionDidStart(request) {
          instrumentSchema(request.schema, { withRootValue: false })
          const opened = new QueryScope(used, names, request.operation)
          scope = opened
          attachScopes(request.contextValue, opened)
          return {
            async executionDidEnd(error) {
              // Of a result that comes in parts, the first has come.
              if (error !== undefined) opened.end({ errors: [error] })
              else if (request.response.body?.kind !== 'incremental') opened.end(request)
            },
          }
        },
        async willSendSubsequentPayload(_request, payload) {
          if (!payload.hasNext) scope?.end(undefined)
        },
      }
    },
  }
}
