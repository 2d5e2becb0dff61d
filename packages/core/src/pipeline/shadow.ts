import { isDeepStrictEqual } from 'node:util'
import { copyValue } from '../shared/copy.ts'
import type { RandomSource } from '../shared/random.ts'
import type { Handler, Interceptor } from './interceptor.ts'
import { isRefusal, type Operation } from './operation.ts'
import type { QueryStats } from './query-stats.ts'
import { reasonOf } from './rejection.ts'
import type { WriteTracker } from './writes.ts'

/** The optimised result of an operation was not the bare one. Values are not part of it: they may be private. */
export interface ShadowDifference {
  readonly label: string
  readonly bare: string
  readonly optimized: string
}

type Settled = { readonly value: unknown } | { readonly error: unknown }

async function settle(promise: Promise<unknown>): Promise<Settled> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

/** What a settled result looks like, without what is in it. */
function outline(settled: Settled): string {
  if ('error' in settled)
    return `${(settled.error as Error | undefined)?.name ?? 'Error'} ${(settled.error as { code?: string } | undefined)?.code ?? ''}`.trim()
  const { value } = settled
  if (Array.isArray(value)) return `${value.length} rows`
  if (value === null || value === undefined) return 'no row'
  return typeof value === 'object' ? 'a row' : `a ${typeof value}`
}

function same(left: Settled, right: Settled, unordered: boolean): boolean {
  if ('error' in left || 'error' in right) return 'error' in left && 'error' in right && outline(left) === outline(right)
  if (isDeepStrictEqual(left.value, right.value)) return true
  if (!unordered || !Array.isArray(left.value) || !Array.isArray(right.value) || left.value.length !== right.value.length) return false
  const rest = [...right.value]
  return left.value.every((row) => {
    const at = rest.findIndex((other) => isDeepStrictEqual(row, other))
    if (at >= 0) rest.splice(at, 1)
    return at >= 0
  })
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

/**
 * Runs sampled reads both ways and compares. The caller gets the bare result, when the bare query has it,
 * and never waits for the other. A comparison is dropped when a write to the same tables happened meanwhile.
 */
export function shadow(optimized: Handler, options: ShadowOptions): Interceptor {
  const { tracker, stats } = options
  async function compare<T>(operation: Operation<T>, bare: Promise<Settled>, other: Promise<Settled>): Promise<void> {
    const request = operation.cacheRequest?.()
    const tables = request === undefined || isRefusal(request) ? undefined : request.tables
    const before = tables === undefined ? undefined : tracker.stateOf(tables)
    const [left, right] = await Promise.all([bare, other])
    if (tables === undefined || before === undefined || tracker.stateOf(tables) !== before) return
    stats.shadowed += 1
    if (same(left, right, operation.unordered === true)) return
    stats.shadowDifferences += 1
    options.report({ label: operation.shape?.label ?? operation.source.orm, bare: outline(left), optimized: outline(right) })
  }
  return (next) => (operation, scope) => {
    if (operation.kind !== 'read' || operation.inTransaction || options.random() >= options.sample) return next(operation, scope)
    const other = settle(optimized(operation, scope))
    const bare = next(operation, scope)
    // The caller may change its rows before the comparison: compare what they were.
    compare(operation, settle(bare.then(copyValue)), other).catch(options.onError)
    return bare
  }
}
