/** A replica turned out to be further behind than it was thought to be, or to be another server. */
export class NotCurrentError extends Error {
  override readonly name = 'NotCurrentError'
}

/**
 * What an error of a replica means. `node`: it, or the way to it, failed. `again`: the primary may answer otherwise: the replica may lack a table that was made
 * just now, or have cancelled the read for the sake of what it replays. `answer`: it is what the database says to this read.
 */
export type ReplicaErrorKind = 'node' | 'again' | 'answer'

/** No connection, no resources, shutdown, a damaged or misconfigured server, no admission. */
const NODE_SQLSTATE = /^(08|28|3D|53|57P|58|F0|XX)/
/** What a standby does not support (unlogged tables), serialization failure, read-only transaction, wrong state, no such table, column, function, type or schema, no right to it. */
const AGAIN_SQLSTATE = /^(0A|40|25|55|3F|42P01|42703|42883|42704|42501)/
/** Prisma: P1xxx are of the connection, P2024 of the pool; P2021 and P2022 miss a table or column. */
const NODE_PRISMA = /^P(1\d{3}|2024|2037)$/
const AGAIN_PRISMA = /^P(2010|2021|2022|2028|2034|5\d{3}|6\d{3})$/

export function kindOfReplicaError(error: unknown): ReplicaErrorKind {
  if (typeof error !== 'object' || error === null) return 'again'
  const { code, name, message } = error as { readonly code?: unknown; readonly name?: unknown; readonly message?: unknown }
  if (error instanceof NotCurrentError) return 'again'
  if (typeof code === 'string') {
    if (/^P\d{4}$/.test(code)) return NODE_PRISMA.test(code) ? 'node' : AGAIN_PRISMA.test(code) ? 'again' : 'answer'
    // Five characters as well: `EPIPE`.
    if (/^E[A-Z_]{3,}$/.test(code)) return 'node'
    if (/^[0-9A-Z]{5}$/.test(code)) return NODE_SQLSTATE.test(code) ? 'node' : AGAIN_SQLSTATE.test(code) ? 'again' : 'answer'
  }
  if (name === 'PrismaClientInitializationError' || name === 'KnexTimeoutError') return 'node'
  if (name === 'PrismaClientValidationError') return 'answer'
  return /connection|socket|terminated|timed? ?out/i.test(String(message)) ? 'node' : 'again'
}
