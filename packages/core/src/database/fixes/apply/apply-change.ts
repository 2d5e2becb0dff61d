import type { Connection } from '../../../schema/connection.ts'
import { InvalidArgumentError } from '../../../shared/errors.ts'
import { readThrown } from '../../../shared/thrown.ts'
import { type DatabaseFacts, isSameName, type NamedTable, tableOf } from '../database-facts.ts'
import { type IndexPlace, quoteIn, type SqlStep } from '../index-sql.ts'
import { type SchemaChange, schemaChangeSql } from '../schema-change.ts'
import { type ApplySession, underLock } from './apply-session.ts'
import { isCoveredBy, isSameIndex, type LiveIndex, readLiveTable } from './live-index.ts'

interface Applying {
  readonly session: Connection
  readonly how: ApplySession
  readonly facts: DatabaseFacts
  readonly options: ApplyOptions
  emit(event: ApplyEvent): void
}

/**
 * Applies one change, if it is still needed.
 *
 * @returns Why it is not needed, or nothing.
 */
async function applyChange(change: SchemaChange, applying: Applying): Promise<string | undefined> {
  const why = await reasonToSkip(change, applying)
  if (why !== undefined) return why
  const { how, session, facts } = applying
  await how.begin?.(session)
  let isDone = false
  try {
    for (const step of schemaChangeSql(change, facts).steps) await runStep(step, change, applying)
    await verify(change, applying)
    isDone = true
  } finally {
    await how.end?.(session, isDone)
  }
  return undefined
}

async function reasonToSkip(change: SchemaChange, { session, facts }: Applying): Promise<string | undefined> {
  const table = tableOf(facts, change.index.table)
  const live = await readLiveTable(session, table)
  if (live === undefined) return `There is no table ${table.name}.`
  const missing = change.index.keys.find(
    (key) =>
      key.expression === undefined && !live.columns.some((column) => isSameName(facts, column, key.column)),
  )
  if (missing !== undefined) return `The table ${table.name} has no column ${missing.column}.`
  const named = live.indexes.find(({ name }) => isSameName(facts, name, change.name))
  if (change.kind === 'drop-index') {
    if (named === undefined) return `There is no index ${change.name}.`
    if (named.isConstraint) return `A constraint needs the index ${change.name}.`
    return isSameIndex(comparable(change), named)
      ? undefined
      : `The index ${change.name} is not the one that it was.`
  }
  if (named?.isInProgress === true) return `Another session is building the index ${change.name}.`
  // The index of a partitioned table is invalid while partitions are missing: existing indexes are not
  // removed.
  const isLeftOver = named?.isValid === false
  const covering = live.indexes.find((index) => isCoveredBy(comparable(change), index))
  if (covering !== undefined) return `The index ${covering.name} already serves the same purpose.`
  return named === undefined || isLeftOver ? undefined : `The name ${change.name} is used by another index.`
}

/** An index on an expression is identified by the expression, as in the inspection. */
function comparable({ index }: SchemaChange): SchemaChange['index'] {
  return {
    ...index,
    keys: index.keys.map((key) => (key.expression === undefined ? key : { ...key, column: key.expression })),
  }
}

async function runStep(step: SqlStep, change: SchemaChange, applying: Applying): Promise<void> {
  const { session, how, options, emit } = applying
  if (step.creates !== undefined) {
    const existing = await liveIndex(step.creates, applying)
    // An earlier attempt executed some of the steps.
    if (existing?.isValid === true || (existing !== undefined && !step.isConcurrent)) return
    if (existing !== undefined) await clean(step.creates, change, applying)
  }
  await how.limit(session, step.isConcurrent ? 'concurrent' : 'blocking', options.lockTimeoutMs)
  emit({ kind: 'running', change, sql: step.sql })
  try {
    await session.query(step.sql)
  } catch (error) {
    if (step.isConcurrent && step.creates !== undefined) await cleanAfter(step.creates, change, applying)
    throw error
  }
}

/**
 * A failed build leaves an index that slows down every write. The failure is reported regardless of the
 * result of this.
 */
async function cleanAfter(place: IndexPlace, change: SchemaChange, applying: Applying): Promise<void> {
  try {
    const left = await liveIndex(place, applying)
    if (left?.isValid === false && !left.isInProgress) await clean(place, change, applying)
  } catch {
    // It is found again by the next try.
  }
}

async function clean(
  place: IndexPlace,
  change: SchemaChange,
  { session, how, facts, options, emit }: Applying,
): Promise<void> {
  await how.limit(session, 'concurrent', options.lockTimeoutMs)
  await session.query(
    `DROP INDEX CONCURRENTLY IF EXISTS ${quoteIn(tableAt(place, facts), place.name, 'postgresql')}`,
  )
  emit({ kind: 'cleaned', change, name: place.name })
}

async function verify(change: SchemaChange, applying: Applying): Promise<void> {
  const table = tableOf(applying.facts, change.index.table)
  const live = await liveIndex(
    { ...(table.isInDefaultSchema ? {} : { schema: table.schema }), table: table.name, name: change.name },
    applying,
  )
  if (change.kind === 'drop-index' && live !== undefined)
    throw new Error(`The index ${change.name} still exists after it was dropped.`)
  if (change.kind === 'create-index' && live?.isValid !== true)
    throw new Error(`The index ${change.name} is invalid after it was built.`)
}

async function liveIndex(place: IndexPlace, { session, facts }: Applying): Promise<LiveIndex | undefined> {
  const table = await readLiveTable(session, tableAt(place, facts))
  return table?.indexes.find(({ name }) => isSameName(facts, name, place.name))
}

function tableAt({ schema, table }: IndexPlace, { defaultSchema }: DatabaseFacts): NamedTable {
  return { schema: schema ?? defaultSchema, name: table, isInDefaultSchema: schema === undefined }
}

/** Events while changes are applied, in order. */
export type ApplyEvent =
  | { readonly kind: 'locked' }
  /** A change is not needed, or no longer possible. */
  | { readonly kind: 'skipped'; readonly change: SchemaChange; readonly why: string }
  /** A statement is sent. */
  | { readonly kind: 'running'; readonly change: SchemaChange; readonly sql: string }
  /** An index was dropped that a build had left unfinished. */
  | { readonly kind: 'cleaned'; readonly change: SchemaChange; readonly name: string }
  /** A change was applied and verified. */
  | { readonly kind: 'done'; readonly change: SchemaChange }
  /** A change failed; those after it are not tried. */
  | { readonly kind: 'failed'; readonly change: SchemaChange; readonly error: unknown }

/** Results of changes. */
export interface ApplyResult {
  readonly done: readonly SchemaChange[]
  readonly skipped: readonly { readonly change: SchemaChange; readonly why: string }[]
  readonly failed?: {
    readonly change: SchemaChange
    readonly error: unknown /** Whether it gave up waiting for a lock. */
    readonly isLockTimeout: boolean
  }
  /** Not tried, because one before failed. */
  readonly remaining: readonly SchemaChange[]
}

export interface ApplyOptions {
  onEvent?(event: ApplyEvent): void
  /**
   * Milliseconds that a statement waits for a lock.
   * @defaultValue 5 minutes if no session waits behind it, otherwise 5 seconds
   */
  readonly lockTimeoutMs?: number
}

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
