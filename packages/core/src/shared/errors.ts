import { redact } from './redact.ts'

/** Every code that a `SluiceError` can carry. */
export type SluiceErrorCode =
  /** An option is unknown, of the wrong type, or out of its bounds. */
  | 'SLUICE_INVALID_OPTION'
  /** An argument of a method is of the wrong type or out of its bounds. */
  | 'SLUICE_INVALID_ARGUMENT'
  /** A process-wide engine exists already and was asked for with other options. */
  | 'SLUICE_ALREADY_CREATED'
  /** The Sluice was closed. */
  | 'SLUICE_CLOSED'
  /** A catalogue (from a generator, or read from a database) cannot be used. */
  | 'SLUICE_INVALID_CATALOG'
  /** A scope ended in detection's `throw` mode and had findings. */
  | 'SLUICE_N_PLUS_ONE'
  /** Rows were to be loaded, and no client is attached that could. */
  | 'SLUICE_NO_ADAPTER'
  /** A shared cache store needs to see every statement, and the client does not show them. */
  | 'SLUICE_ADAPTER_REQUIRED'
  /** A write was not sent, because other processes could not be told of it. */
  | 'SLUICE_WRITE_REJECTED'
  /** Loading a cached value took longer than it may. */
  | 'SLUICE_LOAD_TIMEOUT'
  /** The shared cache store does not answer. */
  | 'SLUICE_STORE_UNAVAILABLE'
  /** A file of traffic cannot be used. */
  | 'SLUICE_INVALID_TRAFFIC'
  /** A file of findings that are known cannot be used. */
  | 'SLUICE_INVALID_IGNORE_FILE'
  /** A write-behind was closed, and could not write all that it had accepted in the time that it had. */
  | 'SLUICE_UNWRITTEN'
  /** A statement was to be explained, and cannot be without the danger that it is carried out. */
  | 'SLUICE_NOT_EXPLAINABLE'
  /** A node was to be registered that is there already. */
  | 'SLUICE_DUPLICATE_NODE'
  /** A node was named that is not registered. */
  | 'SLUICE_UNKNOWN_NODE'
  /** A queue was named that nobody created. */
  | 'SLUICE_UNKNOWN_QUEUE'
  /** Tasks of a queue were to be run, and nothing was registered that does it. */
  | 'SLUICE_NO_PROCESSOR'
  /** Data of a task cannot be stored and read again as they are. */
  | 'SLUICE_INVALID_PAYLOAD'
  /** The hook that decides who may do what with tasks refused. */
  | 'SLUICE_NOT_AUTHORIZED'
  /** A task took longer than it may. */
  | 'SLUICE_TASK_TIMEOUT'
  /** A task that runs is to stop. */
  | 'SLUICE_TASK_ABORTED'
  /** A processor says that its task is not to be tried again. */
  | 'SLUICE_UNRETRYABLE'
  /** Where tasks are kept does not answer, or cannot do what it was asked for. */
  | 'SLUICE_JOB_BACKEND'
  /** A metric was named that nobody registered. */
  | 'SLUICE_UNKNOWN_METRIC'
  /** Metrics of a Sluice were to be exported whose monitor is switched off. */
  | 'SLUICE_MONITOR_OFF'
  /** An engine was asked for something, and is switched off. */
  | 'SLUICE_ENGINE_OFF'
  /** A forecast was asked for, and nothing was recorded yet that it could be made from. */
  | 'SLUICE_NO_FORECAST'
  /** Processes of an app cannot be joined. */
  | 'SLUICE_PROCESS_LINK'
  /** A package that is optional is needed, and is not installed. */
  | 'SLUICE_MISSING_PACKAGE'
  /** Another process is changing the schema of the database. */
  | 'SLUICE_SCHEMA_LOCKED'
  /** What scales did not bring about the workers that were wanted. */
  | 'SLUICE_SCALING_FAILED'
  /** A dashboard was to be made in production, and nothing says who may see it. */
  | 'SLUICE_AUTHORIZE_REQUIRED'
  /** A webhook leads to a private, link-local or reserved address. */
  | 'SLUICE_PRIVATE_ADDRESS'

/** Base of all errors of Sluice. Match on `code`; messages may change. */
export class SluiceError extends Error {
  constructor(
    readonly code: SluiceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = new.target.name
  }
}

/** A package that is optional is needed for what was asked, and is not installed. */
export class MissingPackageError extends SluiceError {
  constructor(
    needing: string,
    /** What to install. */
    readonly packageName: string,
    options?: ErrorOptions,
  ) {
    super('SLUICE_MISSING_PACKAGE', `${needing} needs the package "${packageName}": npm install ${packageName}`, options)
  }
}

/** An option is unknown, of the wrong type, or out of its bounds; the message says what was expected and what came. */
export class InvalidOptionError extends SluiceError {
  constructor(
    /** The option's full name, for example `detection.threshold`. */
    readonly option: string,
    expected: string,
    received: unknown,
  ) {
    super('SLUICE_INVALID_OPTION', `Option "${option}": expected ${expected}, got ${describe(received)}.`)
  }
}

/** An argument of a method is of the wrong type or out of its bounds. */
export class InvalidArgumentError extends SluiceError {
  constructor(
    /** The argument's name, for example `ttl`. */
    readonly argument: string,
    expected: string,
    received: unknown,
  ) {
    super('SLUICE_INVALID_ARGUMENT', `Argument "${argument}": expected ${expected}, got ${describe(received)}.`)
  }
}

/** A write-behind was closed, and could not write all that it had accepted in the time that it had. */
export class UnwrittenError extends SluiceError {
  constructor(
    /** How many entries are not written. */
    readonly entries: number,
  ) {
    super('SLUICE_UNWRITTEN', `Closed with ${entries} ${entries === 1 ? 'entry' : 'entries'} not written.`)
  }
}

/** A value as a message shows it: short, and never the content of an object. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(redact(value))
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? `${value}n` : String(value)
  return Array.isArray(value) ? `an array of ${value.length}` : `an object (${value.constructor?.name ?? 'null prototype'})`
}
