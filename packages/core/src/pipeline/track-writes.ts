import type { Interceptor } from './interceptor.ts'
import type { WriteIntent, WriteOutcome, WriteTracker } from './writes.ts'

/**
 * Announces each write before it is sent, and its end before its caller is told.
 *
 * @param outcomeOf - What an error says about the write: whether it certainly had no effect.
 */
export function trackWrites(tracker: WriteTracker, outcomeOf: (error: unknown) => WriteOutcome): Interceptor {
  return (next) => (operation, scope) => {
    if (operation.kind === 'read' || operation.effect === undefined) return next(operation, scope)
    const effect = operation.effect()
    if (operation.transactionWrites !== undefined) {
      const writes = operation.transactionWrites()
      // A transaction nobody follows: its commit will not be seen, so its tables stay out of memory until the lease ends.
      if (writes === undefined) tracker.begin(effect).end('unknown')
      else writes.add(effect)
      return next(operation, scope)
    }
    return settling(tracker.begin(effect), next(operation, scope), outcomeOf)
  }
}

async function settling<T>(intent: WriteIntent, written: Promise<T>, outcomeOf: (error: unknown) => WriteOutcome): Promise<T> {
  try {
    const result = await written
    intent.end('committed')
    return result
  } catch (error) {
    intent.end(outcomeOf(error))
    throw error
  }
}
