import {
  type ClientErrors,
  factsOf,
  type ReplicaErrorKind,
  readThrown,
  replicaErrorOfCode,
  type WriteOutcome,
  writeOutcomeOfCode,
} from '@sluice/core/adapter'

/** P1xxx concern the connection, P2024 the pool; P2021 and P2022 report a missing table or column. */
const NODE = /^P(1\d{3}|2024|2037)$/
const AGAIN = /^P(2010|2021|2022|2028|2034|2039|5\d{3}|6\d{3})$/

/** Interprets errors of the Prisma client. Errors of a raw driver are not covered. */
export const prismaErrors: ClientErrors = { writeOutcome, replicaError }

/**
 * P2xxx is a response to the query, except for timeouts of the pool (P2024) or of a transaction (P2028), and
 * if the driver reports a lost connection.
 */
function writeOutcome(error: unknown): WriteOutcome | undefined {
  const { code, name } = factsOf(error)
  if (!isCode(code)) return name === 'PrismaClientValidationError' ? 'rolled-back' : undefined
  if (!code.startsWith('P2') || code === 'P2024' || code === 'P2028') return 'unknown'
  const originalCode = originalCodeOf(error)
  return originalCode === undefined ? 'rolled-back' : writeOutcomeOfCode(originalCode)
}

/** Errors with some codes contain the message of the server or the driver. */
function replicaError(error: unknown): ReplicaErrorKind | undefined {
  const { code, name } = factsOf(error)
  if (!isCode(code)) {
    if (name === 'PrismaClientInitializationError') return 'node'
    return name === 'PrismaClientValidationError' ? 'answer' : undefined
  }
  if (NODE.test(code)) return 'node'
  if (!AGAIN.test(code)) return 'answer'
  const originalCode = originalCodeOf(error)
  return originalCode !== undefined && replicaErrorOfCode(originalCode) === 'node' ? 'node' : 'again'
}

function isCode(code: string | number | undefined): code is string {
  return typeof code === 'string' && /^P\d{4}$/.test(code)
}

/** The database's code, as passed on by the driver adapter. */
function originalCodeOf(error: unknown): string | undefined {
  const path = ['meta', 'driverAdapterError', 'cause', 'originalCode']
  const code = path.reduce(readThrown, error)
  return typeof code === 'string' ? code : undefined
}
