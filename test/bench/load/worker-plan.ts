import type { SluiceSettings } from '@sluice/example-atlas/sluice'

/** What a worker serves. */
export interface WorkerPlan {
  /** The SQLite file, which all workers of one app have in common. */
  readonly file: string
  readonly port: number
  /** Left out: the bare app. */
  readonly shared?: Pick<NonNullable<SluiceSettings['shared']>, 'namespace' | 'consistency'> & { readonly redisUrl: string }
}

/** What a worker has counted since it began. */
export interface WorkerCounts {
  readonly requests: number
  /** Reads answered by a kept response, or by one that was being made for another. */
  readonly hits: number
  /** Reads that the routes answered. */
  readonly misses: number
  /** Statements that reached the database. */
  readonly statements: number
  readonly cpuMs: number
  readonly rssMb: number
}

export const PLAN = 'SLUICE_BENCH_WORKER'
