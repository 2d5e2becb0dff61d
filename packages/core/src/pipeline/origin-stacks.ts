import { AsyncLocalStorage } from 'node:async_hooks'
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

/** A call of an ORM that sends one statement, later. */
interface Call {
  readonly sql: string
  readonly stack: Stack
}

const calls = new AsyncLocalStorage<Call>()

/** The stack of the call of an ORM that sends a statement; by default, the current one. */
export function sentStack(sql: string): Stack {
  const call = calls.getStore()
  return call?.sql === sql ? call.stack : captureStack()
}

/**
 * The stack in which a statement is sent, captured when it is first requested, and the same from then on:
 * most reads never need theirs.
 *
 * @param sql - The text as the ORM passed it to the driver.
 */
export function lateStack(sql: string): () => Stack {
  let taken: Stack | undefined
  return () => {
    taken ??= sentStack(sql)
    return taken
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
 * const stack = origins.of(query) ?? lateStack(sql) // when it is sent
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

  /**
   * Calls a method of an ORM that sends a statement after it has awaited something, when no stack may lead to
   * the app. The stack of the statement is then the one that leads to the function that awaits the call, or
   * else that of the call.
   */
  run<T>(sql: string, call: () => T): T {
    if (!this.areCaptured || this.#budget?.take() === false) return call()
    const late = new AwaitingStack()
    const result = calls.run({ sql, stack: new StackWithOrigin(late, captureStack()) }, call)
    return result instanceof Promise ? (late.follow(result) as T) : result
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

/** The stack of the function that awaits a promise. */
class AwaitingStack implements Stack {
  #taken: Stack | undefined

  get stack(): string | undefined {
    return this.#taken?.stack
  }

  async follow<T>(promise: Promise<T>): Promise<T> {
    // A function that returns a promise without awaiting it is known to V8 a microtask later.
    await undefined
    await undefined
    this.#taken = captureStack()
    return promise
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
