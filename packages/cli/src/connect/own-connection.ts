import type { Connection } from '@sluice/core/database'
import { errorMessage, plainLine, redact } from '@sluice/core/siblings'

/** A connection of the command line's own: one session, which nobody else uses. */
export interface OpenConnection extends Connection {
  /** Where it goes, without a password. */
  readonly address: string
  close(): Promise<void>
}

/** The database does not answer, or does not let us in. */
export class ConnectError extends Error {
  constructor(address: string, cause: unknown) {
    super(`Cannot connect to ${address}: ${errorMessage(cause)}`, { cause })
    this.name = 'ConnectError'
  }
}

/** Of PostgreSQL's classes 08 and 57P, of MySQL's driver, and of sockets. */
const CODES = /^(08\w{3}|57P0[1-4]|PROTOCOL_CONNECTION_LOST|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT)$/

/** Whether an error says that the database has gone away. */
export function isDisconnect(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return (typeof code === 'string' && CODES.test(code)) || message === 'Connection terminated unexpectedly'
}

/** An address that may be shown: without password and parameters, in any form and in one line, whatever is wrong with it. */
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
  // What cannot be parsed may have a password with any character in it: where it ends is not known.
  const at = rest.lastIndexOf('@')
  return at < 0 ? `${scheme}${withoutParameters(rest)}` : `${scheme}…@${withoutParameters(rest.slice(at + 1))}`
}

function withoutParameters(text: string): string {
  return text.replace(/\?.*$/s, '')
}
