import { InvalidArgumentError } from '../shared/errors.ts'
import type { Mutable } from '../shared/mutable.ts'
import { checkArgument, option } from '../shared/options.ts'
import type { NewTask, TaskLevel, TaskOutcome, TaskRecord, TaskSettings } from './backends/job-backend.ts'
import { delayRule, type EnqueueOptions, type ResolvedJobsOptions } from './job-options.ts'
import { type DeadLetter, type Task, type TaskPriority, taskPriorities } from './task.ts'
import { uuidV7 } from './uuid-v7.ts'

const DEFAULT_RETRIES = 3
const DEFAULT_BACKOFF_MS = 1_000

/** The part of a batch that a task is. */
export interface Part {
  readonly batchId: string
  readonly chunk: number
  readonly items: number
}

/** Creates tasks from the arguments of an app. */
export class TaskFactory {
  readonly #common: TaskSettings

  constructor(private readonly options: ResolvedJobsOptions) {
    this.#common = this.settings({})
  }

  /** @throws InvalidArgumentError. */
  level(priority: TaskPriority): TaskLevel {
    checkArgument('priority', option.oneOf(...taskPriorities), priority)
    return taskPriorities.indexOf(priority) as TaskLevel
  }

  /** @throws InvalidArgumentError if `backoff` does not return a valid number. */
  settings({
    maxRetries = DEFAULT_RETRIES,
    timeoutMs = 0,
    backoff = DEFAULT_BACKOFF_MS,
    runAs,
  }: EnqueueOptions): TaskSettings {
    const steps =
      typeof backoff === 'number'
        ? backoff
        : Array.from({ length: maxRetries }, (_, at) => stepOf(backoff, at + 1))
    return {
      maxRetries,
      maxCrashes: this.options.maxCrashes,
      timeoutMs,
      backoff: steps,
      runAs: runAs ?? null,
    }
  }

  task(
    queue: string,
    level: TaskLevel,
    data: string,
    now: number,
    options: EnqueueOptions | undefined,
  ): NewTask {
    if (options === undefined) return this.#create(queue, level, data, now, this.#common)
    const { delayMs = 0, uniqueKey = null } = options
    const task = this.#create(queue, level, data, now, this.settings(options))
    task.uniqueKey = uniqueKey
    if (delayMs > 0) {
      task.runAt = now + delayMs
      // A task that waits for its time is as old as if it was added then.
      task.order = task.runAt + level * this.options.priorityAgingMs
    }
    return task
  }

  part(
    queue: string,
    level: TaskLevel,
    data: string,
    now: number,
    settings: TaskSettings,
    part: Part,
  ): NewTask {
    return Object.assign(this.#create(queue, level, data, now, settings), part)
  }

  #create(
    queue: string,
    level: TaskLevel,
    data: string,
    createdAt: number,
    settings: TaskSettings,
  ): Mutable<NewTask> {
    return {
      id: uuidV7(createdAt),
      queue,
      level,
      order: createdAt + level * this.options.priorityAgingMs,
      data,
      runAt: 0,
      createdAt,
      settings,
      uniqueKey: null,
      batchId: null,
      chunk: 0,
      items: 0,
    }
  }
}

/** A new task, as it is returned to the app. */
export function newTaskView<T>(
  added: Omit<NewTask, 'runAt'> & { readonly runAt?: number },
  data: T,
): Task<T> {
  const { id, level, queue, runAt = 0, settings, createdAt, batchId } = added
  // No spreads: they would be 20% of the time to enqueue a task.
  const task: Mutable<Task<T>> = {
    id,
    data,
    priority: taskPriorities[level] as TaskPriority,
    queue,
    status: runAt === 0 ? 'queued' : 'pending',
    attempts: 0,
    maxRetries: settings.maxRetries,
    createdAt,
  }
  if (batchId !== null) task.batchId = batchId
  if (settings.runAs !== null) task.runAs = settings.runAs
  return task
}

/** A stored task, as it is returned to the app. */
export function taskView(record: TaskRecord): Task {
  const { startedAt, finishedAt, failures, status, attempts } = record
  const last = failures.at(-1)
  return {
    ...newTaskView(record, JSON.parse(record.data) as unknown),
    status,
    attempts,
    ...(startedAt === null ? {} : { startedAt }),
    ...(finishedAt === null ? {} : { finishedAt }),
    ...(last === undefined ? {} : { error: last.message }),
  }
}

/** A task after an attempt, as it is returned to the app. */
export function settledTaskView({ claim, kind, at, failure, isStored }: TaskOutcome): Task {
  const status = {
    done: 'completed',
    retry: 'retry',
    release: 'queued',
    dead: isStored ? 'dead' : 'failed',
    cancelled: 'cancelled',
  } as const
  return {
    ...newTaskView(claim, JSON.parse(claim.data) as unknown),
    status: status[kind],
    attempts: failure === null ? claim.attempts : failure.attempt,
    ...(kind === 'retry' || kind === 'release' ? {} : { finishedAt: at }),
    ...(failure === null ? {} : { error: failure.message }),
  }
}

export function deadLetterView(record: TaskRecord): DeadLetter {
  return { ...taskView(record), status: 'dead', failures: record.failures }
}

function stepOf(backoff: (attempt: number) => number, attempt: number): number {
  const ms: unknown = backoff(attempt)
  if (!delayRule.accepts(ms))
    throw new InvalidArgumentError('backoff', `a function that returns ${delayRule.expected}`, ms)
  return ms as number
}
