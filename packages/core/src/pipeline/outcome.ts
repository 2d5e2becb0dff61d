import type { WriteOutcome } from './writes.ts'

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
  const { code, errno, sqlState, name, fatal, meta } = error as Record<string, unknown>
  if (fatal === true) return 'unknown'
  if (typeof code === 'string' && /^P\d{4}$/.test(code)) return outcomeOfPrisma(code, meta)
  if (name === 'PrismaClientValidationError') return 'rolled-back'
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

/** P2xxx is an answer to the query, but for time-outs of the pool (P2024), of a transaction (P2028), and where the driver tells of a lost connection. */
function outcomeOfPrisma(code: string, meta: unknown): WriteOutcome {
  if (!code.startsWith('P2') || code === 'P2024' || code === 'P2028') return 'unknown'
  const { originalCode } =
    (meta as { readonly driverAdapterError?: { readonly cause?: { readonly originalCode?: unknown } } } | null | undefined)
      ?.driverAdapterError?.cause ?? {}
  if (typeof originalCode !== 'string') return 'rolled-back'
  const isNumber = /^(\d{4}|45\d{3})$/.test(originalCode)
  return (isNumber ? UNCERTAIN_NUMBER : UNCERTAIN_SQLSTATE).test(originalCode) ? 'unknown' : 'rolled-back'
}
