import { SluiceError, type SluiceErrorCode } from '@sluice/core'
import { isInstance, readThrown } from '@sluice/core/siblings'
import { GraphQLError } from 'graphql'

/** A field that Sluice adds to `Query`. */
export type SluiceQueryField =
  | 'performanceMetrics'
  | 'cacheStats'
  | 'clusterStatus'
  | 'slowQueries'
  | 'scalingHistory'
  | 'scalingRecommendations'
  | 'predictedLoad'
  | 'batchJobStatus'
  | 'queueStats'

/** A field that Sluice adds to `Mutation`. */
export type SluiceMutationField =
  | 'clearCache'
  | 'warmCache'
  | 'invalidateCacheByPattern'
  | 'triggerScaling'
  | 'createScalingPolicy'
  | 'submitBatchJob'
  | 'retryDeadLetterTask'
  | 'cancelBatchJob'

export type SluiceField = SluiceQueryField | SluiceMutationField

/**
 * Authorizes access to a field. Only the result `true` allows it, and an error denies it. The client receives
 * a thrown `GraphQLError` unchanged.
 *
 * @param context - Context of the operation.
 * @param args - Arguments of the field.
 */
export type AuthorizeField<TContext> = (
  context: TContext,
  field: SluiceField,
  args: Readonly<Record<string, unknown>>,
) => boolean | Promise<boolean>

/** Checks access to fields. */
export class FieldGate<TContext> {
  constructor(
    private readonly authorize: AuthorizeField<TContext> | undefined,
    private readonly report: (error: unknown) => void,
  ) {}

  /** @throws SluiceError `SLUICE_NOT_AUTHORIZED`; the app's `GraphQLError`. */
  async pass(field: SluiceField, context: TContext, args: Readonly<Record<string, unknown>>): Promise<void> {
    const { authorize } = this
    if (authorize === undefined)
      throw new SluiceError(
        'SLUICE_NOT_AUTHORIZED',
        `Not authorized: ${field}. The schema was created without \`authorize\`, which denies all fields.`,
      )
    if ((await this.#isAllowed(authorize, context, field, args)) !== true)
      throw new SluiceError('SLUICE_NOT_AUTHORIZED', `Not authorized: ${field}.`)
  }

  async #isAllowed(
    authorize: AuthorizeField<TContext>,
    context: TContext,
    field: SluiceField,
    args: Readonly<Record<string, unknown>>,
  ): Promise<boolean> {
    try {
      return await authorize(context, field, args)
    } catch (error) {
      if (isForClients(error)) throw error
      this.report(error)
      return false
    }
  }
}

/** Errors whose messages contain only input of the caller. */
const INPUT_ERRORS: ReadonlySet<SluiceErrorCode> = new Set<SluiceErrorCode>([
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
  if (isInstance(error, SluiceError) && INPUT_ERRORS.has(error.code))
    return withCode(error.message, error.code)
  report(error)
  if (isInstance(error, SluiceError))
    return withCode('Sluice failed to resolve this field. See the log of the server.', error.code)
  return withCode('Internal server error.', 'INTERNAL_SERVER_ERROR')
}

/** Whether an error was created for clients, by any copy of `graphql` or by a server. */
function isForClients(error: unknown): error is Error {
  return isInstance(error, Error) && typeof readThrown(error, 'extensions') === 'object'
}

/** Omits the original error: servers would mask an error that has one, and some would send its stack. */
function withCode(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
