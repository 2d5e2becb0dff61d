import type { Shape } from './operation.ts'

/** The samples of a group without any. Must not be modified. */
export const NO_SAMPLES: Sample[] = []

/**
 * The executions of one normalized query within a scope. A class, for the reason of {@link StatementValues}.
 */
export class ExecutionGroup {
  count = 0
  /** Executions that began while another of the group was in flight. */
  parallel = 0
  inFlight = 0
  /** Time since which at least one execution is in flight. */
  busySince = 0
  /** Milliseconds in which at least one execution was in flight. */
  databaseMs = 0
  rows = 0
  /** The first executions, in order; they represent the rest. */
  samples: Sample[] = NO_SAMPLES

  constructor(
    readonly shape: Shape,
    /** The listings before its first execution, oldest first. */
    readonly listings: readonly Listing[],
    /**
     * Whether its first executions were traced, so that all its call sites are known; `false`: at most one of
     * them is known.
     */
    public isTraced: boolean,
  ) {}
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

/**
 * The values of an SQL statement. A class and not an array: V8 allocates arrays that live as long as a scope
 * in its old generation, where they retain everything of the scope after its end.
 */
export class StatementValues {
  constructor(
    readonly sql: string,
    readonly params: readonly unknown[],
  ) {}
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
