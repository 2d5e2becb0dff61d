import type { ExecutionGroup } from './execution-group.ts'
import type { Operation } from './operation.ts'

/**
 * Why a read needed no separate query: another operation's query returned its result, too; it was prefetched;
 * it was served from the cache; or the ORM batched it, as it does for some normalized queries.
 */
export type SavedBy = 'batch' | 'ahead' | 'cache' | 'orm'

/**
 * Receives the events of one scope as they happen. Must not throw, and must cost almost nothing, because the
 * app waits for it. Times are monotonic, in milliseconds.
 */
export interface ScopeTrace {
  /** An execution of a group ended. `parallel`, `count` and the rest of the group include it. */
  executed(group: ExecutionGroup, startedAt: number, endedAt: number, rows: number, failed: boolean): void
  /** An execution ended that the ORM batched with others of its group. */
  merged(group: ExecutionGroup, startedAt: number, endedAt: number): void
  /**
   * Reads like this one were served without a separate query.
   *
   * @param startedAt - Start of the query that returned their results; if omitted, they were served from
   * memory, now.
   */
  saved(operation: Operation<unknown>, by: SavedBy, count: number, startedAt?: number): void
}

/** Combines two traces into one. */
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
    saved: (...read) => {
      first.saved(...read)
      second.saved(...read)
    },
  }
}
