import type { Executor } from './executor.ts'
import type { Handler, Interceptor } from './interceptor.ts'
import { type Operation, tablesRead } from './operation.ts'
import type { OperationContext } from './operation-context.ts'
import { describe, type ShadowOptions, settle } from './shadow.ts'
import { differenceOf } from './shadow-difference.ts'

export interface GuardOptions extends Pick<ShadowOptions, 'tracker' | 'stats' | 'report' | 'onError'> {
  /** Number of reads of a normalized query that are compared, at least 1. */
  readonly reads: number
  readonly executor: Executor
  /** Sends a read without a batch. */
  readonly send: Handler
}

/** The reads of one normalized query, until enough of them were compared. */
interface Trial {
  remaining: number
  hasDiffered: boolean
}

/**
 * Compares the first reads of each normalized query that batches and prefetches answer with the results of
 * their own queries, which their callers receive. After one difference, such reads are sent unchanged.
 */
export function guard(options: GuardOptions): Interceptor {
  const { reads, tracker, stats, send } = options
  const trials = new WeakMap<object, Trial>()
  return (operation, context, next) => {
    if (operation.kind !== 'read') return next(operation, context)
    // Each is one object for all reads of a normalized query.
    const query = operation.gain ?? operation.shape ?? operation.rowSource?.() ?? operation.source
    let trial = trials.get(query)
    if (trial === undefined) {
      trial = { remaining: reads, hasDiffered: false }
      trials.set(query, trial)
    }
    if (trial.remaining <= 0) return next(operation, context)
    if (trial.hasDiffered) {
      stats.passThrough('DIFFERED_BEFORE')
      return send(operation, context)
    }
    const tables = tablesRead(operation)
    const before = tracker.stateOf(tables)
    // A write is in flight: its own query would be sent after that.
    if (before === undefined) return send(operation, context)
    const running = next(operation, context)
    if (running === context.running) return running
    const isCurrent = () => context.running === undefined && tracker.stateOf(tables) === before
    return compared(operation, context, running, isCurrent, trial, options)
  }
}

/**
 * @param isCurrent - Whether the operation itself was not sent, and this process has written nothing since:
 *   its own query is then sent as early as the app expects.
 */
async function compared<T>(
  operation: Operation<T>,
  context: OperationContext,
  running: Promise<T>,
  isCurrent: () => boolean,
  trial: Trial,
  { executor, stats, report, onError }: GuardOptions,
): Promise<T> {
  const optimized = await settle(running)
  if (!isCurrent()) return running
  const own = executor.run(operation, context)
  const bare = await settle(own)
  try {
    stats.shadowed += 1
    trial.remaining -= 1
    const difference = differenceOf(bare, optimized, operation.unordered === true)
    if (difference !== undefined) {
      stats.shadowDifferences += 1
      const isFirst = !trial.hasDiffered
      trial.hasDiffered = true
      // Others of the same batch end later.
      trial.remaining = Number.POSITIVE_INFINITY
      context.step = context.prefetched === undefined ? 'batch' : 'prefetch'
      if (isFirst) report({ ...describe(operation, context), ...difference })
    }
  } catch (error) {
    onError(error)
  }
  return own
}
