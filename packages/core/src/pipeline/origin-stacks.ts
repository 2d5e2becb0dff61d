import { printsReports } from '../shared/read-access.ts'
import { captureStack, togetherAbove, userFrames } from './call-site.ts'
import type { Stack } from './execution-group.ts'

/**
 * The stacks in which the app created its queries. A query is sent later: if the function that created it
 * does not await it, as with `return Promise.all(…)` or in a resolver, the stack then leads to the function
 * that does, or to none.
 *
 * They cost each query a few microseconds, so they are captured only if `NODE_ENV` is `development`, `test`
 * or not set, where reports are printed.
 *
 * @example
 * ```ts
 * const origins = new OriginStacks()
 * origins.capture(query) // when the app creates it
 * const stack = origins.of(query) ?? lateStack() // when it is sent
 * ```
 */
export class OriginStacks {
  readonly #stacks = printsReports() ? new WeakMap<object, Stack>() : undefined

  /** Whether stacks are captured. */
  readonly areCaptured: boolean = this.#stacks !== undefined

  /** Captures the current stack for a query that the app has just created. */
  capture(query: object): void {
    this.#stacks?.set(query, captureStack())
  }

  /** Uses the stack of a query for an object that represents it from now on. Ignores other values. */
  copy(query: object, representative: unknown): void {
    const origin = this.#stacks?.get(query)
    if (origin !== undefined && typeof representative === 'object' && representative !== null)
      this.#stacks?.set(representative, origin)
  }

  /**
   * Returns a function that captures the current stack when it is called for the first time. If it leads to
   * no function of the app, or only to one that awaits several queries together, the stack that was captured
   * for the query takes its place. `undefined` if there is none.
   */
  of(query: object): (() => Stack) | undefined {
    const origin = this.#stacks?.get(query)
    if (origin === undefined) return undefined
    let stack: Stack | undefined
    return () => {
      stack ??= new StackWithOrigin(captureStack(), origin)
      return stack
    }
  }
}

/** Stacks are formatted only when they are read. */
class StackWithOrigin implements Stack {
  constructor(
    private readonly late: Stack,
    private readonly origin: Stack,
  ) {}

  get stack(): string | undefined {
    const { stack } = this.late
    const together = togetherAbove(stack)
    if (together === undefined) return userFrames(stack, 1) === undefined ? this.origin.stack : stack
    // The index tells that the queries were issued together.
    return this.origin.stack?.replace('\n', `\n${together}\n`)
  }
}
