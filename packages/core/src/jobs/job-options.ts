import { InvalidOptionError } from '../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import { secretRule } from '../shared/signature.ts'
import { isWebhookUrl } from '../shared/webhook.ts'
import type { AuditSink, Authorize } from './access.ts'
import type { JobBackend } from './backends/job-backend.ts'

interface RetentionOptions {
  /**
   * Maximum size of the dead letters' data, in bytes. Above it, the oldest are deleted. Minimum: `0`.
   * @defaultValue 67108864
   */
  readonly maxDeadBytes?: number
  /**
   * Maximum age of dead letters in milliseconds. Minimum: `0`.
   * @defaultValue no limit
   */
  readonly maxDeadAgeMs?: number
}

export interface JobsOptions {
  /**
   * Where tasks are stored.
   * @defaultValue an in-memory backend in this process
   */
  readonly backend?: JobBackend
  /**
   * Lease duration in milliseconds. If a worker sends no heartbeat for this long, other workers can claim its
   * tasks. Applies if several processes work on the queues. Minimum: `100`.
   * @defaultValue 10000
   */
  readonly leaseMs?: number
  /**
   * Interval in milliseconds in which a process checks for tasks of other processes without a notification.
   * Minimum: `10`.
   * @defaultValue 500
   */
  readonly pollMs?: number
  /**
   * Priority aging: the delay in milliseconds per level below `critical`. A task that has waited longer than
   * this runs before a more urgent one. Minimum: `0`.
   * @defaultValue 60000
   */
  readonly priorityAgingMs?: number
  /**
   * Milliseconds that a processor has to stop after its signal is aborted. After that, Sluice no longer waits
   * for it. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly graceMs?: number
  /**
   * Number of workers that can die while running a task, before the task counts as their cause. Minimum: `0`.
   * @defaultValue 5
   */
  readonly maxCrashes?: number
  /**
   * How long dead letters are retained.
   * @defaultValue {}
   */
  readonly retention?: RetentionOptions
  /**
   * Authorizes every enqueue, retry, cancel, purge, pause and resume, and cache actions of the dashboard and
   * GraphQL. `false` or an error denies the action.
   * @defaultValue every action is allowed
   */
  readonly authorize?: Authorize
  /**
   * Receives each action with its actor, including denied ones.
   * @defaultValue the last thousand entries, for `getAuditLog()`
   */
  readonly audit?: AuditSink
  /**
   * How the webhooks of batches are sent.
   * @defaultValue {}
   */
  readonly webhooks?: WebhookOptions
}

interface WebhookOptions {
  /**
   * Signs each webhook by the scheme of Standard Webhooks, as `webhookNotifier` does. At least 16 characters.
   * @defaultValue none: requests are not signed
   */
  readonly secret?: string
  /**
   * Whether addresses may be private, link-local or reserved, such as `localhost`.
   * @defaultValue false
   */
  readonly allowPrivateAddresses?: boolean
}

/** So many tasks of a queue in a time, and no more of them at the start. */
export interface RateLimit {
  /** Minimum: `1`. */
  readonly tasks: number
  /** Milliseconds. Minimum: `1`. */
  readonly perMs: number
}

export interface QueueOptions {
  /**
   * Tasks that start within a time, in each process.
   * @defaultValue no limit
   */
  readonly rate?: RateLimit
  /**
   * Whether permanently failed tasks are stored, to inspect and retry them.
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
   * Milliseconds until it may run at the earliest. From `0` to `8000000000000000`.
   * @defaultValue 0
   */
  readonly delayMs?: number
  /**
   * Milliseconds before the first retry, twice as many before each further one, up to an hour, and up to half
   * of it left to chance. Or a function of the attempt that failed, from 1. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly backoff?: number | ((attempt: number) => number)
  /**
   * Deduplication key: while a task with this key is unfinished in the queue, enqueueing returns it instead
   * of adding another.
   * @defaultValue none
   */
  readonly uniqueKey?: string
  /**
   * User on whose behalf the task runs: for the processor, and for `authorize` unless you pass `actor`.
   * @defaultValue anonymous
   */
  readonly runAs?: string
  /**
   * User who enqueues the task.
   * @defaultValue the actor of `runAs`
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
   * Address that Sluice notifies with a `POST` of JSON when the batch ends. Sluice tries three more times
   * after an error. The address contains no credentials.
   * @defaultValue none
   */
  readonly webhook?: string
}

/** The user who performs an action. */
export interface ActorOptions {
  /**
   * User who performs the action: for `authorize` and the audit log.
   * @defaultValue anonymous
   */
  readonly actor?: string
}

export interface DrainOptions {
  /**
   * Milliseconds that running tasks have to finish. Unfinished tasks are released, which does not count as a
   * failure.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number
}

/** How webhooks are sent. */
export interface WebhookSettings {
  readonly secret: string | undefined
  readonly allowPrivateAddresses: boolean
}

export type ResolvedJobsOptions = Required<
  Omit<JobsOptions, 'retention' | 'authorize' | 'audit' | 'backend' | 'webhooks'>
> & {
  readonly webhooks: WebhookSettings
  readonly retention: { readonly maxDeadBytes: number; readonly maxDeadAgeMs: number | undefined }
}

type Rules = Readonly<Record<string, OptionRule>>
const text: OptionRule = {
  // Drivers replace unpaired surrogates: different keys would become one.
  expected: 'a string of 1 to 500 characters, without unpaired surrogates',
  accepts: (value) =>
    typeof value === 'string' && value !== '' && value.length <= 500 && !/\p{Cs}/u.test(value),
}
const any: OptionRule = { expected: 'anything', accepts: () => true }
const webhook: OptionRule = {
  expected: 'an http or https URL without credentials',
  accepts: isWebhookUrl,
}

const jobsRules: Rules = {
  backend: {
    expected: 'a job backend, such as postgresJobBackend(), sqliteJobBackend() or bullmqJobBackend() returns',
    accepts: (value) => typeof (value as JobBackend | null)?.step === 'function',
  },
  leaseMs: option.number(100),
  pollMs: option.number(10),
  priorityAgingMs: option.number(0),
  graceMs: option.number(0),
  maxCrashes: option.integer(0),
  retention: option.object,
  authorize: option.protection(option.callback),
  audit: option.callback,
  webhooks: option.object,
}
const webhookRules: Rules = { secret: secretRule, allowPrivateAddresses: option.boolean }
const retentionRules: Rules = {
  maxDeadBytes: option.integer(0),
  maxDeadAgeMs: option.number(0),
}
const queueRules: Rules = { rate: option.object, deadLetters: option.boolean }
const rateRules: Rules = { tasks: option.integer(1), perMs: option.number(1) }
/** The latest time that a `Date` can have, without the time until now. */
export const delayRule: OptionRule = option.number(0, 8_000_000_000_000_000)
const enqueueRules: Rules = {
  maxRetries: option.integer(0, 1_000),
  timeoutMs: option.number(1, 0x7fff_ffff),
  delayMs: delayRule,
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
  if (webhooks !== undefined) checkOptions(webhooks, webhookRules, `${prefix}webhooks.`)
}

/** @throws InvalidOptionError. */
export function resolveJobsOptions(options: JobsOptions): ResolvedJobsOptions {
  checkJobsOptions(options, '')
  return {
    leaseMs: options.leaseMs ?? 10_000,
    pollMs: options.pollMs ?? 500,
    priorityAgingMs: options.priorityAgingMs ?? 60_000,
    graceMs: options.graceMs ?? 5_000,
    maxCrashes: options.maxCrashes ?? 5,
    retention: {
      maxDeadBytes: options.retention?.maxDeadBytes ?? 67_108_864,
      maxDeadAgeMs: options.retention?.maxDeadAgeMs,
    },
    webhooks: {
      secret: options.webhooks?.secret,
      allowPrivateAddresses: options.webhooks?.allowPrivateAddresses ?? false,
    },
  }
}

/** @throws InvalidOptionError. */
export function checkQueueOptions(options: QueueOptions): void {
  checkOptions(options, queueRules)
  if (options.rate === undefined) return
  checkOptions(options.rate, rateRules, 'rate.')
  for (const name of ['tasks', 'perMs'] as const) {
    if (options.rate[name] === undefined)
      throw new InvalidOptionError(`rate.${name}`, rateRules[name]?.expected ?? '', undefined)
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
