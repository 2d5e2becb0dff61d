import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import { registeredHost } from './host-registry.ts'

/** The Sluice of each instrumented client. */
const sluices = new WeakMap<object, object>()

/** How to remove Sluice from a client that the app did not pass to `withSluice`. */
const replaceable = new WeakMap<object, () => void>()

/** Remembers whose client an object is, so that it is not instrumented again. `undefined`: no longer one. */
export function markInstrumented(client: object, sluice: object | undefined): void {
  replaceable.delete(client)
  if (sluice === undefined) sluices.delete(client)
  else sluices.set(client, sluice)
}

/**
 * A client was instrumented automatically: if the app passes it to `withSluice`, it is instrumented for the
 * Sluice of the app instead.
 *
 * @param release - Removes Sluice from the client.
 */
export function markReplaceable(client: object, release: () => void): void {
  replaceable.set(client, release)
}

/** The Sluice of an instrumented client. */
export function sluiceOf(client: object): object | undefined {
  return sluices.get(client)
}

/**
 * Whether a client was already instrumented. If it was for another Sluice, it keeps that one, with a warning.
 *
 * @throws InvalidArgumentError if `sluice` is not a Sluice.
 */
export function isInstrumented(client: object, sluice: object): boolean {
  const host = registeredHost(sluice) as { warn(message: string, code: SluiceWarningCode): void }
  const release = replaceable.get(client)
  if (release !== undefined) {
    release()
    return false
  }
  const used = sluices.get(client)
  if (used === undefined) return false
  if (used !== sluice)
    host.warn(
      'A client was passed to withSluice that already uses another Sluice, and continues to use it. Pass each client to withSluice once, and share one Sluice in the app.',
      'SLUICE_INSTRUMENTED_TWICE',
    )
  return true
}
