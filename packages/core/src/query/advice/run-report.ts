import type { NPlusOnePattern } from './n-plus-one-log.ts'

/**
 * The findings of one process of `sluice run`: the content of a JSON file in the folder that the environment
 * variable `SLUICE_RUN` contains.
 */
export interface RunReport {
  readonly schemaVersion: 1
  /** The clients to which Sluice is attached. At least one. */
  readonly clients: readonly string[]
  readonly findings: readonly NPlusOnePattern[]
}
