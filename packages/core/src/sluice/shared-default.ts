import type { Sluice } from './sluice.ts'
import { hostOf } from './sluice-host.ts'

/**
 * Counts up with each major release after 1: code of the one cannot be trusted with a Sluice of the other.
 */
export const DEFAULT_VERSION = 1

interface WithSluice {
  readonly sluice: Sluice
}

interface Slot {
  readonly value: WithSluice
  /** By the copy that made it: no other can look into it. */
  isClosed(): boolean
}

const DEFAULTS = Symbol.for('sluice.defaults')

interface Shared {
  /** By version. */
  [DEFAULTS]?: Record<number, Slot>
}

let known: WithSluice | undefined

/**
 * The default of all copies of this package in the process that are of one version; made, where there is
 * none. One that was closed stays that of the copies that had it, and is none for a copy that is loaded
 * later.
 */
export function sharedDefault<T extends WithSluice>(make: () => T): T {
  known ??= openDefault() ?? newDefault(make)
  // Copies of one version make it of one form.
  return known as T
}

function slots(): Record<number, Slot> {
  const shared = globalThis as Shared
  shared[DEFAULTS] ??= {}
  return shared[DEFAULTS]
}

/** The default of this version, if a copy has made it and it is not closed. */
export function openDefault(): WithSluice | undefined {
  const slot = slots()[DEFAULT_VERSION]
  return slot === undefined || slot.isClosed() ? undefined : slot.value
}

function newDefault(make: () => WithSluice): WithSluice {
  const value = make()
  const all = slots()
  all[DEFAULT_VERSION] = { value, isClosed: () => value.sluice.isClosed }
  if (Object.keys(all).some((version) => Number(version) !== DEFAULT_VERSION))
    hostOf(value.sluice).warn(
      'Several major versions of @sluice/core are loaded in this process, and each has a separate default Sluice that does not see the queries of the other. ' +
        'Install the same version of all Sluice packages: `sluice doctor` lists the installed versions.',
      'SLUICE_VERSION_CONFLICT',
    )
  return value
}
