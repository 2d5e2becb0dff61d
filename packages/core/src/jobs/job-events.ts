import type { ProgressDetails } from './batch/batch-job.ts'
import type { QueueHealth } from './stats/queue-health.ts'
import type { TaskFailure } from './task.ts'

/** What is told of a task. */
export interface TaskEvent {
  readonly taskId: string
  readonly queue: string
  readonly batchId: string | undefined
}

/** What the engine tells, by event. Of tasks that this process runs or is asked for; batches are told where they end. */
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
  /** The task failed for good. It is a dead letter unless the queue keeps none. */
  'task:dead': TaskEvent & { readonly failure: TaskFailure }
  'task:cancelled': TaskEvent
  /** Items of a batch are over. */
  'batch:progress': { readonly batchId: string }
  /** A batch is over, however it ended. */
  'batch:completed': ProgressDetails
  /** The health of a queue is another one than before; looked at every five seconds while workers run. */
  'queue:health': { readonly queue: string; readonly health: QueueHealth }
  /** The backend did not do what it was asked. What was to be told it is told again. */
  error: { readonly error: unknown }
}
