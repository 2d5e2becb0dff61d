import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Stack } from './execution-group.ts'

/** Can tell where a statement comes from. */
export interface StatementCaller {
  stack(): Stack | undefined
}

/** The statements of one shape, as a watch knows them. */
export interface WatchedShape {
  /**
   * One of them ended. Never throws.
   *
   * @param startedAt - By the watch's clock, as `endedAt`.
   * @param rows - Rows that it returned.
   */
  ended(startedAt: number, endedAt: number, rows: number, failed: boolean): void
}

/** Is told of every statement that is sent to the database on the app's behalf, transaction control excepted. */
export interface StatementWatch {
  /**
   * A statement is sent. Costs next to nothing for a text that was seen before; never throws.
   *
   * @param caller - Asked for its stack now and then; `undefined` where that is not known of this statement.
   * @returns What is to be told of its end; `undefined`: nobody wants to know.
   */
  begin(
    sql: string,
    dialect: Dialect,
    analyzed: AnalyzedSql,
    bindings: readonly unknown[],
    caller: StatementCaller | undefined,
  ): WatchedShape | undefined
  /** Monotonic time in milliseconds. */
  now(): number
}
