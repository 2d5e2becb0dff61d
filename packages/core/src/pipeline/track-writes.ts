import type { Interceptor } from './interceptor.ts'
import { writeOutcomeOf } from './outcome.ts'
import type { WriteTracker } from './writes.ts'

/** Announces each write before it is sent, and its end before its caller is told. */
export function trackWrites(tracker: WriteTracker): Interceptor {
  return (operation, context, next) => {
    if (operation.kind === 'read' || operation.effect === undefined) return next(operation, context)
    const effect = operation.effect()
    if (operation.transactionWrites !== undefined) {
      const writes = operation.transactionWrites()
      // A transaction nobody follows: its commit will not be seen, so its tables stay out of memory until the lease ends.
      if (writes === undefined) tracker.begin(effect).end('unknown')
      else writes.add(effect)
      return next(operation, context)
    }
    const intent = tracker.begin(effect)
    const written = next(operation, context)
    // Beside the result's way, not on it: it comes first, being the first to wait, and results keep the order in which they came.
    written.then(
      () => intent.end('committed'),
      (error: unknown) => intent.end(operation.source.errors?.writeOutcome(error) ?? writeOutcomeOf(error)),
    )
    return written
  }
}
