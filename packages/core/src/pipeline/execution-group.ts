import type { Shape } from './operation.ts'

/** The executions of one shape within a scope. */
export interface ExecutionGroup {
  readonly shape: Shape
  /** The listings before its first execution, the newest last. */
  readonly listings: readonly Listing[]
  count: number
  /** Executions that began while another of the group was under way. */
  parallel: number
  inFlight: number
  /** Since when any of it is in flight. */
  busySince: number
  /** Milliseconds in which at least one execution was in flight. */
  databaseMs: number
  rows: number
  /** Whether its first executions were traced, so that all its call sites are known; `false`: one of them at most. */
  isTraced: boolean
  /** The first executions, in order; they stand for the rest. */
  readonly samples: Sample[]
}

/** What is remembered of one execution. */
export interface Sample {
  /** What it was asked with, as the adapter gives it; `undefined` when that is not known. */
  readonly values: unknown
  /** Where it was issued; of few executions, and never of the first one. */
  readonly stack: Stack | undefined
  /** Writes of the scope that were sent before it. */
  readonly writes: number
}

/** A stack that becomes text only when it is read. */
export interface Stack {
  readonly stack?: string | undefined
}

/** A query that returned several rows: what loops usually walk along. */
export interface Listing {
  readonly shape: Shape
  readonly stack: Stack | undefined
}
