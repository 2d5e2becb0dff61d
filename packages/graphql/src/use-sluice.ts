import { type Sluice, sluiceFrom } from '@sluice/core'
import { registerOwnFrames } from '@sluice/core/siblings'
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql'
import {
  type GraphqlScopeOptions,
  isAsyncIterable,
  isThenable,
  OperationNames,
  OperationScope,
  resolveScopeOptions,
  runOperation,
} from './scopes/operation-scope.ts'
import { attachScopes, instrumentSchema, SubscriptionScopes } from './scopes/resolver-scopes.ts'

registerOwnFrames(import.meta.url)

interface ExecutionArgs {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  readonly operationName?: string | null | undefined
  readonly contextValue?: unknown
}

// biome-ignore lint/suspicious/noExplicitAny: The types of Envelop are not a dependency.
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

/** The used parts of a plugin for Envelop. */
export interface SluiceEnvelopPlugin {
  // biome-ignore lint/suspicious/noExplicitAny: As above.
  readonly onExecute: (payload: any) => void
  // biome-ignore lint/suspicious/noExplicitAny: As above.
  readonly onSubscribe: (payload: any) => {
    readonly onSubscribeResult: () => {
      readonly onNext: (payload: { readonly result: unknown }) => void
      readonly onEnd: () => void
    }
  }
}

/**
 * Plugin for GraphQL Yoga and other servers with Envelop plugins: each operation runs in a scope, for example
 * `query CountryPage`, so that Sluice batches the queries of its resolvers. For a subscription, each event
 * has a scope. The scope of an incremental result (`@defer`) ends with the last part.
 *
 * @param sluice - Default: the process-wide instance.
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
      // The stream is created once. Its events are executed later, without a hook around them.
      instrumentSchema(args.schema, { withRootValue: false })
      const events = new SubscriptionScopes(used, names)
      attachScopes(args.contextValue, events)
      setSubscribeFn((input) => subscribeIn(open(input), () => subscribeFn(input)))
      return {
        onSubscribeResult: () => ({
          onNext: ({ result }) => events.eventDone(result),
          onEnd: () => events.end(),
        }),
      }
    },
  }
}

/** Creates the stream in a scope that ends when the stream exists or fails. */
function subscribeIn(scope: OperationScope, subscribe: () => unknown): unknown {
  let stream: unknown
  const started = runOperation(scope, () => {
    const input = subscribe()
    const keep = (value: unknown) => {
      stream = value
      // Events of the stream do not belong to this scope.
      return isAsyncIterable(value) ? {} : value
    }
    return isThenable(input) ? input.then(keep) : keep(input)
  })
  return isThenable(started) ? started.then(() => stream) : stream
}
