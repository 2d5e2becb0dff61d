import type { BatchRow, TaskClaim, TaskOutcome } from '../backends/job-backend.ts'
import type { JobContext } from '../job-context.ts'
import type { TaskEvent } from '../job-events.ts'

/** Emits the events of tasks that runners report, and stops batch jobs and callbacks that end with them. */
export class TaskReports {
  constructor(private readonly context: JobContext) {}

  started(claim: TaskClaim): void {
    const { events } = this.context
    if (events.has('task:started'))
      events.emit('task:started', { ...eventOf(claim), attempt: claim.attempts + 1 })
  }

  progress(claim: TaskClaim, percent: number): void {
    this.context.events.emit('task:progress', { ...eventOf(claim), percent })
  }

  /**
   * An outcome counted.
   *
   * @param result - The return value of the processor.
   */
  settled(outcome: TaskOutcome, result: unknown): void {
    const { events, batches, callbacks } = this.context
    const { claim, kind, failure } = outcome
    if (callbacks.size > 0 && kind !== 'retry' && kind !== 'release') callbacks.delete(claim.id)
    if (claim.batchId !== null) {
      if (events.has('batch:progress')) events.emit('batch:progress', { batchId: claim.batchId })
      if (outcome.failedItems > 0) batches.stopIfFailed(claim.batchId).catch((error) => this.error(error))
    }
    if (kind === 'done') {
      if (events.has('task:completed')) events.emit('task:completed', { ...eventOf(claim), result })
    } else if (kind === 'cancelled') events.emit('task:cancelled', eventOf(claim))
    else if (failure !== null && kind === 'retry')
      events.emit('task:retry', { ...eventOf(claim), failure, retryAt: outcome.runAt })
    else if (failure !== null && kind === 'dead') events.emit('task:dead', { ...eventOf(claim), failure })
  }

  batchEnded(batch: BatchRow): void {
    this.context.batches.ended(batch)
  }

  error(error: unknown): void {
    this.context.events.emit('error', { error })
  }
}

function eventOf({ id, queue, batchId }: TaskClaim): TaskEvent {
  return { taskId: id, queue, batchId: batchId ?? undefined }
}
