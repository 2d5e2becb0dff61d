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
    // Attached to the result's promise without being part of the chain. It runs first, because it was
    // attached first, and results keep the order in which they arrived.
    written.then(
      () => intent.end('committed'),
      (error: unknown) => intent.end(operation.source.errors?.writeOutcome(error) ?? writeOutcomeOf(error)),
    )
    return written
  }
}
