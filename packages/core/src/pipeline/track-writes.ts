import type { Interceptor } from './interceptor.ts'
import { writeOutcomeOf } from './outcome.ts'
import type { WriteTracker } from './writes.ts'

/** Announces each write before it is sent, and its end before the caller receives the result. */
export function trackWrites(tracker: WriteTracker): Interceptor {
  return (operation, context, next) => {
    if (operation.kind === 'read' || operation.effect === undefined) return next(operation, context)
    const effect = operation.effect()
    if (operation.transactionWrites !== undefined) {
      const writes = operation.transactionWrites()
      // This transaction is not followed, so its commit will not be seen: values that depend on its tables
      // are neither served nor cached until the lease expires.
      if (writes === undefined) tracker.begin(effect).end('unknown')
      else writes.add(effect)
      return next(operation, context)
    }
    const intent = tracker.begin(effect)
    const written = next(operation, context)
    context.follow(
      written,
      (outcome) =>
        void intent.end(
          'result' in outcome
            ? 'committed'
            : (operation.source.errors?.writeOutcome(outcome.error) ?? writeOutcomeOf(outcome.error)),
        ),
    )
    return written
  }
}
