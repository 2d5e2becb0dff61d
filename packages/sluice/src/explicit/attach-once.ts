import type { Sluice } from '@sluice/core'
import { isInstrumented, markInstrumented } from '@sluice/core/adapter'

interface Attachment {
  readonly sluice: Sluice
  release(): void
}

const attachments = new WeakMap<object, Attachment>()

/**
 * Attaches an object of an ORM to a Sluice. One that is already attached keeps its Sluice, with a warning if
 * it is another one, until that Sluice is closed.
 *
 * @param attach - Returns the function that releases the object.
 */
export function attachOnce(client: object, sluice: Sluice, attach: () => () => void): void {
  const known = attachments.get(client)
  if (known?.sluice.isClosed === true) {
    known.release()
    markInstrumented(client, undefined)
  }
  if (isInstrumented(client, sluice)) return
  attachments.set(client, { sluice, release: attach() })
  markInstrumented(client, sluice)
}
