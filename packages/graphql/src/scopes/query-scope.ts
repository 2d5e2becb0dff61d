import type { Sluice } from '@sluice/core'
import type { OperationDefinitionNode } from 'graphql'
import type { OperationNames } from './operation-names.ts'
import { OperationScope } from './operation-scope.ts'
import type { ResolveInfo, ResolverScopes } from './resolver-scopes.ts'

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
