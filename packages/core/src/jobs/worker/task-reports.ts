import type { Emitter } from '../../shared/emitter.ts'
import type { BatchRow, TaskClaim, TaskOutcome } from '../backends/job-backend.ts'
import type { Batches } from '../batch/batches.ts'
import type { JobEvents, TaskEvent } from '../job-events.ts'
import type { Processor } from '../processor.ts'
import type { RunnerEvents } from './queue-runner.ts'

/** Tells listeners what runners do, and does what follows from it. */
export class TaskReports implements RunnerEvents {
  constructor(
    private readonly events: Emitter<JobEvents>,
    private readonly batches: Batches,
    /** Callbacks of single tasks, which are removed when the task ends. */
    private readonly callbacks: Map<string, Processor>,
  ) {}

  started(claim: TaskClaim): void {
    if (this.events.has('task:started'))
      this.events.emit('task:started', { ...eventOf(claim), attempt: claim.attempts + 1 })
  }

  progress(claim: TaskClaim, percent: number): void {
    this.events.emit('task:progress', { ...eventOf(claim), percent })
  }

  settled(outcome: TaskOutcome, result: unknown): void {
    const { events, batches, callbacks } = this
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
    this.batches.ended(batch)
  }

  error(error: unknown): void {
    this.events.emit('error', { error })
  }
}

function eventOf({ id, queue, batchId }: TaskClaim): TaskEvent {
  return { taskId: id, queue, batchId: batchId ?? undefined }
}
