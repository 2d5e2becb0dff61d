import { types } from 'node:util'
import { redact } from './redact.ts'
import { readData } from './thrown.ts'

/** Every code that a `SluiceError` can carry. */
export type SluiceErrorCode =
  /** An option is unknown, has the wrong type, or is out of bounds. */
  | 'SLUICE_INVALID_OPTION'
  /** An argument of a method has the wrong type or is out of bounds. */
  | 'SLUICE_INVALID_ARGUMENT'
  /** A process-wide engine already exists, with different options. */
  | 'SLUICE_ALREADY_CREATED'
  /** The Sluice is closed. */
  | 'SLUICE_CLOSED'
  /** A catalog (from a generator, or read from a database) is invalid. */
  | 'SLUICE_INVALID_CATALOG'
  /** A scope with findings ended while `detection.mode` is `throw`. */
  | 'SLUICE_N_PLUS_ONE'
  /** Rows cannot be loaded, or queries be counted, because no suitable client is attached. */
  | 'SLUICE_NO_CLIENT'
  /** A shared cache store needs a client that shows every statement. */
  | 'SLUICE_ADAPTER_REQUIRED'
  /** A write was not sent, because other processes could not be notified. */
  | 'SLUICE_WRITE_REJECTED'
  /** Loading a cached value exceeded its timeout. */
  | 'SLUICE_LOAD_TIMEOUT'
  /** The shared cache store does not respond. */
  | 'SLUICE_STORE_UNAVAILABLE'
  /** A workload file is invalid. */
  | 'SLUICE_INVALID_WORKLOAD'
  /** A trace file is invalid. */
  | 'SLUICE_INVALID_TRACE'
  /** A file of ignored findings is invalid. */
  | 'SLUICE_INVALID_IGNORE_FILE'
  /** A write-behind was closed before all accepted entries were written. */
  | 'SLUICE_FLUSH_INCOMPLETE'
  /** A statement cannot be explained without the risk of executing it. */
  | 'SLUICE_NOT_EXPLAINABLE'
  /** The node is already registered. */
  | 'SLUICE_DUPLICATE_NODE'
  /** The node is not registered. */
  | 'SLUICE_UNKNOWN_NODE'
  /** The queue was not created in this process. */
  | 'SLUICE_UNKNOWN_QUEUE'
  /** The queue has no processor in this process. */
  | 'SLUICE_NO_PROCESSOR'
  /** The data of a task contains a value that JSON drops, changes or rejects. */
  | 'SLUICE_INVALID_PAYLOAD'
  /** The `authorize` hook denied an action. */
  | 'SLUICE_NOT_AUTHORIZED'
  /** A task exceeded its timeout. */
  | 'SLUICE_TASK_TIMEOUT'
  /** A running task must stop. */
  | 'SLUICE_TASK_ABORTED'
  /** A processor declared that its task must not be retried. */
  | 'SLUICE_UNRETRYABLE'
  /** The backend of the jobs does not respond, or cannot perform an operation. */
  | 'SLUICE_JOB_BACKEND'
  /** The metric is not registered. */
  | 'SLUICE_UNKNOWN_METRIC'
  /** Metrics cannot be exported, because the Sluice's monitor is disabled. */
  | 'SLUICE_MONITOR_OFF'
  /** The engine is disabled. */
  | 'SLUICE_ENGINE_DISABLED'
  /** There is no forecast, because there are no recorded values. */
  | 'SLUICE_NO_FORECAST'
  /** The processes of an app cannot be connected. */
  | 'SLUICE_PEER_UNAVAILABLE'
  /** An optional package is required and not installed. */
  | 'SLUICE_MISSING_PACKAGE'
  /** Another process is changing the schema of the database. */
  | 'SLUICE_SCHEMA_LOCKED'
  /** A scaling target did not provide the requested workers. */
  | 'SLUICE_SCALING_FAILED'
  /** The dashboard or the metrics have no `authorize` in production. */
  | 'SLUICE_AUTHORIZE_REQUIRED'
  /** A webhook has a private, link-local or reserved address. */
  | 'SLUICE_PRIVATE_ADDRESS'

/** Base class of all errors of Sluice. Match on `code`; messages can change. */
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

/** A feature requires an optional package that is not installed. */
export class MissingPackageError extends SluiceError {
  constructor(
    needing: string,
    /** The package to install. */
    readonly packageName: string,
    options?: ErrorOptions,
  ) {
    super(
      'SLUICE_MISSING_PACKAGE',
      `${needing} requires the package "${packageName}", which is not installed. Install it with your package manager: npm install ${packageName}, for example.`,
      options,
    )
  }
}

/**
 * An option is unknown, has the wrong type, or is out of bounds. The message contains the expected and the
 * received value.
 */
export class InvalidOptionError extends SluiceError {
  constructor(
    /** The option's full name, for example `detection.threshold`. */
    readonly option: string,
    expected: string,
    received: unknown,
    message: string = `Option "${option}": expected ${expected}, got ${describe(received)}.`,
  ) {
    super('SLUICE_INVALID_OPTION', message)
  }
}

/** An argument of a method has the wrong type or is out of bounds. */
export class InvalidArgumentError extends SluiceError {
  constructor(
    /** The argument's name, for example `ttl`. */
    readonly argument: string,
    expected: string,
    received: unknown,
  ) {
    super(
      'SLUICE_INVALID_ARGUMENT',
      `Argument "${argument}": expected ${expected}, got ${describe(received)}.`,
    )
  }
}

/** A write-behind was closed before all accepted entries were written. */
export class FlushIncompleteError extends SluiceError {
  constructor(
    /** Number of unwritten entries. */
    readonly entries: number,
  ) {
    super(
      'SLUICE_FLUSH_INCOMPLETE',
      `The write-behind was closed before ${entries} ${entries === 1 ? 'entry was' : 'entries were'} written. Raise closeTimeoutMs, or fix the failing writes.`,
    )
  }
}

/** Formats a value for a message: short, and never with the content of an object. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(redact(value))
  if (value === null || typeof value !== 'object')
    return typeof value === 'bigint' ? `${value}n` : String(value)
  if (types.isProxy(value)) return 'a Proxy'
  if (Array.isArray(value)) return `an array of ${value.length}`
  const maker = readData(value, 'constructor')
  const name = typeof maker === 'function' ? readData(maker, 'name') : undefined
  return `an object (${typeof name === 'string' ? name : 'null prototype'})`
}
