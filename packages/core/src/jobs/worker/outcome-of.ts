import { errorMessage, errorStack } from '../../shared/error-message.ts'
import type { RandomSource } from '../../shared/random.ts'
import { isInstance } from '../../shared/thrown.ts'
import type { TaskClaim, TaskOutcome, TaskOutcomeKind } from '../backends/job-backend.ts'
import { UnretryableError } from '../job-errors.ts'
import type { TaskFailure } from '../task.ts'
import type { Ending, TaskRun } from './task-run.ts'

const MAX_BACKOFF_MS = 3_600_000
const MAX_MESSAGE = 2_000
const MAX_STACK = 4_000

/**
 * The outcome for the way in which a run ended; `undefined` if another worker has the task.
 *
 * @param isStored - Whether permanently failed tasks are stored as dead letters.
 */
export function outcomeOf(
  run: TaskRun,
  ending: Ending,
  now: number,
  random: RandomSource,
  isStored: boolean,
): TaskOutcome | undefined {
  const { claim } = run
  switch (ending.kind) {
    case 'returned': {
      if (run.failedItems === undefined || claim.batchId === null) return done(claim, now)
      const failedItems = [...run.failedItems.keys()].sort((left, right) => left - right)
      return failed(run, itemsError(run.failedItems), now, random, isStored, failedItems)
    }
    case 'failed':
      return failed(run, ending.error, now, random, isStored, unprocessed(run))
    case 'shutdown':
      return outcome(claim, 'release', now, { runAt: now, ...remaining(claim, unprocessed(run)) })
    case 'cancelled':
      return outcome(claim, 'cancelled', now, { doneItems: run.doneItems?.size ?? 0 })
    case 'lost':
      return undefined
  }
}

/** Too many workers died while they ran the task: it does not run again. */
export function crashedOutcome(claim: TaskClaim, now: number, isStored: boolean): TaskOutcome {
  const message = `Workers were lost with it ${claim.crashes} times.`
  const failure: TaskFailure = { attempt: claim.attempts + 1, at: now, message, log: [] }
  return outcome(claim, 'dead', now, { failure, failedItems: claim.items, isStored })
}

/** It cannot be run here: another process may. */
export function releasedOutcome(claim: TaskClaim, now: number, runAt: number): TaskOutcome {
  return outcome(claim, 'release', now, { runAt })
}

/**
 * Milliseconds until the next attempt.
 *
 * @param failures - From 1.
 */
function retryDelayMs(backoff: number | readonly number[], failures: number, random: RandomSource): number {
  if (typeof backoff !== 'number') return backoff[Math.min(failures, backoff.length) - 1] ?? 0
  const full = Math.min(MAX_BACKOFF_MS, backoff * 2 ** (failures - 1))
  return full * (0.5 + random() / 2)
}

function failed(
  run: TaskRun,
  error: unknown,
  now: number,
  random: RandomSource,
  isStored: boolean,
  unfinished: readonly number[] | undefined,
): TaskOutcome {
  const { claim } = run
  const failure = failureOf(run, error, now)
  const attempts = claim.attempts + 1
  const rest = remaining(claim, unfinished)
  if (isInstance(error, UnretryableError) || attempts > claim.settings.maxRetries) {
    const failedItems = claim.items - rest.doneItems
    return outcome(claim, 'dead', now, { ...rest, failure, failedItems, isStored })
  }
  return outcome(claim, 'retry', now, {
    ...rest,
    failure,
    runAt: now + retryDelayMs(claim.settings.backoff, attempts, random),
  })
}

/** Items of a batch that were not processed; `undefined`: all of them. */
function unprocessed({ claim, doneItems }: TaskRun): readonly number[] | undefined {
  if (doneItems === undefined || doneItems.size === 0) return undefined
  return Array.from({ length: claim.items }, (_, index) => index).filter((index) => !doneItems.has(index))
}

function remaining(
  claim: TaskClaim,
  unfinished: readonly number[] | undefined,
): { readonly doneItems: number; readonly data: string | null } {
  if (unfinished === undefined || unfinished.length === claim.items) return { doneItems: 0, data: null }
  const items = JSON.parse(claim.data) as readonly unknown[]
  const data = JSON.stringify(unfinished.map((index) => items[index]))
  return { doneItems: claim.items - unfinished.length, data }
}

/** The most frequent outcome: creates no additional objects. */
function done(claim: TaskClaim, at: number): TaskOutcome {
  return {
    claim,
    kind: 'done',
    at,
    runAt: 0,
    failure: null,
    isStored: false,
    doneItems: claim.items,
    failedItems: 0,
    data: null,
  }
}

function outcome(
  claim: TaskClaim,
  kind: TaskOutcomeKind,
  at: number,
  rest: Partial<TaskOutcome>,
): TaskOutcome {
  return {
    claim,
    kind,
    at,
    runAt: 0,
    failure: null,
    isStored: false,
    doneItems: 0,
    failedItems: 0,
    data: null,
    ...rest,
  }
}

function failureOf(run: TaskRun, error: unknown, at: number): TaskFailure {
  const stack = errorStack(error, MAX_STACK)
  return {
    attempt: run.attempt,
    at,
    message: errorMessage(error, MAX_MESSAGE),
    ...(stack === undefined ? {} : { stack }),
    log: run.lines,
  }
}

function itemsError(failedItems: ReadonlyMap<number, unknown>): Error {
  const [first] = failedItems.values()
  const message = errorMessage(first, MAX_MESSAGE)
  const error =
    failedItems.size === 1
      ? new Error(message)
      : new Error(`${failedItems.size} items failed. First error: ${message}`)
  const stack = errorStack(first)
  if (stack !== undefined) error.stack = stack
  return [...failedItems.values()].every((one) => isInstance(one, UnretryableError))
    ? new UnretryableError(error.message)
    : error
}
