import type { SluiceSettings } from '@sluice/example-atlas/sluice'

/** The configuration of a worker. */
export interface WorkerPlan {
  /** The SQLite file, which all workers of one app share. */
  readonly file: string
  readonly port: number
  /** Without it, the app runs without Sluice. */
  readonly shared?: Pick<NonNullable<SluiceSettings['shared']>, 'namespace' | 'consistency'> & {
    readonly redisUrl: string
  }
}

/** The counts of a worker since its start. */
export interface WorkerCounts {
  readonly requests: number
  /** Reads served by a cached response, or by one that was being rendered for another request. */
  readonly hits: number
  /** Reads that the routes served. */
  readonly misses: number
  /** Statements that reached the database. */
  readonly statements: number
  readonly cpuMs: number
  readonly rssMb: number
}

export const PLAN = 'SLUICE_BENCH_WORKER'
