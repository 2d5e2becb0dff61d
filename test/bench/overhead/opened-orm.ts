import type { createSluice } from '@sluice/core'
import type { Program, ProgramName } from './programs.ts'

export type DatabaseName = 'SQLite' | 'PostgreSQL'

/** The variable with the path of the SQLite database. */
export const SQLITE_FILE = 'SLUICE_BENCH_FILE'
export const POSTGRES_URL = 'SLUICE_BENCH_POSTGRES_URL'

/** Connections to PostgreSQL, for each ORM. */
export const POOL = 2

/** The variables with the databases of the contenders' processes. */
export function offer(file: string, url: string | undefined): void {
  process.env[SQLITE_FILE] = file
  process.env[POSTGRES_URL] = url ?? ''
}

/** Only its type is imported: a contender without Sluice does not load it. */
export type BenchSluice = ReturnType<typeof createSluice>

/** The programs of an ORM on one database. */
export interface OpenedOrm {
  readonly programs: Readonly<Record<ProgramName, Program>>
  end(): Promise<unknown>
}
