import type { Execution, Recorder } from '../pipeline/recorder.ts'
import type { Scope } from '../pipeline/scope.ts'
import type { WatchedShape } from '../pipeline/statement-watch.ts'
import type { SentStatement } from './sent-statement.ts'

/** The services that {@link RunningStatement} needs. */
interface StatementHost {
  readonly recorder: Recorder
  reportError(error: unknown): void
}

const untraced = {}

/** A statement between its sending and its answer. */
export class RunningStatement {
  constructor(
    private readonly host: StatementHost,
    private readonly execution: Execution | undefined,
    private readonly scope: Scope | undefined,
    private readonly startedAt: number,
    private readonly watched: WatchedShape | undefined,
    private readonly recorded: ((rows: number, failed: boolean) => void) | undefined,
  ) {}

  answered<T>(sent: Pick<SentStatement<T>, 'rows'>, answer: Awaited<T>): void {
    const timer = this.scope?.timer
    if (timer === undefined) this.#answered(sent, answer)
    else timer.inside(() => this.#answered(sent, answer))
  }

  #answered<T>(sent: Pick<SentStatement<T>, 'rows'>, answer: Awaited<T>): void {
    let rows = 0
    try {
      rows = sent.rows(answer)
    } catch (error) {
      this.host.reportError(error)
    }
    this.end(rows, false)
  }

  failed(): void {
    this.end(0, true)
  }

  end(rows: number, failed: boolean): void {
    const { host, execution, startedAt } = this
    const { recorder } = host
    try {
      const endedAt =
        execution === undefined
          ? recorder.answered(this.scope, startedAt)
          : recorder.end(execution, rows, untraced, failed)
      this.watched?.ended(startedAt, endedAt, rows, failed)
      this.recorded?.(rows, failed)
    } catch (error) {
      host.reportError(error)
    }
  }
}
