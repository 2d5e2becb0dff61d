import type { Sluice } from '@sluice/core'
import type { OperationNames } from './operation-names.ts'
import { OperationScope } from './operation-scope.ts'
import type { ResolveInfo, ResolverScopes } from './resolver-scopes.ts'

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
