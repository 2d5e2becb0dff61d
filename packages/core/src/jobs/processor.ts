/** What a processor is told, and can tell. */
export interface TaskContext {
  /** The same at each attempt: what has been done once can be known by it. */
  readonly taskId: string
  readonly queue: string
  /** From 1. */
  readonly attempt: number
  /** Aborted when the task is cancelled, takes longer than its `timeoutMs`, or is to stop with the process. Its reason says which. */
  readonly signal: AbortSignal
  /** Of a task that is a part of a batch. */
  readonly batchId: string | undefined
  /** On whose behalf it runs. */
  readonly runAs: string | undefined
  /** Tells listeners how far it is. @param percent - 0 to 100. */
  progress(percent: number): void
  /** Kept with the failure, if the attempt fails; the last hundred lines. */
  log(message: string): void
  /** Of a part of a batch: an item failed, and is tried again without the others. @param index - In the data. */
  failItem(index: number, error: unknown): void
}

/**
 * Does the work of a task. It has failed when it throws. Delivery is at least once: a worker that dies with a task has it done again by another.
 *
 * @param data - What was enqueued; of a batch, an array of up to `batchSize` items.
 */
// biome-ignore lint/suspicious/noExplicitAny: what a queue holds is known to who enqueues
export type Processor<T = any> = ((data: T, context: TaskContext) => unknown) & ProcessorTraits

/** What a processor may say of itself; a function says nothing. */
interface ProcessorTraits {
  /** Tasks that it would run at once, where nobody says otherwise. */
  readonly concurrency?: number
  /** Ends what it holds. Called when an engine that it is registered with is closed. */
  close?(): unknown
}

export interface ProcessorOptions {
  /**
   * Tasks that are run at once in this process. Minimum: `1`.
   * @defaultValue that of the processor, or of the queue, or 10
   */
  readonly concurrency?: number
  /**
   * Whether the processor is given the items of a batch one by one: what it throws is that item's failure alone.
   * @defaultValue false
   */
  readonly perItem?: boolean
}
