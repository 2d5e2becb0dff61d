/** The context of a task, for its processor. */
export interface TaskContext {
  /** The same at each attempt: what has been done once can be known by it. */
  readonly taskId: string
  readonly queue: string
  /** From 1. */
  readonly attempt: number
  /**
   * Aborted when the task is cancelled, exceeds its `timeoutMs`, or must stop with the process. Its reason is
   * the cause.
   */
  readonly signal: AbortSignal
  /** Id of the task's batch job, if it is a part of one. */
  readonly batchId: string | undefined
  /** On whose behalf it runs. */
  readonly runAs: string | undefined
  /**
   * Tells listeners how far it is.
   *
   * @param percent - 0 to 100.
   */
  progress(percent: number): void
  /** Kept with the failure, if the attempt fails; the last hundred lines. */
  log(message: string): void
  /**
   * Marks an item of a batch job as failed. It is retried without the others.
   *
   * @param index - Index in the data.
   */
  failItem(index: number, error: unknown): void
}

/**
 * Runs a task. The task has failed if it throws. Delivery is at least once: if a worker dies while it runs a
 * task, another worker runs it again.
 *
 * @param data - The enqueued data; for a batch job, an array of up to `batchSize` items.
 */
// biome-ignore lint/suspicious/noExplicitAny: the caller of enqueueTask knows the type
export type Processor<T = any> = ((data: T, context: TaskContext) => unknown) & ProcessorTraits

/** Optional properties of a processor. */
interface ProcessorTraits {
  /** Default number of concurrent tasks. */
  readonly concurrency?: number
  /** Ends what it holds. Called when an engine that it is registered with is closed. */
  close?(): unknown
}

export interface ProcessorOptions {
  /**
   * Number of tasks that run concurrently in this process. Minimum: `1`.
   * @defaultValue `concurrency` of the processor or of the queue, otherwise 10
   */
  readonly concurrency?: number
  /**
   * Whether the processor is given the items of a batch one by one: what it throws is that item's failure
   * alone.
   * @defaultValue false
   */
  readonly perItem?: boolean
}
