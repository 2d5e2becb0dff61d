import type { JobsOptions } from '@sluice/core'
import type { JobBackend } from '@sluice/core/jobs'

/** A place for tasks, and the capabilities of its backend. */
export interface JobWorld {
  /**
   * A handle like another process would open; for a backend in one process, always the same. The caller
   * closes it.
   */
  connect(): JobBackend
  /** Options that make a test short. */
  readonly options?: JobsOptions
  /** The resolution of the order by age, in milliseconds. */
  readonly ageStepMs?: number
  stop(): Promise<void>
}
