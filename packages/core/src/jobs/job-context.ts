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
import { Queues } from './queues/queues.ts'

/** Dependencies of a job engine that a Sluice passes to it. */
export interface JobsEngineHost {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown, event: PropertyKey) => void
  /** Runs a task in a new scope. */
  readonly scoped?: (name: string, fn: () => unknown) => unknown
}

/** The shared state of the parts of one job engine. */
export class JobContext {
  readonly options: ResolvedJobsOptions
  readonly clock: Clock
  readonly random: RandomSource
  readonly scoped: JobsEngineHost['scoped'] | undefined
  readonly events: Emitter<JobEvents>
  readonly queues: Queues
  readonly batches: Batches
  readonly open: OpenBackend
  readonly gate: Gate
  /** Processors of single tasks, by their ids. */
  readonly callbacks: Map<string, Processor> = new Map()

  /** @throws InvalidOptionError. */
  constructor(options: JobsOptions, host: JobsEngineHost) {
    this.options = resolveJobsOptions(options)
    this.clock = host.clock ?? systemClock
    this.random = host.random ?? Math.random
    this.scoped = host.scoped
    this.events = new Emitter<JobEvents>(jobEvents, host.onError ?? (() => {}))
    const { clock, events } = this
    const backend = options.backend ?? new MemoryBackend()
    const onError = (error: unknown) => events.emit('error', { error })
    this.queues = new Queues(clock)
    this.batches = new Batches(backend, clock, events, this.options.webhooks)
    this.open = new OpenBackend(backend, clock, this.options.retention, onError, () => this.batches.resume())
    this.gate = new Gate(options.authorize, options.audit, () => clock.wall(), onError)
  }
}
