import type { TableId } from '../schema/catalog-data.ts'
import { copyValue } from '../shared/copy.ts'
import type { RandomSource } from '../shared/random.ts'
import { parseCallSite } from './call-site.ts'
import { compose, type Handler, type Interceptor } from './interceptor.ts'
import { isRefusal, type Operation } from './operation.ts'
import type { OperationContext, Outcome } from './operation-context.ts'
import type { QueryStats } from './query-stats.ts'
import { reasonOf } from './rejection.ts'
import type { ScopeStorage } from './scope.ts'
import { differenceOf, type Settled, type ShadowDifference } from './shadow-difference.ts'
import type { WriteTracker } from './writes.ts'

/** Waits for a result, or for an error of the database. */
export async function settle(promise: Promise<unknown>): Promise<Settled> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

function copied(outcome: Outcome): Settled {
  if ('error' in outcome) return { error: reasonOf(outcome.error) }
  try {
    return { value: copyValue(outcome.result) }
  } catch (error) {
    return { error }
  }
}

export interface ShadowOptions {
  /** Share of reads that run twice, 0 to 1. */
  readonly sample: number
  readonly random: RandomSource
  readonly scopes: ScopeStorage
  readonly tracker: WriteTracker
  readonly stats: QueryStats
  readonly report: (difference: ShadowDifference) => void
  readonly onError: (error: unknown) => void
}

/**
 * Composes named steps around the step that queries the database. Each step writes its name into the context.
 */
export function composeNamed(
  steps: readonly (readonly [name: string, interceptor: Interceptor])[],
  terminal: Handler,
): Handler {
  const named =
    (name: string): Interceptor =>
    (operation, context, next) => {
      context.step = name
      return next(operation, context)
    }
  return compose(
    [...steps.flatMap(([name, interceptor]) => [named(name), interceptor]), named('database')],
    terminal,
  )
}

/**
 * Runs sampled reads both ways and compares the results. The caller receives the result without Sluice as
 * soon as that query returns, and never waits for the other. A comparison is discarded if a write to the same
 * tables happened meanwhile.
 */
export function shadow(optimized: Handler, options: ShadowOptions): Interceptor {
  const { tracker, stats, scopes } = options
  async function compare<T>(
    operation: Operation<T>,
    context: OperationContext,
    bare: Promise<Settled>,
    other: Promise<Settled>,
    tables: readonly TableId[],
  ): Promise<void> {
    const before = tracker.stateOf(tables)
    const [left, right] = await Promise.all([bare, other])
    if (before === undefined || tracker.stateOf(tables) !== before) return
    stats.shadowed += 1
    const difference = differenceOf(left, right, operation.unordered === true)
    if (difference === undefined) return
    stats.shadowDifferences += 1
    options.report({ ...describe(operation, context), ...difference })
  }
  return (operation, context, next) => {
    if (operation.kind !== 'read' || operation.inTransaction || options.random() >= options.sample)
      return next(operation, context)
    // A read that the cache would not accept can have side effects, so it runs once.
    const request = operation.cacheRequest?.()
    if (request === undefined || isRefusal(request)) return next(operation, context)
    const shadowContext = context.shadow()
    // The caller's query is sent first.
    const bare = next(operation, context)
    const other = settle(scopes.shadow(() => optimized(operation, shadowContext)))
    // The caller can modify its rows before the comparison, so a copy is compared.
    const own = new Promise<Settled>((resolve) => {
      context.follow(bare, (outcome) => resolve(copied(outcome)))
    })
    compare(operation, shadowContext, own, other, request.tables).catch(options.onError)
    return bare
  }
}

/** The part of a difference that identifies its operation. */
export function describe(
  operation: Operation<unknown>,
  { scope, step }: OperationContext,
): Omit<ShadowDifference, 'bare' | 'optimized'> {
  const { shape, source } = operation
  const rows = shape === undefined ? operation.rowSource?.() : undefined
  const fingerprint = shape?.fingerprint ?? rows?.shape
  const callSite = parseCallSite(operation.stack?.()?.stack)
  return {
    label: shape?.label ?? (rows === undefined ? source.orm : `${source.orm} ${rows.table}`),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(scope === undefined ? {} : { scope: scope.name }),
    ...(callSite === undefined ? {} : { callSite }),
    ...(step === undefined ? {} : { answeredBy: step }),
  }
}
