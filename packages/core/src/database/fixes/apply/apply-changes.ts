import type { Connection } from '../../../schema/connection.ts'
import { InvalidArgumentError } from '../../../shared/errors.ts'
import { readThrown } from '../../../shared/thrown.ts'
import type { DatabaseFacts } from '../database-facts.ts'
import type { SchemaChange } from '../schema-change.ts'
import {
  type ApplyEvent,
  type Applying,
  type ApplyOptions,
  type ApplyResult,
  applyChange,
} from './apply-change.ts'
import { underLock } from './apply-session.ts'

const LOCK_TIMEOUTS = new Set<unknown>(['55P03', 'ER_LOCK_WAIT_TIMEOUT', 'SQLITE_BUSY'])

/**
 * Applies changes to a database sequentially, each only if it is still needed: the table and its columns
 * exist, and no equivalent index does. On PostgreSQL, indexes are built concurrently, and the remains of a
 * failed build are dropped. Stops at the first failure, and keeps earlier changes. Other processes that apply
 * changes this way are locked out meanwhile.
 *
 * @param connection - A connection with sessions. Settings of the session are restored afterwards.
 * @throws SluiceError `SLUICE_SCHEMA_LOCKED` if another process applies changes; `InvalidArgumentError` if
 * the connection has no sessions.
 */
export async function applyChanges(
  connection: Connection,
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  if (connection.session === undefined)
    throw new InvalidArgumentError('connection', 'a connection with sessions', connection)
  const emit = (event: ApplyEvent) => options.onEvent?.(event)
  return connection.session((session) =>
    underLock(session, async (how) => {
      emit({ kind: 'locked' })
      return applyAll(changes, { session, how, facts, options, emit })
    }),
  )
}

async function applyAll(changes: readonly SchemaChange[], applying: Applying): Promise<ApplyResult> {
  const done: SchemaChange[] = []
  const skipped: { change: SchemaChange; why: string }[] = []
  for (const [at, change] of changes.entries()) {
    try {
      const why = await applyChange(change, applying)
      if (why === undefined) done.push(change)
      else skipped.push({ change, why })
      applying.emit(why === undefined ? { kind: 'done', change } : { kind: 'skipped', change, why })
    } catch (error) {
      applying.emit({ kind: 'failed', change, error })
      const isLockTimeout = LOCK_TIMEOUTS.has(readThrown(error, 'code'))
      return { done, skipped, failed: { change, error, isLockTimeout }, remaining: changes.slice(at + 1) }
    }
  }
  return { done, skipped, remaining: [] }
}
