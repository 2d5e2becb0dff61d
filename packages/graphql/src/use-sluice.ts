import { type Sluice, sluiceFrom } from '@sluice/core'
import { registerOwnFrames } from '@sluice/core/siblings'
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql'
import { instrumentSchema } from './scopes/instrument-schema.ts'
import { type GraphqlScopeOptions, OperationNames, resolveScopeOptions } from './scopes/operation-names.ts'
import { OperationScope } from './scopes/operation-scope.ts'
import { attachScopes, SubscriptionScopes } from './scopes/resolver-scopes.ts'
import { isAsyncIterable, isThenable, runOperation } from './scopes/run-operation.ts'

registerOwnFrames(import.meta.url)

interface ExecutionArgs {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  readonly operationName?: string | null | undefined
  readonly contextValue?: unknown
}

// biome-ignore lint/suspicious/noExplicitAny: Envelop has types of its own for what executes, which are not depended on.
type Execute = (args: any) => any

interface ExecutePayload {
  readonly executeFn: Execute
  readonly setExecuteFn: (execute: Execute) => void
}

interface SubscribePayload {
  readonly args: ExecutionArgs
  readonly subscribeFn: Execute
  readonly setSubscribeFn: (subscribe: Execute) => void
}

/** A plugin of Envelop's, as far as Sluice is one. */
export interface SluiceEnvelopPlugin {
  // biome-ignore lint/suspicious/noExplicitAny: As above.
  readonly onExecute: (payload: any) => void
  // biome-ignore lint/suspicious/noExplicitAny: As above.
  readonly onSubscribe: (payload: any) => {
    readonly onSubscribeResult: () => { readonly onNext: (payload: { readonly result: unknown }) => void; readonly onEnd: () => void }
  }
}

/**
 * Plugin for GraphQL Yoga and all that takes Envelop's: each operation runs in a scope of its own, called `query CountryPage` or the like, so that what its
 * resolvers ask for is merged. Of a subscription, each event does. A result that comes in parts (`@defer`) has its scope until the last.
 *
 * @param sluice - Left out: the process-wide default.
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const yoga = createYoga({ schema, plugins: [useSluice(sluice)] })
 * ```
 */
export function useSluice(sluice?: Sluice, options: GraphqlScopeOptions = {}): SluiceEnvelopPlugin {
  const used = sluiceFrom(sluice)
  const names = new OperationNames(resolveScopeOptions(options).maxNames)
  const open = ({ document, operationName }: ExecutionArgs) => {
    const operation = getOperationAST(document, operationName)
    return new OperationScope(used, operation ? names.of(operation) : 'operation (unknown)')
  }
  return {
    onExecute({ executeFn, setExecuteFn }: ExecutePayload) {
      setExecuteFn((args) => runOperation(open(args), () => executeFn(args)))
    },
    onSubscribe({ args, subscribeFn, setSubscribeFn }: SubscribePayload) {
      // The stream is made once, and its events are executed later, where nothing can be put around them.
      instrumentSchema(args.schema, { withRootValue: false })
      const events = new SubscriptionScopes(used, names)
      attachScopes(args.contextValue, events)
      setSubscribeFn((given) => subscribeIn(open(given), () => subscribeFn(given)))
      return {
        onSubscribeResult: () => ({
          onNext: ({ result }) => events.eventDone(result),
          onEnd: () => events.end(),
        }),
      }
    },
  }
}

/** Makes the stream in a scope that ends when it is there, or will not be. */
function subscribeIn(scope: OperationScope, subscribe: () => unknown): unknown {
  let stream: unknown
  const made = runOperation(scope, () => {
    const given = subscribe()
    const keep = (value: unknown) => {
      stream = value
      // What comes of it later is no part of this scope.
      return isAsyncIterable(value) ? {} : value
    }
    return isThenable(given) ? given.then(keep) : keep(given)
  })
  return isThenable(made) ? made.then(() => stream) : stream
}
