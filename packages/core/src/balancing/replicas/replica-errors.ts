import { isServerNumber, type ReplicaErrorKind } from '../../pipeline/outcome.ts'
import { errorMessage } from '../../shared/error-message.ts'
import { isInstance, readAllThrown } from '../../shared/thrown.ts'

/** A replica turned out to be further behind than it was thought to be, or to be another server. */
export class NotCurrentError extends Error {
  override readonly name = 'NotCurrentError'
}

/** No connection, no resources, shutdown, a damaged or misconfigured server, no admission. */
const NODE_SQLSTATE = /^(08|28|3D|53|57P|58|F0|XX)/
/**
 * Not supported on a standby (unlogged tables), serialization failure, read-only transaction, wrong state,
 * undefined table, column, function, type or schema, insufficient privilege.
 */
const AGAIN_SQLSTATE = /^(0A|40|25|55|3F|42P01|42703|42883|42704|42501)/
/**
 * MariaDB, the same as of PostgreSQL: no memory or threads, no connection or none more, no admission, no such
 * database, shutdown, a connection that was ended.
 */
const NODE_NUMBERS = new Set([
  1037, 1040, 1041, 1042, 1043, 1044, 1045, 1049, 1053, 1077, 1078, 1079, 1080, 1081, 1129, 1130, 1135, 1152,
  1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1698, 1820, 1862, 1927, 4151,
])
/** The driver `mariadb`: connections that are closed, cannot be had, or do not answer. */
const NODE_DRIVER_NUMBERS = new Set([
  45001, 45004, 45009, 45011, 45012, 45013, 45019, 45024, 45025, 45026, 45027, 45028, 45029, 45030, 45035,
  45037, 45039, 45042, 45060, 45061,
])
/**
 * A syntax error, and a query that was killed or exceeded its time limit: the same on every server. Unknown
 * errors are retried on the primary.
 */
const ANSWER_NUMBERS = new Set([1064, 1317, 1969])
/** Cardinality, data, constraints. */
const ANSWER_SQLSTATE = /^2[123]/

export function kindOfReplicaError(error: unknown): ReplicaErrorKind {
  if (typeof error !== 'object' || error === null) return 'again'
  const [code, errno, sqlState, fatal] = readAllThrown(error, ['code', 'errno', 'sqlState', 'fatal'])
  if (isInstance(error, NotCurrentError)) return 'again'
  // The connection is lost.
  if (fatal === true) return 'node'
  if (typeof errno === 'number' && errno >= 1_000) return kindOfNumber(errno, sqlState)
  if (typeof code === 'string') {
    // Five characters as well: `EPIPE`.
    if (/^E[A-Z_]{3,}$/.test(code) || code.startsWith('PROTOCOL_')) return 'node'
    if (/^[0-9A-Z]{5}$/.test(code)) return kindOfSqlState(code)
  }
  return /connection|socket|terminated|timed? ?out/i.test(errorMessage(error)) ? 'node' : 'again'
}

/** The kind of an error of which only the SQLSTATE, or the number of MySQL and MariaDB, is known. */
export function replicaErrorOfCode(code: string): ReplicaErrorKind {
  return isServerNumber(code) ? kindOfNumber(Number(code), undefined) : kindOfSqlState(code)
}

function kindOfSqlState(state: string): ReplicaErrorKind {
  return NODE_SQLSTATE.test(state) ? 'node' : AGAIN_SQLSTATE.test(state) ? 'again' : 'answer'
}

/** MariaDB's numbers; from 45000 on, those of the driver `mariadb`. */
function kindOfNumber(number: number, state: unknown): ReplicaErrorKind {
  if (NODE_NUMBERS.has(number) || NODE_DRIVER_NUMBERS.has(number)) return 'node'
  return ANSWER_NUMBERS.has(number) || ANSWER_SQLSTATE.test(String(state)) ? 'answer' : 'again'
}
