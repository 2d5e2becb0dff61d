const LISTENER = Symbol.for('sluice.clientListener')

/**
 * Receives each Sluice to which a client is attached, and the name of its ORM. Must not throw. Set by
 * `sluice/register`, which opens scopes for the Sluices of an app.
 */
type ClientListener = (sluice: object, orm: string) => void

/** A client was attached to a Sluice, by any copy of this package. */
export function announceClient(sluice: object, orm: string): void {
  const shared = globalThis as { readonly [LISTENER]?: ClientListener }
  shared[LISTENER]?.(sluice, orm)
}
