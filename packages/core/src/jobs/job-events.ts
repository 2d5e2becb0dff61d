import type { ProgressDetails, TaskFailure } from './task.ts'

export type HealthState = 'healthy' | 'degraded' | 'unhealthy'

export interface QueueHealth {
  readonly health: HealthState
  /** Why it is not healthy, for people. */
  readonly reasons: readonly string[]
}

/** The task of an event. */
export interface TaskEvent {
  readonly taskId: string
  readonly queue: string
  readonly batchId: string | undefined
}

/**
 * Events of the engine. Task events are emitted by the process that runs or changes the task; batch events,
 * where the batch job ends.
 */
export interface JobEvents {
  /** A task was accepted. */
  'task:queued': TaskEvent
  /** An attempt begins. */
  'task:started': TaskEvent & { readonly attempt: number }
  'task:progress': TaskEvent & { readonly percent: number }
  /** `result` is what the processor returned. */
  'task:completed': TaskEvent & { readonly result: unknown }
  /** An attempt failed, and there will be another. */
  'task:retry': TaskEvent & { readonly failure: TaskFailure; readonly retryAt: number }
  /** The task failed permanently. It is a dead letter, unless the queue stores none. */
  'task:dead': TaskEvent & { readonly failure: TaskFailure }
  'task:cancelled': TaskEvent
  /** Items of a batch job are finished. */
  'batch:progress': { readonly batchId: string }
  /** A batch job ended, with any status. */
  'batch:completed': ProgressDetails
  /** The health of a queue changed. Checked every 5 seconds while workers run. */
  'queue:health': { readonly queue: string; readonly health: QueueHealth }
  /** The backend failed. Sluice retries the reports of outcomes. */
  error: { readonly error: unknown }
}

/** The names of the events. */
export const jobEvents: Readonly<Record<keyof JobEvents, true>> = {
  'task:queued': true,
  'task:started': true,
  'task:progress': true,
  'task:completed': true,
  'task:retry': true,
  'task:dead': true,
  'task:cancelled': true,
  'batch:progress': true,
  'batch:completed': true,
  'queue:health': true,
  error: true,
}
