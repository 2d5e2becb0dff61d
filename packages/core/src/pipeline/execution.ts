import type { ExecutionGroup, Sample, Stack } from './execution-group.ts'
import type { Scope } from './scope.ts'
import type { WatchedShape } from './statement-watch.ts'

/**
 * An execution in flight. It is also its sample in the group: each query creates one, so that one object is
 * cheaper than two.
 */
export class Execution implements Sample {
  startedAt = 0
  stack: Stack | undefined = undefined
  /** Receives its end; `undefined` if there is no receiver. */
  watched: WatchedShape | undefined = undefined
  /** The connection of a statement, if its end is not reported with it. */
  connection: object | undefined = undefined
  /** Reports its end to a workload trace, if one is being recorded. */
  traced: ((rows: number, failed: boolean) => void) | undefined = undefined

  constructor(
    readonly scope: Scope | undefined,
    readonly group: ExecutionGroup | undefined,
    readonly values: unknown,
    readonly writes: number,
    /** Whether it is a statement, or all that is seen of a statement. */
    readonly isTimed: boolean,
    /** Whether the ORM batches it with another execution, which counts for both. */
    readonly isMerged: boolean,
  ) {}
}
