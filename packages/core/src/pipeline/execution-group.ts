import type { Shape } from './operation.ts'

/** The executions of one normalized query within a scope. */
export interface ExecutionGroup {
  readonly shape: Shape
  /** The listings before its first execution, oldest first. */
  readonly listings: readonly Listing[]
  count: number
  /** Executions that began while another of the group was in flight. */
  parallel: number
  inFlight: number
  /** Time since which at least one execution is in flight. */
  busySince: number
  /** Milliseconds in which at least one execution was in flight. */
  databaseMs: number
  rows: number
  /**
   * Whether its first executions were traced, so that all its call sites are known; `false`: at most one of
   * them is known.
   */
  isTraced: boolean
  /** The first executions, in order; they represent the rest. */
  samples: Sample[]
}

/** The record of one execution. */
export interface Sample {
  /** Its values, as the adapter provides them; `undefined` if they are unknown. */
  readonly values: unknown
  /** Where it was issued. Captured for few executions, and rarely for the first one. */
  readonly stack: Stack | undefined
  /** Number of writes of the scope that were sent before it. */
  readonly writes: number
}

/** A stack that is formatted only when it is read. */
export interface Stack {
  readonly stack?: string | undefined
}

/** A query that returned several rows: loops usually iterate over its result. */
export interface Listing {
  readonly shape: Shape
  readonly stack: Stack | undefined
}
