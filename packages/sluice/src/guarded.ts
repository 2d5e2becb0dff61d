import { CLIENT_NAMES } from './config/client-names.ts'
import { failureReason } from './failure-reason.ts'
import { unseen } from './unseen-clients.ts'

const warned = new Set<unknown>()

/**
 * Calls a function of Sluice inside the code of an app. If it throws, the app continues without Sluice
 * there, with one process warning.
 *
 * @param where - What Sluice attaches to.
 * @returns `undefined` if it threw.
 */
export function guarded<T>(where: string, run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (CLIENT_NAMES.includes(where)) unseen(where)
    // An invalid setting fails everywhere.
    if (!warned.has(where) && !warned.has(error)) {
      warned.add(where).add(error)
      process.emitWarning(`Sluice did not attach to ${where}: ${reasonOf(error)} The app runs without it.`, {
        type: 'SluiceWarning',
        code: 'SLUICE_REGISTER',
      })
    }
    return undefined
  }
}

/** The core formats errors, and may be the part that failed. */
function reasonOf(error: unknown): string {
  try {
    return failureReason(error)
  } catch {
    return 'its code could not be loaded.'
  }
}
