import { readAllThrown, readThrown } from '../shared/thrown.ts'
import type { WriteOutcome } from './writes.ts'

/**
 * Interprets errors that an ORM throws instead of the driver's. Each function returns `undefined` for an
 * error that is not the ORM's: Sluice then interprets it as the driver's.
 */
export interface ClientErrors {
  /** The outcome that the error of a failed write proves. */
  writeOutcome(error: unknown): WriteOutcome | undefined
  /** The meaning of the error of a read from a replica. */
  replicaError(error: unknown): ReplicaErrorKind | undefined
}

/**
 * The meaning of a replica's error. `node`: the replica, or the connection to it, failed. `again`: the
 * primary may return a different result, because the replica lacks a new table, or canceled the read in favor
 * of replication. `answer`: the database's result for this read.
 */
export type ReplicaErrorKind = 'node' | 'again' | 'answer'

/** SQLSTATE classes after which the connection, and with it the outcome, is uncertain. */
const UNCERTAIN_SQLSTATE = /^(08|57|58|XX|F0)/
/**
 * MariaDB: a shutdown, or a killed connection. Numbers from 45000 on are those of its driver, mostly about
 * connections.
 */
const UNCERTAIN_NUMBER = /^(1053|1927|45\d{3})$/

/**
 * The outcome that the error of a failed write proves. Only a response of the database itself proves that
 * nothing was written. After any other error (a lost connection, a timeout, an unknown error), the outcome is
 * unknown.
 */
export function writeOutcomeOf(error: unknown): WriteOutcome {
  if (typeof error !== 'object' || error === null) return 'unknown'
  const [code, errno, sqlState, fatal] = readAllThrown(error, ['code', 'errno', 'sqlState', 'fatal'])
  if (fatal === true) return 'unknown'
  // SQLite and its extended codes: the call itself failed, and one call is one statement.
  if (typeof code === 'string' && code.startsWith('SQLITE_'))
    return code.startsWith('SQLITE_IOERR') ? 'unknown' : 'rolled-back'
  // PostgreSQL's codes have 5 characters; MySQL returns a number and a separate SQLSTATE.
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code))
    return UNCERTAIN_SQLSTATE.test(code) ? 'unknown' : 'rolled-back'
  if (typeof errno === 'number' && isOfServer(errno) && typeof sqlState === 'string') {
    return UNCERTAIN_SQLSTATE.test(sqlState) || UNCERTAIN_NUMBER.test(String(errno))
      ? 'unknown'
      : 'rolled-back'
  }
  return 'unknown'
}

/**
 * The same for a synchronous driver of SQLite: its other errors are thrown before it runs a statement, such
 * as those about values that cannot be bound.
 */
export function outcomeOfSynchronous(error: unknown): WriteOutcome {
  return readThrown(error, 'code') === undefined ? 'rolled-back' : writeOutcomeOf(error)
}

/** Numbers from 2000 on are those of a client, and numbers from 45000 on those of the driver `mariadb`. */
function isOfServer(errno: number): boolean {
  return (errno >= 1000 && errno < 2000) || (errno >= 3000 && errno < 5000)
}

/**
 * The outcome that a write's error proves if only its SQLSTATE, or its number of MySQL or MariaDB, is known.
 */
export function writeOutcomeOfCode(code: string): WriteOutcome {
  return (isServerNumber(code) ? UNCERTAIN_NUMBER : UNCERTAIN_SQLSTATE).test(code) ? 'unknown' : 'rolled-back'
}

/** Whether a code is a number of MySQL or MariaDB, or of the driver `mariadb`. SQLSTATEs are not. */
export function isServerNumber(code: string): boolean {
  return /^(\d{4}|45\d{3})$/.test(code)
}
