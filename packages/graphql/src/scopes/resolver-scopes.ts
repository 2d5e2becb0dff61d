import type { Sluice } from '@sluice/core'
import type { GraphQLResolveInfo, OperationDefinitionNode } from 'graphql'
import { type OperationNames, OperationScope } from './operation-scope.ts'

/** The used parts of a resolver's info. Compiled queries provide fewer fields. */
type ResolveInfo = Partial<Pick<GraphQLResolveInfo, 'operation' | 'rootValue'>>

/** Runs the resolvers of an operation in a scope. */
interface ResolverScopes {
  enter<T>(info: ResolveInfo | undefined, fn: () => T): T
}

/** An enumerable property, because servers copy contexts. */
const SCOPES = Symbol('sluice.resolverScopes')

type Context = { [SCOPES]?: ResolverScopes } | null | undefined

/** Stores scopes in a context for its resolvers. A context that is not extensible is left unchanged. */
export function attachScopes(context: unknown, scopes: ResolverScopes): void {
  if (typeof context === 'object' && context !== null && Object.isExtensible(context))
    (context as NonNullable<Context>)[SCOPES] = scopes
}

export function scopesOf(context: unknown): ResolverScopes | undefined {
  return (context as Context)?.[SCOPES]
}

const UNNAMED = 'operation (unknown)'

/**
 * The scope of a query or mutation for servers that call its resolvers separately. The first resolver
 * provides the name of the operation, if it is unknown.
 */
export class QueryScope implements ResolverScopes {
  readonly #scope: OperationScope
  #hasName: boolean

  /** @param operation - Omit it if it is unknown before the resolvers run. */
  constructor(
    sluice: Sluice,
    private readonly names: OperationNames,
    operation?: OperationDefinitionNode | undefined,
  ) {
    this.#hasName = operation !== undefined
    this.#scope = new OperationScope(sluice, operation === undefined ? UNNAMED : names.of(operation))
  }

  enter<T>(info: ResolveInfo | undefined, fn: () => T): T {
    if (!this.#hasName && info?.operation !== undefined) {
      this.#hasName = true
      this.#scope.name = this.names.of(info.operation)
    }
    return this.#scope.enter(fn)
  }

  end(result: unknown): void {
    this.#scope.note(result)
    this.#scope.end()
  }
}

/**
 * The scopes of a subscription: one per event, from the first resolver to its result. A single scope would
 * last for hours and treat all events as iterations of a loop.
 */
export class SubscriptionScopes implements ResolverScopes {
  #event: OperationScope | undefined
  #root: unknown

  constructor(
    private readonly sluice: Sluice,
    private readonly names: OperationNames,
  ) {}

  enter<T>(info: ResolveInfo | undefined, fn: () => T): T {
    // Each event is the root value of its execution.
    if (this.#event === undefined || this.#root !== info?.rootValue) {
      this.end()
      this.#root = info?.rootValue
      this.#event = new OperationScope(
        this.sluice,
        info?.operation === undefined ? 'subscription (unknown)' : this.names.of(info.operation),
      )
    }
    return this.#event.enter(fn)
  }

  /** Ends the scope of an event when its result exists. */
  eventDone(result: unknown): void {
    this.#event?.note(result)
    this.end()
  }

  end(): void {
    this.#event?.end()
    this.#event = undefined
    this.#root = undefined
  }
}
