import type { WriteOutcome } from './writes.ts'

/**
 * Reads the errors that an ORM throws in place of the driver's. Each function returns `undefined` for an error that is not the ORM's:
 * Sluice then reads it as the driver's.
 */
export interface ClientErrors {
  /** What the error of a failed write proves. */
  writeOutcome(error: unknown): WriteOutcome | undefined
  /** What the error of a read from a replica means. */
  replicaError(error: unknown): ReplicaErrorKind | undefined
}

/**
 * What an error of a replica means. `node`: the replica, or the connection to it, failed. `again`: the primary may return another result, because the replica lacks
 * a new table, or canceled the read in favor of replication. `answer`: the database's result for this read.
 */
export type ReplicaErrorKind = 'node' | 'again' | 'answer'

/** SQLSTATE classes after which the connection, and with it the outcome, is uncertain. */
const UNCERTAIN_SQLSTATE = /^(08|57|58|XX|F0)/
/** MariaDB: a shutdown, a connection that was killed. From 45000 on its driver speaks, of connections mostly. */
const UNCERTAIN_NUMBER = /^(1053|1927|45\d{3})$/

/**
 * What a failed write's error says. Only an answer of the database's own proves that nothing was written;
 * anything else (a lost connection, a time-out, an error nobody knows) leaves it open.
 */
export function writeOutcomeOf(error: unknown): WriteOutcome {
  if (typeof error !== 'object' || error === null) return 'unknown'
  const { code, errno, sqlState, fatal } = error as Record<string, unknown>
  if (fatal === true) return 'unknown'
  // SQLite and its extended codes: the call itself failed, and one call is one statement.
  if (typeof code === 'string' && code.startsWith('SQLITE_')) return code.startsWith('SQLITE_IOERR') ? 'unknown' : 'rolled-back'
  // PostgreSQL's five characters; MySQL gives a number and its own SQLSTATE.
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code))
    return UNCERTAIN_SQLSTATE.test(code) ? 'unknown' : 'rolled-back'
  if (typeof errno === 'number' && isOfServer(errno) && typeof sqlState === 'string') {
    return UNCERTAIN_SQLSTATE.test(sqlState) || UNCERTAIN_NUMBER.test(String(errno)) ? 'unknown' : 'rolled-back'
  }
  return 'unknown'
}

/** The numbers from 2000 on are a client's, those from 45000 on of the driver `mariadb`. */
function isOfServer(errno: number): boolean {
  return (errno >= 1000 && errno < 2000) || (errno >= 3000 && errno < 5000)
}

/** What a write's error proves whose SQLSTATE, or number of MySQL and MariaDB, is all that is known. */
export function writeOutcomeOfCode(code: string): WriteOutcome {
  return (isServerNumber(code) ? UNCERTAIN_NUMBER : UNCERTAIN_SQLSTATE).test(code) ? 'unknown' : 'rolled-back'
}

/** Whether a code is a number of MySQL or MariaDB, or of the driver `mariadb`. SQLSTATEs are not. */
export function isServerNumber(code: string): boolean {
  return /^(\d{4}|45\d{3})$/.test(code)
}
