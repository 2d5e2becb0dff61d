import { type Sluice, sluiceFrom } from '@sluice/core'
import type { GraphQLSchema, OperationDefinitionNode } from 'graphql'
import { type GraphqlScopeOptions, OperationNames, resolveScopeOptions } from './scopes/operation-scope.ts'
import { attachScopes, instrumentSchema, QueryScope } from './scopes/resolver-scopes.ts'

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
  readonly willSendSubsequentPayload: (
    request: RequestContext,
    payload: { readonly hasNext: boolean },
  ) => Promise<void>
}

/** The used parts of a plugin for Apollo Server. */
export interface SluiceApolloPlugin {
  readonly requestDidStart: () => Promise<object>
}

/**
 * Plugin for Apollo Server 5: each operation gets a scope, for example `query CountryPage`, so that Sluice
 * batches the queries of its resolvers.
 *
 * Apollo has no hook around the execution, so the plugin wraps the resolvers of its schema before the first
 * operation. Methods of returned objects are not resolvers and run in the scope of the request.
 *
 * @param sluice - Default: the process-wide instance.
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
              // For an incremental result, this is the first part.
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
