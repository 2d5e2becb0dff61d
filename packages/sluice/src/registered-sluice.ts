import type { Sluice, SluiceOptions } from '@sluice/core'
import { startDefaultSluice } from '@sluice/core/siblings'

let sluice: Sluice | undefined
let failure: { readonly error: unknown } | undefined

/**
 * The Sluice of this process, which is also its default Sluice. Created with the first client.
 *
 * @throws Error if `SLUICE_CACHE` is neither `off` nor a number; InvalidOptionError for an invalid
 *   `SLUICE_MODE`.
 */
export function registeredSluice(): Sluice {
  if (failure !== undefined) throw failure.error
  try {
    sluice ??= startDefaultSluice(optionsOf(process.env))
    return sluice
  } catch (error) {
    failure = { error }
    throw error
  }
}

/** The mode is that of `SLUICE_MODE`, as for each Sluice. */
function optionsOf({ SLUICE_CACHE = 'off' }: NodeJS.ProcessEnv): SluiceOptions {
  // An app that did not choose Sluice does not specify which other programs write to its database.
  if (SLUICE_CACHE === 'off') return { cache: { tables: [] } }
  const ttl = Number(SLUICE_CACHE)
  if (!(ttl > 0)) throw new Error(`SLUICE_CACHE is "${SLUICE_CACHE}", expected off or a number of seconds.`)
  return { cache: { ttl } }
}
