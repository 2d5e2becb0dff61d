import { type Clock, systemClock } from '../shared/clock.ts'
import { printsReports } from '../shared/read-access.ts'
import { captureStack, togetherAbove, userFrames } from './call-site.ts'
import type { Stack } from './execution-group.ts'
import { StackBudget } from './stack-budget.ts'

/**
 * The origin of a query beyond the budget. It is unknown: the stack in which such a query is sent is not used
 * if it leads to no function of the app, or only to one that awaits several queries together.
 */
const UNKNOWN: Stack = {}

class Returned {
  constructor(query: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the subclass adds its field to this object.
    return query
  }
}

/**
 * A private field that is added to queries: their properties do not show it. An entry of a `WeakMap` costs
 * several times as much, and each garbage collection visits it.
 */
class Origin extends Returned {
  #stack: Stack

  private constructor(query: object, stack: Stack) {
    super(query)
    this.#stack = stack
  }

  static of(query: object): Stack | undefined {
    return #stack in query ? query.#stack : undefined
  }

  static set(query: object, stack: Stack): void {
    if (#stack in query) query.#stack = stack
    else new Origin(query, stack)
  }
}

/** Stacks that may be captured per second. */
const PER_SECOND = 250

/**
 * The stacks in which the app created its queries. A query is sent later: if the function that created it
 * does not await it, as with `return Promise.all(…)` or in a resolver, the stack then leads to the function
 * that does, or to none.
 *
 * They cost each query a few microseconds, so they are captured only if `NODE_ENV` is `development`, `test`
 * or not set, where reports are printed. A budget limits them, except for tests, which must not
 * miss a call site.
 *
 * @example
 * ```ts
 * const origins = new OriginStacks()
 * origins.capture(query) // when the app creates it
 * const stack = origins.of(query) ?? lateStack() // when it is sent
 * ```
 */
export class OriginStacks {
  /** Whether stacks are captured. */
  readonly areCaptured: boolean = printsReports()
  readonly #budget: StackBudget | undefined

  constructor(clock: Clock = systemClock) {
    this.#budget = process.env.NODE_ENV === 'test' ? undefined : new StackBudget(clock, PER_SECOND)
  }

  /** Captures the current stack for a query that the app has just created. */
  capture(query: object): void {
    if (this.areCaptured) Origin.set(query, this.#budget?.take() === false ? UNKNOWN : captureStack())
  }

  /** Uses the stack of a query for an object that represents it from now on. Ignores other values. */
  copy(query: object, representative: unknown): void {
    const origin = Origin.of(query)
    if (origin !== undefined && typeof representative === 'object' && representative !== null)
      Origin.set(representative, origin)
  }

  /** The stack in which the app created a query; `undefined` if it was not captured. */
  created(query: object): Stack | undefined {
    return this.areCaptured ? Origin.of(query) : undefined
  }

  /**
   * Returns a function that captures the current stack when it is called for the first time. If it leads to
   * no function of the app, or only to one that awaits several queries together, the stack that was captured
   * for the query takes its place. `undefined` if there is none.
   */
  of(query: object): (() => Stack) | undefined {
    const origin = this.areCaptured ? Origin.of(query) : undefined
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
