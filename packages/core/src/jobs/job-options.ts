import { InvalidOptionError } from '../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import { checkSecret } from '../shared/signature.ts'
import { isWebhookUrl } from '../shared/webhook.ts'
import type { AuditSink, Authorize } from './access.ts'
import type { JobBackend } from './backends/job-backend.ts'
import type { WebhookSettings } from './batch/batch-notices.ts'
import type { RateLimit } from './worker/rate-bucket.ts'

export interface RetentionOptions {
  /**
   * Bytes of data of dead letters that are kept; of more, the oldest go. Minimum: `0`.
   * @defaultValue 67108864
   */
  readonly maxDeadBytes?: number
  /**
   * Milliseconds for which dead letters are kept. Minimum: `0`.
   * @defaultValue no limit
   */
  readonly maxDeadAgeMs?: number
  /**
   * Milliseconds for which batches that are over can be asked for. Minimum: `0`.
   * @defaultValue 86400000
   */
  readonly maxBatchAgeMs?: number
}

export interface JobsOptions {
  /**
   * Where tasks are kept.
   * @defaultValue in this process
   */
  readonly backend?: JobBackend
  /**
   * Milliseconds after which a worker that is not heard of has lost its tasks, where several processes work. Minimum: `100`.
   * @defaultValue 10000
   */
  readonly leaseMs?: number
  /**
   * Milliseconds between two looks for tasks of other processes that nobody told of. Minimum: `10`.
   * @defaultValue 500
   */
  readonly pollMs?: number
  /**
   * Milliseconds by which a task goes later for each level below `critical`: what has waited longer than that goes before what is more urgent. Minimum: `0`.
   * @defaultValue 60000
   */
  readonly ageMs?: number
  /**
   * Milliseconds that a processor has to stop when its signal was aborted; after that it is not waited for. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly graceMs?: number
  /**
   * How often workers may be lost with a task before it is taken for what kills them. Minimum: `0`.
   * @defaultValue 5
   */
  readonly maxCrashes?: number
  /**
   * Bytes of a task's data as JSON, and of each part of a batch. Minimum: `1`.
   * @defaultValue 1048576
   */
  readonly maxPayloadBytes?: number
  /**
   * How much is kept of what is over.
   * @defaultValue {}
   */
  readonly retention?: RetentionOptions
  /**
   * Who may do what. Called for every enqueue, retry, cancel, purge, pause and resume, and for actions of the dashboard on caches; `false` or an error refuses.
   * @defaultValue everybody may do everything
   */
  readonly authorize?: Authorize
  /**
   * Is told who did what, and who was refused.
   * @defaultValue the last thousand entries, for `getAuditLog()`
   */
  readonly audit?: AuditSink
  /**
   * How the webhooks of batches are sent.
   * @defaultValue {}
   */
  readonly webhooks?: WebhookOptions
}

export interface WebhookOptions {
  /**
   * Signs each webhook by the scheme of Standard Webhooks, as `webhookNotifier` does. At least 16 characters.
   * @defaultValue not signed
   */
  readonly secret?: string
  /**
   * Whether addresses may be private, link-local or reserved, such as `localhost`.
   * @defaultValue false
   */
  readonly allowPrivateAddresses?: boolean
}

export interface QueueOptions {
  /**
   * Tasks that start within a time, in each process.
   * @defaultValue no limit
   */
  readonly rate?: RateLimit
  /**
   * Whether tasks that failed for good are kept, to be looked at and tried again.
   * @defaultValue true
   */
  readonly deadLetters?: boolean
}

export interface EnqueueOptions {
  /**
   * Attempts after the first. From `0` to `1000`.
   * @defaultValue 3
   */
  readonly maxRetries?: number
  /**
   * Milliseconds that an attempt may take. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly timeoutMs?: number
  /**
   * Milliseconds until it may run at the earliest. Minimum: `0`.
   * @defaultValue 0
   */
  readonly delayMs?: number
  /**
   * Milliseconds before the first retry, twice as many before each further one, up to an hour, and up to half of it left to chance. Or a function of the attempt that
   * failed, from 1. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly backoff?: number | ((attempt: number) => number)
  /**
   * Of the tasks of a queue that are not over, one alone has it: enqueueing another gives the one that is there.
   * @defaultValue none
   */
  readonly uniqueKey?: string
  /**
   * On whose behalf it runs: for the processor, and for `authorize` unless `actor` is given.
   * @defaultValue nobody in particular
   */
  readonly runAs?: string
  /**
   * Who asks for it.
   * @defaultValue that of `runAs`
   */
  readonly actor?: string
  /**
   * The app's transaction, where the backend is in its database: the task is there if and only if it commits.
   * @defaultValue none
   */
  readonly transaction?: unknown
}

export interface BatchJobOptions extends Omit<EnqueueOptions, 'delayMs' | 'uniqueKey' | 'transaction'> {
  /**
   * @defaultValue 'normal'
   */
  readonly priority?: 'critical' | 'high' | 'normal' | 'low'
  /**
   * Items that may fail without the batch counting as failed. Minimum: `0`.
   * @defaultValue 0
   */
  readonly maxFailedItems?: number
  /**
   * Whether what is left is cancelled as soon as more items have failed than may.
   * @defaultValue false
   */
  readonly stopOnFailure?: boolean
  /**
   * Address that Sluice notifies with a `POST` of JSON when the batch ends. Sluice tries three more times after an error. The address contains no credentials.
   * @defaultValue none
   */
  readonly webhook?: string
}

/** Who asks. */
export interface ActorOptions {
  /**
   * For `authorize` and the audit log.
   * @defaultValue nobody in particular
   */
  readonly actor?: string
}

export interface DrainOptions {
  /**
   * Milliseconds that what runs has to end; what has not is given back, and nothing has failed by that.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number
}

export type ResolvedJobsOptions = Required<Omit<JobsOptions, 'retention' | 'authorize' | 'audit' | 'backend' | 'webhooks'>> & {
  readonly webhooks: WebhookSettings
  readonly retention: Required<Omit<RetentionOptions, 'maxDeadAgeMs'>> & { readonly maxDeadAgeMs: number | undefined }
}

type Rules = Readonly<Record<string, OptionRule>>
const text: OptionRule = {
  expected: 'a text that is not empty',
  accepts: (value) => typeof value === 'string' && value !== '' && value.length <= 500,
}
const any: OptionRule = { expected: 'anything', accepts: () => true }
const webhook: OptionRule = {
  expected: 'an address of http or https, without a name and a password',
  accepts: isWebhookUrl,
}

const jobsRules: Rules = {
  backend: { expected: 'a backend', accepts: (value) => typeof (value as JobBackend | null)?.step === 'function' },
  leaseMs: option.number(100),
  pollMs: option.number(10),
  ageMs: option.number(0),
  graceMs: option.number(0),
  maxCrashes: option.integer(0),
  maxPayloadBytes: option.integer(1),
  retention: option.object,
  authorize: option.callback,
  audit: option.callback,
  webhooks: option.object,
}
const webhookRules: Rules = { secret: any, allowPrivateAddresses: option.boolean }
const retentionRules: Rules = { maxDeadBytes: option.integer(0), maxDeadAgeMs: option.number(0), maxBatchAgeMs: option.number(0) }
const queueRules: Rules = { rate: option.object, deadLetters: option.boolean }
const rateRules: Rules = { tasks: option.integer(1), perMs: option.number(1) }
const enqueueRules: Rules = {
  maxRetries: option.integer(0, 1_000),
  timeoutMs: option.number(1, 0x7fff_ffff),
  delayMs: option.number(0),
  backoff: option.either(option.number(0), option.callback),
  uniqueKey: text,
  runAs: text,
  actor: text,
  transaction: any,
}
const { delayMs: _delay, uniqueKey: _key, transaction: _transaction, ...sharedRules } = enqueueRules
const batchRules: Rules = {
  ...sharedRules,
  priority: option.oneOf('critical', 'high', 'normal', 'low'),
  maxFailedItems: option.integer(0),
  stopOnFailure: option.boolean,
  webhook,
}

/** @throws InvalidOptionError. */
export function checkJobsOptions(options: unknown, prefix = 'jobs.'): void {
  checkOptions(options, jobsRules, prefix)
  const { retention, webhooks } = options as JobsOptions
  if (retention !== undefined) checkOptions(retention, retentionRules, `${prefix}retention.`)
  if (webhooks === undefined) return
  checkOptions(webhooks, webhookRules, `${prefix}webhooks.`)
  if (webhooks.secret !== undefined) checkSecret(`${prefix}webhooks.secret`, webhooks.secret)
}

/** @throws InvalidOptionError. */
export function resolveJobsOptions(options: JobsOptions): ResolvedJobsOptions {
  checkJobsOptions(options, '')
  return {
    leaseMs: options.leaseMs ?? 10_000,
    pollMs: options.pollMs ?? 500,
    ageMs: options.ageMs ?? 60_000,
    graceMs: options.graceMs ?? 5_000,
    maxCrashes: options.maxCrashes ?? 5,
    maxPayloadBytes: options.maxPayloadBytes ?? 1_048_576,
    retention: {
      maxDeadBytes: options.retention?.maxDeadBytes ?? 67_108_864,
      maxDeadAgeMs: options.retention?.maxDeadAgeMs,
      maxBatchAgeMs: options.retention?.maxBatchAgeMs ?? 86_400_000,
    },
    webhooks: { secret: options.webhooks?.secret, allowPrivateAddresses: options.webhooks?.allowPrivateAddresses ?? false },
  }
}

/** @throws InvalidOptionError. */
export function checkQueueOptions(options: QueueOptions): void {
  checkOptions(options, queueRules)
  if (options.rate === undefined) return
  checkOptions(options.rate, rateRules, 'rate.')
  for (const name of ['tasks', 'perMs'] as const) {
    if (options.rate[name] === undefined) throw new InvalidOptionError(`rate.${name}`, rateRules[name]?.expected ?? '', undefined)
  }
}

/** @throws InvalidOptionError. */
export function checkEnqueueOptions(options: EnqueueOptions): void {
  checkOptions(options, enqueueRules)
}

/** @throws InvalidOptionError. */
export function checkBatchJobOptions(options: BatchJobOptions): void {
  checkOptions(options, batchRules)
}
