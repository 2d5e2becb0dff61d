import type { Dialect } from '@sluice/core'
import { onMariadb } from '../services/mariadb.ts'
import {
  asRoot,
  findMariadbReplication,
  replayedOnMariadb,
  startMariadbPair,
} from '../services/mariadb-pair.ts'
import { onPostgres } from '../services/postgres.ts'
import { findPostgresReplication, startPostgresPair } from '../services/postgres-pair.ts'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'

/** A kind of database with replicas to loop over: `describe.skipIf(skipped !== undefined)(name, …)`. */
export interface ReplicaPairKind {
  readonly name: 'PostgreSQL' | 'MariaDB'
  readonly dialect: Extract<Dialect, 'postgresql' | 'mysql'>
  /** The client option of Knex. */
  readonly client: 'pg' | 'mysql2'
  /** The reason why this machine has no such pair. */
  readonly skipped: string | undefined
  start(replicaCount?: number): Promise<ReplicaPair>
  /** Runs one statement, as the administrator. */
  on(url: string, sql: string): Promise<Record<string, unknown>[]>
  /** Settles when a replica has replayed all earlier writes of its primary. */
  caughtUp(pair: ReplicaPair, replica: PairReplica): Promise<void>
  /** Ways in which writes reach replicas. */
  readonly ways: readonly ReplayWay[]
}

interface ReplayWay {
  readonly name: string
  /** Sent on each connection that writes. */
  readonly session: string
  /** Sets the replica up. */
  set(replica: PairReplica): Promise<void>
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Every kind of database whose replicas Sluice reads from. A missing one is reported once; with `CI=true` it
 * is an error.
 */
export function replicaPairs(): readonly ReplicaPairKind[] {
  return [postgres(), mariadb()]
}

function postgres(): ReplicaPairKind {
  const found = findPostgresReplication()
  return {
    name: 'PostgreSQL',
    dialect: 'postgresql',
    client: 'pg',
    skipped: skippedBy(found),
    start: (replicaCount) => startPostgresPair((found as Exclude<typeof found, string>).folder, replicaCount),
    on: onPostgres,
    async caughtUp({ primary }, replica) {
      const [{ lsn } = {}] = await onPostgres(primary, 'SELECT pg_current_wal_flush_lsn()::text AS lsn')
      for (;;) {
        const [behind] = await onPostgres(
          replica.url,
          'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done',
          [lsn],
        )
        if (behind?.done === true) return
        await sleep(20)
      }
    },
    ways: ['on', 'off'].map((value) => ({
      name: `synchronous_commit = ${value}`,
      session: `SET synchronous_commit = ${value}`,
      set: async () => {},
    })),
  }
}

function mariadb(): ReplicaPairKind {
  const found = findMariadbReplication()
  const on: ReplicaPairKind['on'] = (url, sql) => onMariadb(asRoot(url), sql)
  return {
    name: 'MariaDB',
    dialect: 'mysql',
    client: 'mysql2',
    skipped: skippedBy(found),
    start: (replicaCount) => startMariadbPair(found as Exclude<typeof found, string>, replicaCount),
    on,
    caughtUp: ({ primary }, { url }) => replayedOnMariadb(primary, url),
    ways: [0, 4].map((threads) => ({
      name: `slave_parallel_threads = ${threads}`,
      session: 'SELECT 1',
      async set({ url }) {
        await on(url, 'STOP SLAVE SQL_THREAD')
        await on(url, `SET GLOBAL slave_parallel_threads = ${threads}`)
        await on(url, 'START SLAVE SQL_THREAD')
      },
    })),
  }
}

function skippedBy(found: unknown): string | undefined {
  if (typeof found !== 'string') return undefined
  if (process.env.CI === 'true')
    throw new Error(`A database that can be replicated is needed when CI is set: ${found}`)
  console.warn(`Tests on replicas are skipped. ${found}`)
  return found
}
