import type { Sluice } from '@sluice/core'
import type { GraphQLResolveInfo, OperationDefinitionNode } from 'graphql'
import type { OperationNames } from './operation-names.ts'
import { OperationScope } from './operation-scope.ts'

/** What resolvers are told of their operation, as far as it matters here. Compiled queries tell less than others. */
type ResolveInfo = Partial<Pick<GraphQLResolveInfo, 'operation' | 'rootValue'>>

/** Runs the resolvers of an operation in a scope. */
interface ResolverScopes {
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

const UNNAMED = 'operation (unknown)'

/** The scope of a query or mutation whose resolvers are sent into it one by one. The first of them tells what the operation is called, where nobody has. */
export class QueryScope implements ResolverScopes {
  readonly #scope: OperationScope
  #hasName: boolean

  /** @param operation - Left out where it is not known before its resolvers run. */
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
 * The scopes of a subscription: one for each event, from when its first resolver runs until its result is there. One for all would last for hours, and take
 * every event for a turn of a loop.
 */
export class SubscriptionScopes implements ResolverScopes {
  #event: OperationScope | undefined
  #root: unknown

  constructor(
    private readonly sluice: Sluice,
    private readonly names: OperationNames,
  ) {}

  enter<T>(info: ResolveInfo | undefined, fn: () => T): T {
    // Each event is executed with itself as the root value.
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

  /** The result of an event is there. */
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
