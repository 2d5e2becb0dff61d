import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Connection } from './connection.ts'

/** Timeouts of a statement, and of an idle transaction. */
interface Limits {
  readonly names: readonly [statement: string, idle: string]
  /** Milliseconds per unit of their values. */
  readonly unitMs: number
  /** One row with the columns `statement` and `idle`; 0: no limit. */
  readonly query: string
}

/**
 * MySQL has no such limits for writing statements, and SQLite completes a statement before its process does
 * anything else.
 */
const LIMITS: Partial<Readonly<Record<Dialect, Limits>>> = {
  postgresql: {
    names: ['statement_timeout', 'idle_in_transaction_session_timeout'],
    unitMs: 1,
    query: `SELECT
      (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout') AS "statement",
      (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS "idle"`,
  },
  mysql: {
    names: ['max_statement_time', 'idle_transaction_timeout'],
    unitMs: 1_000,
    query: `SELECT @@max_statement_time AS \`statement\`,
      CASE WHEN @@idle_transaction_timeout > 0 THEN @@idle_transaction_timeout ELSE @@idle_write_transaction_timeout END AS \`idle\``,
  },
}

/**
 * If processes share a cache, warns of a database that can execute a write after the writer's announcement
 * has expired: by then, other processes may have cached the previous values. Queries the database; does
 * nothing if the database cannot be queried. Never rejects.
 */
export async function warnOfLateWrites(
  connection: Connection,
  host: { readonly latestWriteMs: number | undefined; warn(message: string, code?: SluiceWarningCode): void },
): Promise<void> {
  const { latestWriteMs } = host
  const limits = LIMITS[connection.dialect]
  if (latestWriteMs === undefined || limits === undefined) return
  try {
    const [row] = await connection.query(limits.query)
    if (row === undefined) return
    const isLate = (value: unknown) => !(Number(value) > 0 && Number(value) * limits.unitMs <= latestWriteMs)
    const late = [row.statement, row.idle].flatMap((value, at) => (isLate(value) ? [limits.names[at]] : []))
    if (late.length > 0) host.warn(messageOf(late.join(' and '), latestWriteMs), 'SLUICE_LATE_WRITES')
  } catch {
    // Such a server does not have these settings, or does not expose them.
  }
}

function messageOf(settings: string, latestWriteMs: number): string {
  return (
    `The cache is shared, and the database can execute a write long after its process has exited. Set ${settings} ` +
    `to ${latestWriteMs / 1_000} s or less (half of the store's leaseMs), or results from before such a write can stay cached.`
  )
}
