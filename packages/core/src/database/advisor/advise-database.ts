import type { Connection } from '../../schema/connection.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import type { TrafficEntry } from '../traffic/traffic-entry.ts'
import type { Advice } from './advice.ts'
import { type AdviseOptions, advise } from './advise.ts'
import { mysqlSampleCheck } from './checks/mysql-sample-check.ts'
import { sqliteSampleCheck } from './checks/sqlite-sample-check.ts'
import { HypopgSupposer } from './planners/hypopg-supposer.ts'
import { ModelPlanner } from './planners/model-planner.ts'
import { type IndexSupposer, PostgresqlPlanner } from './planners/postgresql-planner.ts'
import { SqliteClonePlanner } from './planners/sqlite-clone-planner.ts'
import { readWorkload } from './read-workload.ts'
import { sampledStatistics } from './sampled-statistics.ts'
import { CatalogStatistics, type Statistics } from './statistics.ts'

/** A PostgreSQL without rows that plans as another one would. */
export interface PostgresqlScratch {
  readonly session: Connection
  readonly supposer: IndexSupposer
  /** What could not be made as it is in the database. */
  readonly gaps: readonly string[]
  close(): Promise<void>
}

/** What the advisor can use beside the database itself. */
export interface AdvisorTools {
  /** For PostgreSQL without HypoPG. */
  postgresqlScratch?(snapshot: DatabaseSnapshot): Promise<PostgresqlScratch>
  /** For SQLite: an empty database in memory, by the same library. */
  sqliteScratch?(): Promise<Connection & { close(): Promise<void> }>
}

export interface AdviseDatabaseOptions extends Pick<AdviseOptions, 'naming' | 'onProgress' | 'thresholds' | 'clock'> {
  readonly connection: Connection
  readonly snapshot: DatabaseSnapshot
  readonly traffic: readonly TrafficEntry[]
  readonly tools?: AdvisorTools
}

/**
 * Advises on a database by the best planner that can be asked: HypoPG or a scratch database (PostgreSQL), a clone (SQLite), a model whose choice is
 * measured on a sample (MySQL). Where there is none of these, advice comes from the model alone, and says so.
 *
 * Writes nothing to the database: what is made is hypothetical, temporary, or elsewhere.
 *
 * @throws The database's own error, when the connection is lost.
 */
export async function adviseDatabase(options: AdviseDatabaseOptions): Promise<Advice> {
  const { snapshot, connection } = options
  const common = { ...options, statistics: await statisticsOf(options) }
  switch (snapshot.dialect) {
    case 'postgresql':
      return adviseOnPostgresql(common)
    case 'sqlite':
      return adviseOnSqlite(common)
    case 'mysql':
      if (connection.session === undefined) return advise({ ...common, planner: modelOf(common) })
      return connection.session((session) => advise({ ...common, planner: modelOf(common), check: mysqlSampleCheck(session, snapshot) }))
  }
}

type WithStatistics = AdviseDatabaseOptions & { readonly statistics: Statistics }

/** PostgreSQL keeps statistics; elsewhere the columns that the traffic asks for are sampled. */
async function statisticsOf({ snapshot, connection, traffic }: AdviseDatabaseOptions): Promise<Statistics> {
  if (snapshot.dialect === 'postgresql') return new CatalogStatistics()
  const { statements } = readWorkload(traffic, snapshot)
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
      const planner = new PostgresqlPlanner(session, snapshot, new HypopgSupposer(session))
      try {
        return await advise({ ...options, planner })
      } finally {
        await planner.close().catch(() => {})
      }
    })
  }
  const scratch = await tools?.postgresqlScratch?.(snapshot)
  if (scratch === undefined) return advise({ ...options, planner: modelOf(options) })
  try {
    const advice = await advise({ ...options, planner: new PostgresqlPlanner(scratch.session, snapshot, scratch.supposer) })
    const gaps = scratch.gaps.map((what) => ({ what, why: 'It could not be made in the scratch database that the planner was asked in.' }))
    return { ...advice, gaps: [...advice.gaps, ...gaps] }
  } finally {
    await scratch.close()
  }
}

async function adviseOnSqlite(options: WithStatistics): Promise<Advice> {
  const { snapshot, connection, tools, statistics } = options
  const clone = await tools?.sqliteScratch?.()
  if (clone === undefined) return advise({ ...options, planner: modelOf(options) })
  const sample = await tools?.sqliteScratch?.()
  try {
    const planner = await SqliteClonePlanner.create(connection, clone, { snapshot, statistics, popularity: new Map() })
    const check = sample === undefined ? {} : { check: sqliteSampleCheck(connection, sample, snapshot) }
    return await advise({ ...options, planner, ...check })
  } finally {
    await clone.close()
    await sample?.close()
  }
}
