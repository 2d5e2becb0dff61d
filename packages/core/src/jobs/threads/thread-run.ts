import type { MessagePort } from 'node:worker_threads'
import { errorMessage } from '../../shared/error-message.ts'
import { factsOf, isInstance, readThrown } from '../../shared/thrown.ts'
import { TaskAbortedError, TaskTimeoutError, UnretryableError } from '../job-errors.ts'
import type { Processor, TaskContext } from '../processor.ts'

/** Input of a thread that runs a task. */
export interface ThreadTask extends Pick<TaskContext, 'taskId' | 'queue' | 'attempt' | 'batchId' | 'runAs'> {
  /** Whose default export is the processor. */
  readonly module: string
  readonly data: unknown
  readonly port: MessagePort
}

/** Messages of a thread. The last one contains the result. */
export type ThreadMessage =
  | { readonly kind: 'progress'; readonly percent: number }
  | { readonly kind: 'log'; readonly message: string }
  | { readonly kind: 'failItem'; readonly index: number; readonly error: unknown }
  | { readonly kind: 'returned'; readonly value: unknown }
  /** `unretryable`: the class of an error does not outlive the way. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly unretryable: boolean }

/** Message to a thread: stop, with the reason. */
export interface StopMessage {
  readonly why: 'cancelled' | 'shutdown' | 'lost' | 'timeout'
  readonly timeoutMs: number
}

/** The file that has it, also when it was put into one with others. */
export const THREAD_FILE: string = import.meta.url

/**
 * Runs one task in a thread.
 *
 * @internal Called by piscina.
 */
export async function runInThread({ module, data, port, ...facts }: ThreadTask): Promise<void> {
  const controller = new AbortController()
  const send = (message: ThreadMessage) => port.postMessage(message)
  port.on('message', ({ why, timeoutMs }: StopMessage) =>
    controller.abort(why === 'timeout' ? new TaskTimeoutError(timeoutMs) : new TaskAbortedError(why)),
  )
  const context: TaskContext = {
    ...facts,
    signal: controller.signal,
    progress: (percent) => send({ kind: 'progress', percent }),
    log: (message) => send({ kind: 'log', message: errorMessage(message) }),
    failItem: (index, error) => send({ kind: 'failItem', index, error: sendable(error) }),
  }
  try {
    const processor = await load(module)
    const value = await processor(data, context)
    try {
      send({ kind: 'returned', value })
    } catch {
      // The task is completed even if its result cannot be copied.
      send({ kind: 'returned', value: undefined })
    }
  } catch (error) {
    send({
      kind: 'failed',
      error: sendable(error),
      unretryable: isInstance(error, UnretryableError) || readThrown(error, 'code') === 'SLUICE_UNRETRYABLE',
    })
  } finally {
    port.close()
  }
}

async function load(module: string): Promise<Processor> {
  const { default: processor } = (await import(module)) as { readonly default?: unknown }
  if (typeof processor !== 'function')
    throw new TypeError(`${module} has no processor: expected a default export that is a function.`)
  return processor as Processor
}

/** The readable parts of an error: its other fields may not be cloneable. */
function sendable(error: unknown): unknown {
  const { isError, message, name, stack } = factsOf(error)
  if (!isError) return message
  const copy = new Error(message)
  if (name !== undefined) copy.name = name
  if (stack !== undefined) copy.stack = stack
  return copy
}
