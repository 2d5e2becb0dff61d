import { type Sluice, SluiceError, sluiceFrom } from '@sluice/core'
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql'
import { type GraphqlScopeOptions, OperationNames, resolveScopeOptions } from './scopes/operation-scope.ts'
import { attachScopes, instrumentSchema, QueryScope, SubscriptionScopes } from './scopes/resolver-scopes.ts'

/** The used parts of a Fastify instance with Mercurius. */
export interface MercuriusApp {
  // biome-ignore lint/suspicious/noExplicitAny: Mercurius has overloaded hooks, and is no dependency.
  readonly graphql: { readonly addHook: (name: any, hook: any) => void }
}

/**
 * Adds hooks to Mercurius 16: each operation gets a scope, for example `query CountryPage`, so that Sluice
 * batches the queries of its resolvers and loaders. For a subscription, each event gets a scope. Call it
 * after Mercurius is registered.
 *
 * Mercurius has no hook around the execution, so this function wraps the resolvers of its schema before the
 * first operation. Methods of returned objects are not resolvers and run in the scope of the request.
 *
 * @param sluice - Default: the process-wide instance.
 * @throws InvalidOptionError; SluiceError `SLUICE_INVALID_ARGUMENT` for an app without Mercurius.
 * @example
 * ```ts
 * await app.register(mercurius, { schema, resolvers })
 * registerSluiceMercurius(app, sluice)
 * ```
 */
export function registerSluiceMercurius(
  app: MercuriusApp,
  sluice?: Sluice,
  options: GraphqlScopeOptions = {},
): void {
  if (typeof (app as Partial<MercuriusApp> | undefined)?.graphql?.addHook !== 'function')
    throw new SluiceError(
      'SLUICE_INVALID_ARGUMENT',
      'Argument "app": expected a Fastify instance with Mercurius. Register and load Mercurius first.',
    )
  const used = sluiceFrom(sluice)
  const names = new OperationNames(resolveScopeOptions(options).maxNames)
  const open = new WeakMap<object, QueryScope>()
  const responses = new ResponseEnds()

  app.graphql.addHook(
    'preExecution',
    async (schema: GraphQLSchema, document: DocumentNode, context: object) => {
      // Concurrent operations with the same context share one scope.
      if (open.has(context)) return
      instrumentSchema(schema, { withRootValue: true })
      // If a document has several operations, Mercurius does not report which one runs: `null`.
      const scope = new QueryScope(used, names, getOperationAST(document) ?? undefined)
      open.set(context, scope)
      attachScopes(context, scope)
      // If another hook rejects an operation, it has no result.
      responses.onClose(context, () => scope.end(undefined))
    },
  )
  app.graphql.addHook('onResolution', async (execution: unknown, context: object) => {
    open.get(context)?.end(execution)
    open.delete(context)
  })

  const subscriptions = new WeakMap<object, SubscriptionScopes>()
  app.graphql.addHook(
    'preSubscriptionExecution',
    async (schema: GraphQLSchema, _document: unknown, context: object) => {
      instrumentSchema(schema, { withRootValue: true })
      const events = new SubscriptionScopes(used, names)
      subscriptions.set(context, events)
      attachScopes(context, events)
    },
  )
  app.graphql.addHook('onSubscriptionResolution', async (execution: unknown, context: object) => {
    subscriptions.get(context)?.eventDone(execution)
  })
}

interface Closing {
  once(event: 'close', listener: () => void): unknown
}

/**
 * Reports when a response closes, with one listener per response, because a request can have many operations.
 */
class ResponseEnds {
  readonly #waiting = new WeakMap<object, (() => void)[]>()

  /** @param context - Context of the operation. Without a response, it never ends this way. */
  onClose(context: object, callback: () => void): void {
    const response = (context as { readonly reply?: { readonly raw?: Closing } }).reply?.raw
    if (typeof response?.once !== 'function') return
    const known = this.#waiting.get(response)
    if (known !== undefined) {
      known.push(callback)
      return
    }
    const callbacks = [callback]
    this.#waiting.set(response, callbacks)
    response.once('close', () => {
      for (const one of callbacks) one()
    })
  }
}
