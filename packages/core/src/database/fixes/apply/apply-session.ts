import type { Connection } from '../../../schema/connection.ts'
import { SluiceError } from '../../../shared/errors.ts'
import { factsOf } from '../../../shared/thrown.ts'
import { MAX_TIMER_MS } from '../../../shared/timers.ts'
import type { Dialect } from '../../../sql/dialect.ts'
import { LOCK_TIMEOUT } from '../index-sql.ts'

/** How a database keeps others from changing its schema at the same time, and how long a change may wait. */
export interface ApplySession {
  /** @returns Whether the lock was acquired. */
  lock(session: Connection): Promise<boolean>
  unlock(session: Connection): Promise<void>
  /** For the next statement. */
  limit(session: Connection, how: keyof typeof LOCK_TIMEOUT, ms: number | undefined): Promise<void>
  /** Begins what a change does, so that it can be taken back where it fails. */
  begin?(session: Connection): Promise<void>
  end?(session: Connection, isDone: boolean): Promise<void>
}

// Any number, as long as it is the same in all versions: `sluice` in ASCII.
const LOCK_KEY = 0x736c75696365

const postgresql: ApplySession = {
  async lock(session) {
    const [row] = await session.query('SELECT pg_try_advisory_lock($1::bigint) AS locked', [LOCK_KEY])
    // A limit on statements that a role has is one for queries, and not for what takes its time.
    if (row?.locked === true) await session.query('SET statement_timeout = 0')
    return row?.locked === true
  },
  async unlock(session) {
    await session.query('RESET lock_timeout')
    await session.query('RESET statement_timeout')
    await session.query('SELECT pg_advisory_unlock($1::bigint)', [LOCK_KEY])
  },
  async limit(session, how, ms) {
    await session.query(
      `SET lock_timeout = '${ms === undefined ? LOCK_TIMEOUT[how] : `${Math.min(MAX_TIMER_MS, Math.max(1, Math.ceil(ms)))}ms`}'`,
    )
  },
}

const MYSQL_LOCK = "concat('sluice:', md5(database()))"

const mysql: ApplySession = {
  async lock(session) {
    const [row] = await session.query(`SELECT GET_LOCK(${MYSQL_LOCK}, 0) AS locked`)
    return Number(row?.locked) === 1
  },
  async unlock(session) {
    await session.query('SET SESSION lock_wait_timeout = DEFAULT')
    await session.query(`SELECT RELEASE_LOCK(${MYSQL_LOCK}) AS released`)
  },
  async limit(session, _, ms = 5_000) {
    await session.query(`SET SESSION lock_wait_timeout = ${Math.max(1, Math.ceil(ms / 1000))}`)
  },
}

const sqlite: ApplySession = {
  async lock(session) {
    try {
      await session.query('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (String(factsOf(error).code).startsWith('SQLITE_BUSY')) return false
      throw error
    }
  },
  async unlock(session) {
    await session.query('COMMIT')
  },
  limit: () => Promise.resolve(),
  async begin(session) {
    await session.query('SAVEPOINT sluice_change')
  },
  async end(session, isDone) {
    if (!isDone) await session.query('ROLLBACK TO sluice_change')
    await session.query('RELEASE sluice_change')
  },
}

const sessions: Readonly<Record<Dialect, ApplySession>> = { postgresql, mysql, sqlite }

/**
 * Runs work while it holds the lock for schema changes.
 *
 * @throws SluiceError `SLUICE_SCHEMA_LOCKED` if another process holds it.
 */
export async function underLock<T>(session: Connection, work: (how: ApplySession) => Promise<T>): Promise<T> {
  const how = sessions[session.dialect]
  if (!(await how.lock(session))) {
    throw new SluiceError(
      'SLUICE_SCHEMA_LOCKED',
      'Another process is changing the schema of this database, or holds its lock. Nothing was changed. Try again when it has finished.',
    )
  }
  let isDone = false
  try {
    const result = await work(how)
    isDone = true
    return result
  } finally {
    // If the work failed because the connection is gone, this can fail, too, and the lock is gone with it:
    // the first failure is reported.
    await how.unlock(session).catch((error: unknown) => {
      if (isDone) throw error
    })
  }
}
