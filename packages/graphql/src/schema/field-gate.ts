import { SluiceError } from '@sluice/core'
import { isForClients } from './resolver-error.ts'

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
