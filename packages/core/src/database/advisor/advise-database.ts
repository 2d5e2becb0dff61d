import type { Connection } from '../../schema/connection.ts'
import { errorMessage } from '../../shared/error-message.ts'
import type { DatabaseSnapshot, InspectionGap } from '../inspectors/database-snapshot.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type { Advice } from './advice.ts'
import { type AdviseOptions, advise } from './advise.ts'
import { mysqlRewriteTimer, mysqlSampleCheck } from './checks/mysql-sample-check.ts'
import { sqliteRewriteTimer, sqliteSampleCheck } from './checks/sqlite-sample-check.ts'
import { type TimeLimitOptions, TimeLimits } from './limits.ts'
import { ModelPlanner } from './planners/model-planner.ts'
import { HypopgSupposer, type IndexSupposer, PostgresqlPlanner } from './planners/postgresql-planner.ts'
import { SqliteClonePlanner } from './planners/sqlite-clone-planner.ts'
import { type ReadStatement, resolveWorkload } from './resolve-workload.ts'
import { CatalogStatistics, type Statistics, sampledStatistics } from './statistics.ts'
import { trigramAdvice } from './trigram-advice.ts'

/** A PostgreSQL without rows that plans like the original server. */
export interface PostgresqlScratch {
  readonly session: Connection
  readonly supposer: IndexSupposer
  /** Objects that could not be created as in the database. */
  readonly gaps: readonly string[]
  /** Whether it has the extension `pg_trgm`. */
  readonly hasTrigrams: boolean
  close(): Promise<void>
}

/** Tools of the advisor besides the database itself. */
export interface AdvisorTools {
  /** For PostgreSQL without HypoPG. `undefined`: there is none to be had. */
  postgresqlScratch?(snapshot: DatabaseSnapshot): Promise<PostgresqlScratch | undefined>
  /** For SQLite: an empty database in memory, by the same library. */
  sqliteScratch?(): Promise<Connection & { close(): Promise<void> }>
}

export interface AdviseDatabaseOptions
  extends Pick<AdviseOptions, 'naming' | 'takenNames' | 'onProgress' | 'thresholds' | 'clock'>,
    TimeLimitOptions {
  readonly connection: Connection
  readonly snapshot: DatabaseSnapshot
  readonly workload: readonly WorkloadEntry[]
  readonly tools?: AdvisorTools
}

/**
 * Advises on a database with the best available planner: HypoPG or a scratch database (PostgreSQL), a clone
 * (SQLite), or a model whose choice is measured on a sample (MySQL). Without these, the advice comes from the
 * model alone, and is marked as not validated.
 *
 * Writes nothing to the database: created objects are hypothetical, temporary, or in a different database.
 *
 * @throws The database's error, if the connection is lost.
 */
export async function adviseDatabase(options: AdviseDatabaseOptions): Promise<Advice> {
  const { snapshot, connection } = options
  const limits = new TimeLimits(options, options.clock)
  switch (snapshot.dialect) {
    case 'postgresql':
      return adviseOnPostgresql({ ...options, limits, statistics: await statisticsOf(options) })
    case 'sqlite':
      return adviseOnSqlite({ ...options, limits, statistics: await statisticsOf(options) })
    case 'mysql': {
      if (connection.session === undefined) {
        const common = { ...options, limits, statistics: await statisticsOf(options) }
        return advise({ ...common, planner: modelOf(common) })
      }
      return connection.session((session) => adviseOnMysql({ ...options, connection: session, limits }))
    }
  }
}

type WithLimits = AdviseDatabaseOptions & { readonly limits: TimeLimits }
type WithStatistics = WithLimits & { readonly statistics: Statistics }

async function adviseOnMysql(options: WithLimits): Promise<Advice> {
  const { snapshot, connection: session, limits } = options
  // MariaDB's limit is in seconds, and applies to all statements; MySQL's only to reads.
  const setting = snapshot.product === 'mariadb' ? 'max_statement_time' : 'max_execution_time'
  const limit = Math.max(1, Math.ceil(limits.statementTimeoutMs))
  await session.query(`SET SESSION ${setting} = ${snapshot.product === 'mariadb' ? limit / 1_000 : limit}`)
  const { timer, close } = mysqlRewriteTimer(session, snapshot, limits)
  try {
    const common = { ...options, statistics: await statisticsOf(options) }
    const gaps: InspectionGap[] = []
    const check = mysqlSampleCheck(session, snapshot, gaps, limits)
    const advice = await advise({ ...common, planner: modelOf(common), check, rewriteTimer: timer })
    return { ...advice, gaps: [...advice.gaps, ...gaps] }
  } finally {
    await close().catch(() => {})
    await session.query(`SET SESSION ${setting} = ${snapshot.settings[setting] ?? 'DEFAULT'}`).catch(() => {})
  }
}

/** PostgreSQL keeps statistics; elsewhere the columns that the workload asks for are sampled. */
async function statisticsOf({ snapshot, connection, workload }: AdviseDatabaseOptions): Promise<Statistics> {
  if (snapshot.dialect === 'postgresql') return new CatalogStatistics()
  const { statements } = resolveWorkload(workload, snapshot)
  return sampledStatistics(
    connection,
    statements.map(({ use }) => use),
  )
}

function modelOf({ snapshot, statistics }: WithStatistics): ModelPlanner {
  return new ModelPlanner({ snapshot, statistics, popularity: new Map() })
}

async function adviseOnPostgresql(options: WithStatistics): Promise<Advice> {
  const { snapshot, connection, tools } = options
  if (snapshot.extensions.installed.includes('hypopg') && connection.session !== undefined) {
    return connection.session(async (session) => {
      for (const [setting, value] of guardsOf(options.limits))
        await session.query(`SET ${setting} = ${value}`)
      const planner = new PostgresqlPlanner(session, snapshot, new HypopgSupposer(session))
      const hasTrigrams = snapshot.extensions.installed.includes('pg_trgm')
      try {
        return await advise({
          ...options,
          planner,
          ...(hasTrigrams
            ? {
                trigrams: (found) =>
                  withTemporaryTables(session, () => trigramAdvice(session, session, found, options.limits)),
              }
            : {}),
        })
      } finally {
        await planner.close().catch(() => {})
        for (const [setting] of guardsOf(options.limits))
          await session.query(`RESET ${setting}`).catch(() => {})
      }
    })
  }
  let scratch: PostgresqlScratch | undefined
  try {
    scratch = await tools?.postgresqlScratch?.(snapshot)
  } catch (error) {
    const why = `A scratch database could not be created: ${errorMessage(error)}`
    return withGap(await advise({ ...options, planner: modelOf(options) }), { what: NO_PLANNER.what, why })
  }
  if (scratch === undefined)
    return withGap(await advise({ ...options, planner: modelOf(options) }), NO_PLANNER)
  try {
    const { session, supposer, hasTrigrams } = scratch
    const trigrams = hasTrigrams
      ? {
          trigrams: (found: readonly ReadStatement[]) =>
            withTimeout(connection, options.limits, (source) =>
              trigramAdvice(source, session, found, options.limits),
            ),
        }
      : {}
    const advice = await advise({
      ...options,
      planner: new PostgresqlPlanner(session, snapshot, supposer),
      ...trigrams,
    })
    const gaps = scratch.gaps.map((what) => ({
      what,
      why: 'It could not be created in the scratch database of the planner.',
    }))
    return { ...advice, gaps: [...advice.gaps, ...gaps] }
  } finally {
    await scratch.close()
  }
}

/**
 * Planning a statement can call functions, which must not change anything. Strings are read in the way in
 * which they were written.
 */
function guardsOf({
  statementTimeoutMs,
}: TimeLimits): readonly (readonly [setting: string, value: string])[] {
  return [
    ['default_transaction_read_only', 'on'],
    ['standard_conforming_strings', 'on'],
    timeoutOf(statementTimeoutMs),
  ]
}

function timeoutOf(ms: number): readonly [setting: string, value: string] {
  return ['statement_timeout', String(Math.max(1, Math.ceil(ms)))]
}

/** Runs work on a session whose statements have a timeout; on the connection itself if it has no sessions. */
async function withTimeout<T>(
  connection: Connection,
  { statementTimeoutMs }: TimeLimits,
  work: (session: Connection) => Promise<T>,
): Promise<T> {
  if (connection.session === undefined) return work(connection)
  return connection.session(async (session) => {
    const [setting, value] = timeoutOf(statementTimeoutMs)
    await session.query(`SET ${setting} = ${value}`)
    try {
      return await work(session)
    } finally {
      await session.query(`RESET ${setting}`).catch(() => {})
    }
  })
}

async function withTemporaryTables<T>(session: Connection, work: () => Promise<T>): Promise<T> {
  await session.query('SET default_transaction_read_only = off')
  try {
    return await work()
  } finally {
    await session.query('SET default_transaction_read_only = on')
  }
}

const NO_PLANNER: InspectionGap = {
  what: 'validation of indexes',
  why: 'No planner was available: run CREATE EXTENSION hypopg in the database, or install the package @electric-sql/pglite next to sluice.',
}

function withGap(advice: Advice, gap: InspectionGap): Advice {
  return { ...advice, gaps: [...advice.gaps, gap] }
}

async function adviseOnSqlite(options: WithStatistics): Promise<Advice> {
  const { snapshot, connection, tools, statistics, limits } = options
  const gaps: InspectionGap[] = []
  const clone = await tools?.sqliteScratch?.()
  if (clone === undefined) return advise({ ...options, planner: modelOf(options) })
  const sample = await tools?.sqliteScratch?.()
  const timed = sample === undefined ? undefined : await tools?.sqliteScratch?.()
  try {
    const planner = await SqliteClonePlanner.create(connection, clone, {
      snapshot,
      statistics,
      popularity: new Map(),
    })
    const check =
      sample === undefined ? {} : { check: sqliteSampleCheck(connection, sample, snapshot, gaps, limits) }
    const rewriteTimer =
      timed === undefined ? {} : { rewriteTimer: sqliteRewriteTimer(connection, timed, snapshot, limits) }
    const advice = await advise({ ...options, planner, ...check, ...rewriteTimer })
    return { ...advice, gaps: [...advice.gaps, ...gaps] }
  } finally {
    await clone.close()
    await sample?.close()
    await timed?.close()
  }
}
