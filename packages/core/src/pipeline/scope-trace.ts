import type { ExecutionGroup } from './execution-group.ts'
import type { Operation } from './operation.ts'

/**
 * What spared a read a query of its own: another's query that answered it, too; what was asked ahead; the cache; or the ORM, which merges those of some shapes by
 * itself.
 */
export type SparedBy = 'batch' | 'ahead' | 'cache' | 'orm'

/** Is told of what happens in one scope, as it happens. Must not throw, and must cost next to nothing: the app waits for it. Times are monotonic, in milliseconds. */
export interface ScopeTrace {
  /** An execution of a group ended. `parallel`, `count` and the rest of the group include it. */
  executed(group: ExecutionGroup, startedAt: number, endedAt: number, rows: number, failed: boolean): void
  /** An execution ended that the ORM merged with others of its group. */
  merged(group: ExecutionGroup, startedAt: number, endedAt: number): void
  /**
   * Reads like this one were answered without a query of their own.
   *
   * @param startedAt - When the query began that answered them; left out: they were answered from memory, now.
   */
  spared(operation: Operation<unknown>, by: SparedBy, count: number, startedAt?: number): void
}

/** Several as one. */
export function tracesOf(first: ScopeTrace | undefined, second: ScopeTrace): ScopeTrace {
  if (first === undefined) return second
  return {
    executed: (...execution) => {
      first.executed(...execution)
      second.executed(...execution)
    },
    merged: (...execution) => {
      first.merged(...execution)
      second.merged(...execution)
    },
    spared: (...read) => {
      first.spared(...read)
      second.spared(...read)
    },
  }
}
