import type { Connection } from '@sluice/core/database'

/** A connection of the command line's own: one session, which nobody else uses. */
export interface OpenConnection extends Connection {
  /** Where it goes, without a password. */
  readonly address: string
  close(): Promise<void>
}

/** The database does not answer, or does not let us in. */
export class ConnectError extends Error {
  constructor(address: string, cause: unknown) {
    super(`Cannot connect to ${address}: ${messageOf(cause)}`, { cause })
    this.name = 'ConnectError'
  }
}

/** Where a name has several addresses, what went wrong with the first. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code ?? error) : String(error)
}
