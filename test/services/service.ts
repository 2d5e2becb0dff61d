import { randomBytes } from 'node:crypto'

/** A running database server, with a database of our own in it. */
export interface TestService {
  /** The address of our own database. Names that begin with its name and `_` are ours, too. */
  readonly url: string
  stop(): Promise<void>
}

/** Where a service is, or why it is not there. */
export type ServiceAddress = { readonly url: string } | { readonly skipped: string }

/** No way was found to have the service on this machine. */
export class ServiceUnavailableError extends Error {}

/** Eight random hexadecimal digits. */
export function randomSuffix(): string {
  return randomBytes(4).toString('hex')
}

/** The address of another database of the same server. */
export function withDatabase(url: string, database: string): string {
  const address = new URL(url)
  address.pathname = `/${database}`
  return address.href
}

/** The database that an address names. */
export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
