import { SluiceError, type SluiceErrorCode } from '@sluice/core'
import { GraphQLError } from 'graphql'

/** Errors whose messages tell of what the caller gave, and of nothing behind it. */
const tellsOfInput: ReadonlySet<SluiceErrorCode> = new Set<SluiceErrorCode>([
  'SLUICE_INVALID_ARGUMENT',
  'SLUICE_INVALID_OPTION',
  'SLUICE_INVALID_PAYLOAD',
  'SLUICE_UNKNOWN_QUEUE',
  'SLUICE_UNKNOWN_METRIC',
  'SLUICE_UNKNOWN_NODE',
  'SLUICE_NO_PROCESSOR',
  'SLUICE_NO_FORECAST',
  'SLUICE_NOT_AUTHORIZED',
  'SLUICE_ENGINE_OFF',
  'SLUICE_CLOSED',
])

/**
 * What a client is told of a failure. What it cannot help stays on the server: its message may name hosts, tables and files, and not every server
 * masks errors.
 *
 * @param report - Is told of what the client is not.
 */
export function resolverError(error: unknown, report: (error: unknown) => void): Error {
  // The app's own word, of `authorize`.
  if (isForClients(error)) return error
  if (error instanceof SluiceError && tellsOfInput.has(error.code)) return withCode(error.message, error.code)
  report(error)
  if (error instanceof SluiceError) return withCode('Sluice could not do this; the server has the reason.', error.code)
  return withCode('Internal server error.', 'INTERNAL_SERVER_ERROR')
}

/** Whether an error is one that was made for clients: by this copy of `graphql` or another, or by a server of its own. */
export function isForClients(error: unknown): error is Error {
  return error instanceof Error && typeof (error as { readonly extensions?: unknown }).extensions === 'object'
}

/** Without the original error: servers would mask one that has it, and some would send its stack. */
function withCode(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
