import type { Server } from 'node:http'

const OWN = Symbol.for('sluice.ownServer')

/**
 * Marks a server of Sluice itself, for all copies of this package: its requests and its address are not those
 * of the app.
 */
export function markOwnServer<T extends Server>(server: T): T {
  return Object.defineProperty(server, OWN, { value: true })
}

/** Whether a server is one of Sluice itself. */
export function isOwnServer(server: object): boolean {
  return OWN in server
}
