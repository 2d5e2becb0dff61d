import { randomBytes } from 'node:crypto'

/** A running database server with a database for this run. */
export interface TestService {
  /** URL of the database. Databases whose names begin with its name and `_` belong to this run too. */
  readonly url: string
  stop(): Promise<void>
}

/** The URL of a service, or the reason why it is unavailable. */
export type ServiceAddress = { readonly url: string } | { readonly skipped: string }

/** The service cannot run on this machine. */
export class ServiceUnavailableError extends Error {}

/** Eight random hexadecimal digits. */
export function randomSuffix(): string {
  return randomBytes(4).toString('hex')
}

/** The URL of another database on the same server. */
export function withDatabase(url: string, database: string): string {
  const address = new URL(url)
  address.pathname = `/${database}`
  return address.href
}

/** The name of the database in a URL. */
export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
