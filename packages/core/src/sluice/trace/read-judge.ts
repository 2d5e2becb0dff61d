import type { ExaminedRead, ResultCache } from '../../cache/result-cache.ts'
import { isRefusal, type Operation } from '../../pipeline/operation.ts'
import type { OperationContext, Outcome } from '../../pipeline/operation-context.ts'
import type { Batcher, Waiter } from '../../query/batch/batcher.ts'
import type { ForecastLookup, LoopForecast } from '../../query/prefetch/loop-forecast.ts'
import type { Prefetcher } from '../../query/prefetch/prefetcher.ts'

/** The steps of `optimize`; `undefined`: the options switch it off. */
export interface JudgeParts {
  readonly isExcluded: ((operation: Operation<unknown>) => boolean) | undefined
  readonly cache: ResultCache | undefined
  readonly batcher: Batcher | undefined
  readonly prefetch: { readonly prefetcher: Prefetcher; readonly forecast: LoopForecast } | undefined
}

/** How `optimize` would handle a read, or the reasons why it would pass it through. */
export interface Verdict {
  readonly cache: ExaminedRead | string
  readonly batch: Waiter | string
  readonly loop: ForecastLookup | undefined
}

/** Asks the steps of `optimize` about reads that are sent without them. */
export class ReadJudge {
  constructor(private readonly parts: JudgeParts) {}

  /** A read is about to be sent. */
  judge(operation: Operation<unknown>, context: OperationContext, isBypassed: boolean): Verdict {
    const { isExcluded, cache, batcher } = this.parts
    const reason = isBypassed ? 'BYPASSED' : isExcluded?.(operation) === true ? 'EXCLUDED' : undefined
    if (reason !== undefined) return { cache: reason, batch: reason, loop: undefined }
    return {
      cache:
        cache === undefined ? 'CACHE_DISABLED' : (cache.examine(operation, context) ?? 'NOT_A_PLAIN_READ'),
      batch:
        batcher === undefined ? 'BATCHING_DISABLED' : (batcher.examine(operation, context) ?? 'NOT_BY_KEY'),
      loop: this.#loopOf(operation, context),
    }
  }

  /** The read has ended. */
  ended({ loop }: Verdict, operation: Operation<unknown>, context: OperationContext, outcome: Outcome): void {
    const { prefetch } = this.parts
    const result = 'result' in outcome ? outcome.result : undefined
    if (loop !== undefined) prefetch?.forecast.ended(loop, result)
    if ('result' in outcome) prefetch?.prefetcher.observe(operation, result, context)
  }

  /** Something may have been written: no stored row of the scope is certain to be current. */
  wrote(context: Pick<OperationContext, 'scope'>): void {
    this.parts.prefetch?.prefetcher.discard(context.scope)
  }

  #loopOf(operation: Operation<unknown>, context: OperationContext): ForecastLookup | undefined {
    const { prefetch } = this.parts
    if (prefetch === undefined || context.scope?.hasRows !== true || operation.isRaw === true)
      return undefined
    const lookup = operation.lookup?.()
    if (lookup === undefined || isRefusal(lookup)) return undefined
    return prefetch.forecast.sent(operation, context, lookup, context.groupOf(lookup))
  }
}
