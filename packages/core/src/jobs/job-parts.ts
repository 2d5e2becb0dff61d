import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import type { RandomSource } from '../shared/random.ts'
import { Gate } from './access.ts'
import { MemoryBackend } from './backends/memory/memory-backend.ts'
import { Batches } from './batch/batches.ts'
import { type JobEvents, jobEvents } from './job-events.ts'
import { type JobsOptions, type ResolvedJobsOptions, resolveJobsOptions } from './job-options.ts'
import { OpenBackend } from './open-backend.ts'
import type { Processor } from './processor.ts'
import { QueueWatch } from './queues/queue-health.ts'
import { Queues } from './queues/queues.ts'
import { Schedules } from './schedule/schedules.ts'
import { StoredTasks } from './stored-tasks.ts'
import { TaskEntry } from './task-entry.ts'
import { TaskFactory } from './task-factory.ts'
import { QueueWorkers } from './worker/queue-workers.ts'
import { TaskReports } from './worker/task-reports.ts'
import type { RunParts } from './worker/task-run.ts'

/** Parts that a Sluice passes to its engine. */
export interface JobsEngineParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown, event: PropertyKey) => void
  /** Runs a task in a new scope. */
  readonly scoped?: RunParts['scoped']
}

/** The parts of a job engine, joined to each other. */
export class JobParts {
  readonly options: ResolvedJobsOptions
  readonly open: OpenBackend
  readonly events: Emitter<JobEvents>
  readonly queues: Queues
  readonly entry: TaskEntry
  readonly gate: Gate
  readonly stored: StoredTasks
  readonly workers: QueueWorkers
  readonly schedules: Schedules
  readonly batches: Batches
  readonly watch: QueueWatch
  /** Processors of single tasks, by their ids. */
  readonly callbacks: Map<string, Processor> = new Map()

  /** @throws InvalidOptionError. */
  constructor(options: JobsOptions, given: JobsEngineParts) {
    const resolved = resolveJobsOptions(options)
    const { random = Math.random, scoped } = given
    const clock = given.clock ?? systemClock
    const backend = options.backend ?? new MemoryBackend()
    const events = new Emitter<JobEvents>(jobEvents, given.onError ?? (() => {}))
    const onError = (error: unknown) => events.emit('error', { error })
    const queues = new Queues(clock)
    const batches = new Batches(backend, clock, events, resolved.webhooks)
    const open = new OpenBackend(backend, {
      clock,
      retention: resolved.retention,
      onError,
      resume: () => batches.resume(),
    })
    this.options = resolved
    this.events = events
    this.queues = queues
    this.batches = batches
    this.open = open
    this.gate = new Gate(options.authorize, options.audit, () => clock.wall(), onError)
    this.stored = new StoredTasks({
      open,
      queues,
      gate: this.gate,
      batches,
      clock,
      callbacks: this.callbacks,
    })
    this.entry = new TaskEntry({
      ...{ open, queues, factory: new TaskFactory(resolved), gate: this.gate, batches, clock, events },
    })
    this.workers = new QueueWorkers({
      ...{ open, queues, options: resolved, clock, random, scoped, callbacks: this.callbacks },
      events: new TaskReports(events, batches, this.callbacks),
    })
    this.schedules = new Schedules(() => clock.wall())
    this.watch = new QueueWatch({
      ...{ open, queues, clock },
      hasWorker: (queue) => this.workers.isActive(queue),
      changed: (queue, health) => events.emit('queue:health', { queue, health }),
    })
  }
}
