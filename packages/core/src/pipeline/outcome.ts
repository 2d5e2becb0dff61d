import type { WriteOutcome } from './writes.ts'

/** SQLSTATE classes after which the connection, and with it the outcome, is uncertain. */
const UNCERTAIN_SQLSTATE = /^(08|57|58|XX|F0)/

/**
 * What a failed write's error says. Only an answer of the database's own proves that nothing was written;
 * anything else (a lost connection, a time-out, an error nobody knows) leaves it open.
 */
export function writeOutcomeOf(error: unknown): WriteOutcome {
  if (typeof error !== 'object' || error === null) return 'unknown'
  const { code, errno, sqlState, name, fatal } = error as Record<string, unknown>
  if (fatal === true) return 'unknown'
  // Prisma: P2xxx is an answer to the query, but for time-outs of the pool (P2024), of a transaction (P2028) and lost connections.
  if (typeof code === 'string' && /^P\d{4}$/.test(code))
    return code.startsWith('P2') && code !== 'P2024' && code !== 'P2028' ? 'rolled-back' : 'unknown'
  if (name === 'PrismaClientValidationError') return 'rolled-back'
  // SQLite and its extended codes: the call itself failed, and one call is one statement.
  if (typeof code === 'string' && code.startsWith('SQLITE_')) return code.startsWith('SQLITE_IOERR') ? 'unknown' : 'rolled-back'
  // PostgreSQL's five characters; MySQL gives a number and its own SQLSTATE.
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code))
    return UNCERTAIN_SQLSTATE.test(code) ? 'unknown' : 'rolled-back'
  if (typeof errno === 'number' && errno >= 1000 && errno < 2000 && typeof sqlState === 'string') {
    return UNCERTAIN_SQLSTATE.test(sqlState) ? 'unknown' : 'rolled-back'
  }
  return 'unknown'
}
