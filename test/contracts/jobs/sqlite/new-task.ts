import { randomBytes } from 'node:crypto'
import type { NewTask, TaskClaim, TaskOutcome, TaskOutcomeKind } from '@sluice/core/jobs'

const settings = { maxRetries: 3, maxCrashes: 5, timeoutMs: 0, backoff: 1_000, runAs: null }
let made = 0

/** A task as an engine would add it. */
export function newTask(changes: Partial<NewTask> = {}): NewTask {
  made += 1
  const id = `01900000-0000-7${made.toString(16).padStart(3, '0').slice(-3)}-8000-${randomBytes(6).toString('hex')}`
  const now = Date.now()
  return {
    id,
    queue: 'q',
    level: 2,
    order: now,
    data: '{}',
    runAt: 0,
    createdAt: now,
    settings,
    uniqueKey: null,
    batchId: null,
    chunk: 0,
    items: 0,
    ...changes,
  }
}

export function outcomeOf(
  claim: TaskClaim | undefined,
  kind: TaskOutcomeKind,
  changes: Partial<TaskOutcome> = {},
): TaskOutcome {
  if (claim === undefined) throw new Error('There is no claim.')
  const now = Date.now()
  return {
    claim,
    kind,
    at: now,
    runAt: now,
    failure: null,
    isStored: true,
    doneItems: 0,
    failedItems: 0,
    data: null,
    ...changes,
  }
}
