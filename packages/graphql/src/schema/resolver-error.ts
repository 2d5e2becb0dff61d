import { SluiceError, type SluiceErrorCode } from '@sluice/core'
import { isInstance, readThrown } from '@sluice/core/siblings'
import { GraphQLError } from 'graphql'

/** Errors whose messages contain only input of the caller. */
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
  'SLUICE_ENGINE_DISABLED',
  'SLUICE_CLOSED',
])

/**
 * Converts an error for the client. Messages that the client cannot act on stay on the server: they can
 * contain hosts, tables and file names, and not every server masks errors.
 *
 * @param report - Receives errors that the client does not get.
 */
export function resolverError(error: unknown, report: (error: unknown) => void): Error {
  // Thrown by the app in `authorize`.
  if (isForClients(error)) return error
  if (isInstance(error, SluiceError) && tellsOfInput.has(error.code))
    return withCode(error.message, error.code)
  report(error)
  if (isInstance(error, SluiceError))
    return withCode('Sluice failed to resolve this field. See the log of the server.', error.code)
  return withCode('Internal server error.', 'INTERNAL_SERVER_ERROR')
}

/** Whether an error was created for clients, by any copy of `graphql` or by a server. */
export function isForClients(error: unknown): error is Error {
  return isInstance(error, Error) && typeof readThrown(error, 'extensions') === 'object'
}

/** Omits the original error: servers would mask an error that has one, and some would send its stack. */
function withCode(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
