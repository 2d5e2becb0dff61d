import { type Sluice, SluiceError, sluiceFrom } from '@sluice/core'
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql'
import { instrumentSchema } from './scopes/instrument-schema.ts'
import { type GraphqlScopeOptions, OperationNames, resolveScopeOptions } from './scopes/operation-names.ts'
import { attachScopes, QueryScope, SubscriptionScopes } from './scopes/resolver-scopes.ts'

/** A Fastify instance with Mercurius, as far as it is needed. */
export interface MercuriusApp {
  // biome-ignore lint/suspicious/noExplicitAny: Mercurius has overloads for its hooks, and it is not depended on.
  readonly graphql: { readonly addHook: (name: any, hook: any) => void }
}

/**
 * Adds hooks to Mercurius 16: each operation has a scope of its own, called `query CountryPage` or the like, in which its resolvers and loaders run, so that
 * what they ask for is merged. Of a subscription, each event has. To be called when Mercurius is registered.
 *
 * Mercurius lets nothing be put around an execution. The resolvers of its schema are wrapped, therefore, before it executes the first operation; functions
 * that are no resolvers, but members of the objects that those return, run in the request's scope.
 *
 * @param sluice - Left out: the process-wide default.
 * @throws InvalidOptionError; SluiceError `SLUICE_INVALID_ARGUMENT` for an app without Mercurius.
 * @example
 * ```ts
 * await app.register(mercurius, { schema, resolvers })
 * registerSluiceMercurius(app, sluice)
 * ```
 */
export function registerSluiceMercurius(app: MercuriusApp, sluice?: Sluice, options: GraphqlScopeOptions = {}): void {
  if (typeof (app as Partial<MercuriusApp> | undefined)?.graphql?.addHook !== 'function')
    throw new SluiceError(
      'SLUICE_INVALID_ARGUMENT',
      'Argument "app": expected a Fastify instance in which Mercurius was registered and loaded.',
    )
  const used = sluiceFrom(sluice)
  const names = new OperationNames(resolveScopeOptions(options).maxNames)
  const open = new WeakMap<object, QueryScope>()
  const responses = new ResponseEnds()

  app.graphql.addHook('preExecution', async (schema: GraphQLSchema, document: DocumentNode, context: object) => {
    // Whoever executes two at a time with one context has them in one scope.
    if (open.has(context)) return
    instrumentSchema(schema, { withRootValue: true })
    // Of several, Mercurius does not tell which: `null`.
    const scope = new QueryScope(used, names, getOperationAST(document) ?? undefined)
    open.set(context, scope)
    attachScopes(context, scope)
    // An operation that another hook fails comes to no result.
    responses.onClose(context, () => scope.end(undefined))
  })
  app.graphql.addHook('onResolution', async (execution: unknown, context: object) => {
    open.get(context)?.end(execution)
    open.delete(context)
  })

  const subscriptions = new WeakMap<object, SubscriptionScopes>()
  app.graphql.addHook('preSubscriptionExecution', async (schema: GraphQLSchema, _document: unknown, context: object) => {
    instrumentSchema(schema, { withRootValue: true })
    const events = new SubscriptionScopes(used, names)
    subscriptions.set(context, events)
    attachScopes(context, events)
  })
  app.graphql.addHook('onSubscriptionResolution', async (execution: unknown, context: object) => {
    subscriptions.get(context)?.eventDone(execution)
  })
}

/** A response of Node's, as far as it is needed. */
interface Closing {
  once(event: 'close', listener: () => void): unknown
}

/** Tells of responses that are closed, with one listener each: one HTTP request may have many operations. */
class ResponseEnds {
  readonly #waiting = new WeakMap<object, (() => void)[]>()

  /** @param context - Of an operation; one without a response never ends by it. */
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
