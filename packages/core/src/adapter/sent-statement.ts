import type { Stack } from '../pipeline/execution-group.ts'
import type { StatementCaller } from '../pipeline/statement-watch.ts'

/** An SQL statement that an adapter is about to send on a connection. */
export interface SentStatement<TAnswer> {
  readonly sql: string
  readonly params: readonly unknown[]
  /** Sends the statement to the database. Called at most once. */
  send(): TAnswer
  /** Returns the number of rows in an answer. */
  rows(answer: Awaited<TAnswer>): number
  /** The driver's own result in an answer. Default: the answer is it. */
  resultOf?(answer: Awaited<TAnswer>): unknown
  /** Whether the server answered COMMIT with a rollback. Default: it never does. */
  isRolledBack?(answer: Awaited<TAnswer>): boolean
  /**
   * Rolls back the transaction of the connection without Sluice. Called instead of `send` if COMMIT is
   * rejected.
   */
  rollBack?(): Promise<unknown>
  /**
   * Whether the ORM knows of the transaction that this statement begins, so that it marks the reads inside.
   */
  readonly isKnown?: boolean | undefined
  /**
   * The stack of the user's call, if the adapter captured it earlier. Default: captured when the statement is
   * sent.
   */
  stack?(): Stack | undefined
  /** Whether it belongs to a read that Sluice routes. Default: it is sent to the primary. */
  readonly isRouted?: boolean | undefined
  /** The operation that caused the statement, if the pipeline records operations. */
  readonly caller?: StatementCaller | undefined
}

/** A statement whose answer arrives as a stream. */
export interface StreamedStatement {
  /**
   * Settles when the statement may be sent; `undefined`: immediately. If it rejects, the statement must not
   * be sent.
   */
  readonly ready: Promise<void> | undefined
  /**
   * Reports the end of the stream.
   *
   * @param error - `undefined` if it succeeded.
   * @returns A promise that must settle before the caller is notified; `undefined`: there is none.
   */
  end(error: unknown, rows: number): Promise<void> | undefined
}

/** BEGIN, COMMIT and the like, sent as a statement or called by name. */
export type SentControl<TAnswer> = Pick<
  SentStatement<TAnswer>,
  'send' | 'isRolledBack' | 'rollBack' | 'isKnown'
>
