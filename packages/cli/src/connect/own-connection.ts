import type { Connection } from '@sluice/core/database'
import { errorMessage, plainLine, redact } from '@sluice/core/siblings'

/** A connection of the command line: a single session without other users. */
export interface OpenConnection extends Connection {
  /** URL of the database, without the password. */
  readonly address: string
  close(): Promise<void>
}

/** The server does not respond, or denies access. */
export class ConnectError extends Error {
  constructor(address: string, cause: unknown) {
    super(`Cannot connect to ${address}: ${errorMessage(cause)}`, { cause })
    this.name = 'ConnectError'
  }
}

/** PostgreSQL's classes 08 and 57P, and codes of MySQL's driver and of sockets. */
const CODES = /^(08\w{3}|57P0[1-4]|PROTOCOL_CONNECTION_LOST|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT)$/

/** Whether an error means that the connection to the database was lost. */
export function isDisconnect(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return (typeof code === 'string' && CODES.test(code)) || message === 'Connection terminated unexpectedly'
}

/** A URL for display, in one line, without password and parameters, even if the URL is invalid. */
export function shownAddress(url: string): string {
  return plainLine(redact(withoutSecrets(url)))
}

function withoutSecrets(url: string): string {
  const scheme = /^[a-z][\w+.-]*:\/\//i.exec(url)?.[0]
  if (scheme === undefined) return withoutParameters(url)
  const rest = url.slice(scheme.length)
  if (URL.canParse(url)) {
    const { username, host, pathname } = new URL(url)
    return `${scheme}${username === '' ? '' : `${username}@`}${host}${pathname}`
  }
  // In an invalid URL, the password can contain any character, so cut up to the last @.
  const at = rest.lastIndexOf('@')
  return at < 0
    ? `${scheme}${withoutParameters(rest)}`
    : `${scheme}…@${withoutParameters(rest.slice(at + 1))}`
}

/** An address without its query. */
export function withoutParameters(url: string): string {
  return url.split('?', 1)[0] ?? ''
}
