import type { JobBackend, JobsOptions } from '@sluice/core'

/** Where tasks are kept, and what of it a backend has. */
export interface JobWorld {
  /** A handle as another process would have it; of a backend in one process, always the same. Whoever asks for it closes it. */
  connect(): JobBackend
  /** Options that make a test short. */
  readonly options?: JobsOptions
  /** How coarse the order by age is, in milliseconds. */
  readonly ageStepMs?: number
  stop(): Promise<void>
}
