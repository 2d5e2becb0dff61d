import { InvalidArgumentError, NoProcessorError, type Sluice } from '@sluice/core'
import { CacheActions, checkJson, type ScaleDirection } from '@sluice/core/siblings'
import type { SluiceMutationField } from './field-gate.ts'
import { engineOf, type InputLimits, text } from './schema-options.ts'

/** Maximum length of a glob, which is matched against every key. */
const MAX_PATTERN = 256

type Args = Readonly<Record<string, unknown>>

interface PolicyInput {
  readonly name: string
  readonly metric: string
  readonly threshold: number
  readonly scaleDirection: ScaleDirection
  readonly scaleAmount?: number | null
  readonly cooldownSeconds?: number | null
}

/** Resolvers of the fields of `Mutation`. */
export function mutationResolvers(
  sluice: Sluice,
  { maxItems, maxJsonDepth }: InputLimits,
  batchJobs: readonly string[],
): Readonly<Record<SluiceMutationField, (args: Args, actor: string | undefined) => unknown>> {
  const cacheAs = (actor: string | undefined) => new CacheActions(sluice, engineOf(sluice, 'cache'), actor)
  return {
    clearCache: async ({ namespace }, actor) => {
      await cacheAs(actor).clear(
        namespace === undefined || namespace === null ? undefined : text('namespace', namespace),
      )
      return true
    },
    warmCache: ({ namespace, data }, actor) => {
      const cache = cacheAs(actor)
      const entries = entriesOf(data, maxItems)
      // The object with the entries is an additional level.
      checkJson('data', entries, maxJsonDepth + 1)
      return cache.warm(text('namespace', namespace), entries)
    },
    invalidateCacheByPattern: ({ pattern }, actor) => {
      const cache = cacheAs(actor)
      if (typeof pattern !== 'string' || pattern === '' || pattern.length > MAX_PATTERN)
        throw new InvalidArgumentError('pattern', `a string of 1 to ${MAX_PATTERN} characters`, pattern)
      return cache.invalidateByPattern(pattern)
    },
    triggerScaling: ({ direction, amount }, actor) =>
      engineOf(sluice, 'monitor').triggerScaling(direction as ScaleDirection, amount as number, actor) !==
      null,
    createScalingPolicy: ({ policy }) => {
      const { name, metric, threshold, scaleDirection, scaleAmount, cooldownSeconds } = policy as PolicyInput
      const monitor = engineOf(sluice, 'monitor')
      const [amount, cooldown] = [scaleAmount ?? undefined, cooldownSeconds ?? undefined]
      return monitor.createScalingPolicy(
        text('policy.name', name),
        text('policy.metric', metric),
        threshold,
        scaleDirection,
        amount,
        cooldown,
      )
    },
    submitBatchJob: ({ name, items, batchSize }, actor) => {
      const jobs = engineOf(sluice, 'jobs')
      const job = text('name', name)
      // The engine would create a queue for an unknown name.
      if (!batchJobs.includes(job) && !jobs.hasProcessor(job)) throw new NoProcessorError(job)
      const list = items as readonly unknown[]
      if (list.length > maxItems) throw new InvalidArgumentError('items', `at most ${maxItems} items`, list)
      checkJson('items', list, maxJsonDepth + 1)
      return jobs.createBatchJob(
        job,
        list,
        (batchSize ?? undefined) as number | undefined,
        actor === undefined ? {} : { actor },
      )
    },
    retryDeadLetterTask: ({ taskId }, actor) =>
      engineOf(sluice, 'jobs').retryDeadLetterTask(text('taskId', taskId), by(actor)),
    cancelBatchJob: ({ jobId }, actor) =>
      engineOf(sluice, 'jobs').cancelBatchJob(text('jobId', jobId), by(actor)),
  }
}

function by(actor: string | undefined): { readonly actor?: string } {
  return actor === undefined ? {} : { actor }
}

function entriesOf(data: unknown, maxItems: number): Readonly<Record<string, unknown>> {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new InvalidArgumentError('data', 'an object of values by key', data)
  const count = Object.keys(data).length
  if (count > maxItems) throw new InvalidArgumentError('data', `at most ${maxItems} entries`, count)
  return data as Readonly<Record<string, unknown>>
}
