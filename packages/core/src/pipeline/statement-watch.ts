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

type Begin = Pick<StatementWatch, 'begin'>

/** Everybody who is told of statements, as one. */
export class StatementWatches {
  readonly #own: StatementWatch | undefined
  readonly #others = new Set<Begin>()
  readonly #together: StatementWatch
  readonly #onError: (error: unknown) => void
  /** `undefined`: nobody wants to know. Where nobody but the Sluice's own does, it is that one: nothing stands in between. */
  current: StatementWatch | undefined

  /**
   * @param own - The Sluice's own.
   * @param now - Its clock.
   * @param onError - Is told what others threw.
   */
  constructor(own: StatementWatch | undefined, now: () => number, onError: (error: unknown) => void) {
    this.#own = own
    this.#onError = onError
    this.#together = { now, begin: (sql, dialect, analyzed, bindings, caller) => this.#begin(sql, dialect, analyzed, bindings, caller) }
    this.current = own
  }

  /** Returns what takes it off again. */
  add(other: Begin): () => void {
    this.#others.add(other)
    this.current = this.#together
    return () => {
      this.#others.delete(other)
      if (this.#others.size === 0) this.current = this.#own
    }
  }

  // No rest and no closures: each statement comes here.
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

/** Tells two of a statement's end. What the second throws is told, and hinders nothing. */
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
