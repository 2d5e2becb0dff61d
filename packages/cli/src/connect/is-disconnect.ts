/** Of PostgreSQL's classes 08 and 57P, of MySQL's driver, and of sockets. */
const CODES = /^(08\w{3}|57P0[1-4]|PROTOCOL_CONNECTION_LOST|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT)$/

/** Whether an error says that the database has gone away. */
export function isDisconnect(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return (typeof code === 'string' && CODES.test(code)) || message === 'Connection terminated unexpectedly'
}
