import type { Stack } from '../pipeline/execution-group.ts'
import { sentStack } from '../pipeline/origin-stacks.ts'
import type { OverheadTimer } from '../pipeline/overhead.ts'
import type { StatementCaller } from '../pipeline/statement-watch.ts'
import type { SentStatement } from './sent-statement.ts'

/** A statement of a scope whose overhead is measured: the time of the driver is not Sluice's. */
export class TimedStatement<TAnswer> implements SentStatement<TAnswer> {
  constructor(
    private readonly sent: SentStatement<TAnswer>,
    private readonly timer: OverheadTimer,
  ) {}

  get sql(): string {
    return this.sent.sql
  }

  get params(): readonly unknown[] {
    return this.sent.params
  }

  get isKnown(): boolean | undefined {
    return this.sent.isKnown
  }

  get caller(): StatementCaller | undefined {
    return this.sent.caller
  }

  stack(): Stack | undefined {
    return this.sent.stack === undefined ? sentStack(this.sent.sql) : this.sent.stack()
  }

  send(): TAnswer {
    return this.timer.outside(() => this.sent.send())
  }

  rows(answer: Awaited<TAnswer>): number {
    return this.sent.rows(answer)
  }

  resultOf(answer: Awaited<TAnswer>): unknown {
    return this.sent.resultOf?.(answer) ?? answer
  }

  isRolledBack(answer: Awaited<TAnswer>): boolean {
    return this.sent.isRolledBack?.(answer) === true
  }

  async rollBack(): Promise<unknown> {
    return this.sent.rollBack?.()
  }
}
