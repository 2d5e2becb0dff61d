import { describe, SluiceError } from '../shared/errors.ts'

/** The queue was not created in this process. */
export class UnknownQueueError extends SluiceError {
  constructor(
    readonly queue: string,
    known: readonly string[],
  ) {
    super(
      'SLUICE_UNKNOWN_QUEUE',
      `Unknown queue "${queue}". Known queues: ${known.map((name) => `"${name}"`).join(', ')}. Call createQueue("${queue}") first.`,
    )
  }
}

/** The data of a task contains a value that JSON drops, changes or rejects. */
export class InvalidPayloadError extends SluiceError {
  constructor(
    /** Path of the value: `$.user.born`. */
    readonly path: string,
    expected: string,
    received: unknown,
  ) {
    super(
      'SLUICE_INVALID_PAYLOAD',
      `Invalid task data at ${path}: expected ${expected}, got ${describe(received)}.`,
    )
  }
}

/** The `authorize` hook denied the action. */
export class NotAuthorizedError extends SluiceError {
  constructor(
    readonly actor: string | undefined,
    readonly action: string,
  ) {
    const who = actor === undefined ? 'an anonymous actor' : `"${actor}"`
    super('SLUICE_NOT_AUTHORIZED', `Not authorized: the authorize hook denied "${action}" for ${who}.`)
  }
}

/** A task took longer than its `timeoutMs`. This error is the reason of the processor's signal. */
export class TaskTimeoutError extends SluiceError {
  constructor(readonly timeoutMs: number) {
    super('SLUICE_TASK_TIMEOUT', `The task took longer than ${timeoutMs} ms.`)
  }
}

/**
 * The processor must stop: the task was cancelled, the process shuts down, or another worker has claimed the
 * task. This error is the reason of the signal.
 */
export class TaskAbortedError extends SluiceError {
  constructor(readonly why: 'cancelled' | 'shutdown' | 'lost') {
    super(
      'SLUICE_TASK_ABORTED',
      {
        cancelled: 'The task was cancelled.',
        shutdown: 'The process shuts down. The task will run again.',
        lost: 'The lease expired, and another worker has claimed the task.',
      }[why],
    )
  }
}

/** Thrown by a processor: the task fails permanently, regardless of its remaining retries. */
export class UnretryableError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('SLUICE_UNRETRYABLE', message, options)
  }
}

/** The backend does not respond, or cannot perform an operation. */
export class JobBackendError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('SLUICE_JOB_BACKEND', message, options)
  }
}

/** Tasks of a queue cannot run, because the queue has no processor. */
export class NoProcessorError extends SluiceError {
  constructor(readonly queue: string) {
    super(
      'SLUICE_NO_PROCESSOR',
      `No processor for the queue "${queue}". Call registerProcessor("${queue}", …) first.`,
    )
  }
}
