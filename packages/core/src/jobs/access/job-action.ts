/** What somebody may be kept from. */
export type JobAction = 'enqueue' | 'retry' | 'cancel' | 'purge'

/** What it is done to. */
export interface JobTarget {
  readonly queue?: string
  readonly taskId?: string
  readonly batchId?: string
  /** On whose behalf the task runs. */
  readonly runAs?: string
}
