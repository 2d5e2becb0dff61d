import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Stack } from './execution-group.ts'

/** Provides the stack from which a statement was issued. */
export interface StatementCaller {
  stack(): Stack | undefined
}

/** The statements of one normalized query, for a watch. */
export interface WatchedShape {
  /**
   * A statement ended. Never throws.
   *
   * @param startedAt - On the clock of the watch, like `endedAt`.
   * @param rows - Number of rows that it returned.
   */
  ended(startedAt: number, endedAt: number, rows: number, failed: boolean): void
}

/** Receives every statement that is sent to the database for the app, except transaction control. */
export interface StatementWatch {
  /**
   * A statement is sent. Costs almost nothing for SQL that was seen before. Never throws.
   *
   * @param caller - Its stack is requested occasionally; `undefined` if the caller of this statement is
   * unknown.
   * @returns The receiver of its end; `undefined` if there is none.
   */
  begin(
    sql: string,
    dialect: Dialect,
    analyzed: AnalyzedSql,
    bindings: readonly unknown[],
    caller: StatementCaller | undefined,
  ): WatchedShape | undefined
  /** Whether it may request the stack of the next statement with this analysis. */
  mayTrace(analyzed: AnalyzedSql): boolean
  /** Monotonic time in milliseconds. */
  now(): number
}

type Begin = Pick<StatementWatch, 'begin'>

/** All receivers of statements, combined into one. */
export class StatementWatches {
  readonly #own: StatementWatch | undefined
  readonly #others = new Set<Begin>()
  readonly #together: StatementWatch
  readonly #onError: (error: unknown) => void
  /**
   * `undefined` if there are no receivers. If there is only the watch of the Sluice, it is that watch,
   * without a wrapper.
   */
  current: StatementWatch | undefined

  /**
   * @param own - The watch of the Sluice.
   * @param now - Its clock.
   * @param onError - Called with errors that other watches throw.
   */
  constructor(own: StatementWatch | undefined, now: () => number, onError: (error: unknown) => void) {
    this.#own = own
    this.#onError = onError
    this.#together = {
      now,
      mayTrace: () => true,
      begin: (sql, dialect, analyzed, bindings, caller) =>
        this.#begin(sql, dialect, analyzed, bindings, caller),
    }
    this.current = own
  }

  /** Returns a function that removes the watch. */
  add(other: Begin): () => void {
    this.#others.add(other)
    this.current = this.#together
    return () => {
      this.#others.delete(other)
      if (this.#others.size === 0) this.current = this.#own
    }
  }

  // No rest parameters and no closures: every statement passes through here.
  #begin(
    sql: string,
    dialect: Dialect,
    analyzed: AnalyzedSql,
    bindings: readonly unknown[],
    caller: StatementCaller | undefined,
  ): WatchedShape | undefined {
    let begun = this.#own?.begin(sql, dialect, analyzed, bindings, caller)
    for (const other of this.#others) {
      try {
        const one = other.begin(sql, dialect, analyzed, bindings, caller)
        if (one !== undefined) begun = new BothShapes(begun, one, this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
    return begun
  }
}

/**
 * Reports the end of a statement to two receivers. An error of the second one is reported, and has no other
 * effect.
 */
class BothShapes implements WatchedShape {
  constructor(
    private readonly first: WatchedShape | undefined,
    private readonly second: WatchedShape,
    private readonly onError: (error: unknown) => void,
  ) {}

  ended(startedAt: number, endedAt: number, rows: number, failed: boolean): void {
    this.first?.ended(startedAt, endedAt, rows, failed)
    try {
      this.second.ended(startedAt, endedAt, rows, failed)
    } catch (error) {
      this.onError(error)
    }
  }
}
