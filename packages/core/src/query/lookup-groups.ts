import type { Lookup } from '../pipeline/lookup.ts'
import { isRefusal, type Operation } from '../pipeline/operation.ts'

/** Which lookups may share a query: those of one group, asked in one context where the app tells contexts apart. */
export class LookupGroups {
  readonly #known = new WeakMap<object, string>()

  /** @param context - What changes results without standing in the statement; left out: nothing. */
  constructor(private readonly context?: (() => string) | undefined) {}

  /** Takes down the context in which an operation was asked, for whoever meets it elsewhere. */
  note(operation: Operation<unknown>): void {
    if (this.context === undefined) return
    const lookup = operation.lookup?.()
    if (lookup !== undefined && !isRefusal(lookup)) this.of(operation, lookup)
  }

  of(operation: Operation<unknown>, { group }: Lookup<unknown>): string {
    if (this.context === undefined) return group
    let known = this.#known.get(operation)
    if (known === undefined) {
      known = `${group}\n${this.context()}`
      this.#known.set(operation, known)
    }
    return known
  }
}
