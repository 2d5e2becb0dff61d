import { copyValue } from '../shared/copy.ts'
import type { RandomSource } from '../shared/random.ts'
import { parseCallSite } from './call-site.ts'
import { compose, type Handler, type Interceptor } from './interceptor.ts'
import { isRefusal, type Operation } from './operation.ts'
import type { QueryStats } from './query-stats.ts'
import { reasonOf } from './rejection.ts'
import type { Scope } from './scope.ts'
import { differenceOf, type Settled, type ShadowDifference } from './shadow-difference.ts'
import { shadowing } from './shadowing.ts'
import type { WriteTracker } from './writes.ts'

async function settle(promise: Promise<unknown>): Promise<Settled> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

export interface ShadowOptions {
  /** The share of reads that are run twice, 0 to 1. */
  readonly sample: number
  readonly random: RandomSource
  readonly tracker: WriteTracker
  readonly stats: QueryStats
  readonly report: (difference: ShadowDifference) => void
  readonly onError: (error: unknown) => void
}

/** The optimised way, and how far along it an operation went. */
export interface TracedHandler {
  readonly handle: Handler
  /** The name of the last step that an operation reached: the one that answered it. */
  answeredBy(operation: Operation<unknown>): string | undefined
}

/** Composes steps, each under its name, around what finally asks the database. */
export function composeTraced(steps: readonly (readonly [name: string, interceptor: Interceptor])[], terminal: Handler): TracedHandler {
  const reached = new WeakMap<object, string>()
  const mark =
    (name: string): Interceptor =>
    (next) =>
    (operation, scope) => {
      reached.set(operation, name)
      return next(operation, scope)
    }
  const marked = steps.flatMap(([name, interceptor]) => [mark(name), interceptor])
  return { handle: compose([...marked, mark('database')], terminal), answeredBy: (operation) => reached.get(operation) }
}

/**
 * Runs sampled reads both ways and compares. The caller gets the bare result, when the bare query has it,
 * and never waits for the other. A comparison is dropped when a write to the same tables happened meanwhile.
 */
export function shadow(optimized: TracedHandler, options: ShadowOptions): Interceptor {
  const { tracker, stats } = options
  async function compare<T>(
    operation: Operation<T>,
    scope: Scope | undefined,
    bare: Promise<Settled>,
    other: Promise<Settled>,
  ): Promise<void> {
    const request = operation.cacheRequest?.()
    const tables = request === undefined || isRefusal(request) ? undefined : request.tables
    const before = tables === undefined ? undefined : tracker.stateOf(tables)
    const [left, right] = await Promise.all([bare, other])
    if (tables === undefined || before === undefined || tracker.stateOf(tables) !== before) return
    stats.shadowed += 1
    const difference = differenceOf(left, right, operation.unordered === true)
    if (difference === undefined) return
    stats.shadowDifferences += 1
    options.report({ ...describe(operation, scope, optimized.answeredBy(operation)), ...difference })
  }
  return (next) => (operation, scope) => {
    if (operation.kind !== 'read' || operation.inTransaction || options.random() >= options.sample) return next(operation, scope)
    const other = settle(shadowing(() => optimized.handle(operation, scope)))
    const bare = next(operation, scope)
    // The caller may change its rows before the comparison: compare what they were.
    compare(operation, scope, settle(bare.then(copyValue)), other).catch(options.onError)
    return bare
  }
}

function describe(operation: Operation<unknown>, scope: Scope | undefined, answeredBy: string | undefined) {
  const { shape, source } = operation
  const rows = shape === undefined ? operation.rowSource?.() : undefined
  const fingerprint = shape?.fingerprint ?? rows?.shape
  const callSite = parseCallSite(operation.stack?.()?.stack)
  return {
    label: shape?.label ?? (rows === undefined ? source.orm : `${source.orm} ${rows.table}`),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(scope === undefined ? {} : { scope: scope.name }),
    ...(callSite === undefined ? {} : { callSite }),
    ...(answeredBy === undefined ? {} : { answeredBy }),
  }
}
