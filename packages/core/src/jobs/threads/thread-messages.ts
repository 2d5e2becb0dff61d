import type { MessagePort } from 'node:worker_threads'
import type { TaskContext } from '../processor.ts'

/** What a thread is given to run a task. */
export interface ThreadTask extends Pick<TaskContext, 'taskId' | 'queue' | 'attempt' | 'batchId' | 'runAs'> {
  /** Whose default export is the processor. */
  readonly module: string
  readonly data: unknown
  readonly port: MessagePort
}

/** What a thread tells. The last one says how it ended. */
export type ThreadMessage =
  | { readonly kind: 'progress'; readonly percent: number }
  | { readonly kind: 'log'; readonly message: string }
  | { readonly kind: 'failItem'; readonly index: number; readonly error: unknown }
  | { readonly kind: 'returned'; readonly value: unknown }
  /** `unretryable`: the class of an error does not outlive the way. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly unretryable: boolean }

/** What a thread is told: to stop, and why. */
export interface StopMessage {
  readonly why: 'cancelled' | 'shutdown' | 'lost' | 'timeout'
  readonly timeoutMs: number
}
