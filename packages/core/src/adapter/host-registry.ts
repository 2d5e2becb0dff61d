import { InvalidArgumentError } from '../shared/errors.ts'

const HOSTS = Symbol.for('sluice.hosts')

interface Shared {
  [HOSTS]?: WeakMap<object, object>
}

/** The services of each Sluice; one map for all copies of this package in the process. */
function hosts(): WeakMap<object, object> {
  const shared = globalThis as Shared
  shared[HOSTS] ??= new WeakMap()
  return shared[HOSTS]
}

export function registerHost(sluice: object, host: object): void {
  hosts().set(sluice, host)
}

/** @throws InvalidArgumentError if it is not a Sluice. */
export function registeredHost(sluice: unknown): object {
  const host = typeof sluice === 'object' && sluice !== null ? hosts().get(sluice) : undefined
  if (host === undefined)
    throw new InvalidArgumentError('sluice', 'a Sluice that createSluice() returned', sluice)
  return host
}
