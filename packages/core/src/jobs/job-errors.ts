import { describe, SluiceError } from '../shared/errors.ts'

/** A queue was named that nobody created. */
export class UnknownQueueError extends SluiceError {
  constructor(
    readonly queue: string,
    known: readonly string[],
  ) {
    super('SLUICE_UNKNOWN_QUEUE', `There is no queue "${queue}". There are: ${known.map((name) => `"${name}"`).join(', ')}.`)
  }
}

/** What a task was to be given cannot be stored and read again as it is. */
export class InvalidPayloadError extends SluiceError {
  constructor(
    /** Where in the data: `$.user.born`. */
    readonly path: string,
    expected: string,
    received: unknown,
  ) {
    super('SLUICE_INVALID_PAYLOAD', `Data of a task at ${path}: expected ${expected}, got ${describe(received)}.`)
  }
}

/** The `authorize` hook refused. */
export class NotAuthorizedError extends SluiceError {
  constructor(
    readonly actor: string | undefined,
    readonly action: string,
  ) {
    super('SLUICE_NOT_AUTHORIZED', `${actor === undefined ? 'Nobody in particular' : `"${actor}"`} may not ${action} here.`)
  }
}

/** A task took longer than its `timeoutMs`. The reason of the signal that its processor is given. */
export class TaskTimeoutError extends SluiceError {
  constructor(readonly timeoutMs: number) {
    super('SLUICE_TASK_TIMEOUT', `The task took longer than ${timeoutMs} ms.`)
  }
}

/** What runs is to stop: it was cancelled, or the process shuts down, or another process has taken it over. The reason of the signal. */
export class TaskAbortedError extends SluiceError {
  constructor(readonly why: 'cancelled' | 'shutdown' | 'lost') {
    super(
      'SLUICE_TASK_ABORTED',
      {
        cancelled: 'The task was cancelled.',
        shutdown: 'The process shuts down; the task will be run again.',
        lost: 'The task was not heard of for too long, and was given to another worker.',
      }[why],
    )
  }
}

/** Thrown by a processor: the task fails for good, whatever retries are left. */
export class UnretryableError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('SLUICE_UNRETRYABLE', message, options)
  }
}

/** The queue's store does not answer, or was given what it cannot do. */
export class JobBackendError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('SLUICE_JOB_BACKEND', message, options)
  }
}

/** Tasks of a queue were to be run, and nothing was registered that does it. */
export class NoProcessorError extends SluiceError {
  constructor(readonly queue: string) {
    super('SLUICE_NO_PROCESSOR', `Nothing processes the tasks of "${queue}": call registerProcessor("${queue}", …) first.`)
  }
}
