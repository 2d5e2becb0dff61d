import { SluiceError } from '@sluice/core'
import { isForClients } from './resolver-error.ts'

/** A field of Sluice's queries. */
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

/** A field of Sluice's mutations. */
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
 * Says whether somebody may ask for a field: `true`, and nothing else, lets them. What it throws refuses, too; a `GraphQLError` is told as it is.
 *
 * @param context - The operation's, as the server makes it.
 * @param args - What the field is asked with.
 */
export type AuthorizeField<TContext> = (
  context: TContext,
  field: SluiceField,
  args: Readonly<Record<string, unknown>>,
) => boolean | Promise<boolean>

/** Asks who may ask for what. */
export class FieldGate<TContext> {
  constructor(
    private readonly authorize: AuthorizeField<TContext> | undefined,
    private readonly report: (error: unknown) => void,
  ) {}

  /** @throws SluiceError `SLUICE_NOT_AUTHORIZED`; the app's own GraphQLError. */
  async pass(field: SluiceField, context: TContext, args: Readonly<Record<string, unknown>>): Promise<void> {
    const { authorize } = this
    if (authorize === undefined)
      throw new SluiceError('SLUICE_NOT_AUTHORIZED', `Nobody may ask for ${field}: the schema was created without \`authorize\`.`)
    if ((await this.#isAllowed(authorize, context, field, args)) !== true)
      throw new SluiceError('SLUICE_NOT_AUTHORIZED', `Not allowed: ${field}.`)
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
