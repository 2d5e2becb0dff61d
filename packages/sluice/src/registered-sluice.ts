import type { Sluice } from '@sluice/core'
import { startDefaultSluice } from '@sluice/core/siblings'
import { isChosen, readSettings, type Settings } from './config/settings.ts'
import { currentTest } from './process-state.ts'
import { unseenClients } from './unseen-clients.ts'

/** The Sluice of this process, and how it attaches. */
interface Registered {
  readonly settings: Settings
  readonly sluice: Sluice
}

/** An app that did not choose Sluice has not compared results in `shadow` mode, either. */
const GUARDED_READS = 20

let registered: Registered | undefined
let isCreating = false
let failure: { readonly error: unknown } | undefined

/** @throws InvalidOptionError if the environment or the config file is invalid, at each call. */
function get(): Registered {
  if (failure !== undefined) throw failure.error
  if (registered !== undefined) return registered
  if (isCreating) throw new Error('The config file of Sluice creates it.')
  isCreating = true
  try {
    registered = create()
    return registered
  } catch (error) {
    failure = { error }
    throw error
  } finally {
    isCreating = false
  }
}

function create(): Registered {
  const settings = readSettings(process.env)
  const precautions = { guardedReads: GUARDED_READS, unseenClients }
  return { settings, sluice: startDefaultSluice(settings.sluice, precautions) }
}

/**
 * The Sluice of this process, which is also its default Sluice. Created with the first client.
 *
 * @throws InvalidOptionError if the environment or the config file is invalid.
 */
export function registeredSluice(): Sluice {
  return get().sluice
}

/**
 * How Sluice attaches to this process.
 *
 * @throws As `registeredSluice`.
 */
export function settings(): Settings {
  return get().settings
}

/**
 * Whether Sluice attaches to a client.
 *
 * @param names - Names of a driver, and of the ORM above it.
 * @throws As `registeredSluice`.
 */
export function attachesTo(...names: readonly string[]): boolean {
  return !currentTest.hasOwnCore && isChosen(get().settings.clients, names)
}
