import type { Execution } from '../pipeline/execution.ts'
import { type Stack, StatementValues } from '../pipeline/execution-group.ts'
import { sentStack } from '../pipeline/origin-stacks.ts'
import type { Recorder } from '../pipeline/recorder.ts'
import type { Ambient } from '../pipeline/scope.ts'
import type { StatementCaller, StatementWatch } from '../pipeline/statement-watch.ts'
import type { TraceSlot } from '../pipeline/workload-trace.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SentStatement } from './sent-statement.ts'
import type { StatementPlan } from './statement-plan.ts'
import type { WriteAnnouncer } from './write-announcer.ts'

/** The services that {@link StatementRecords} needs. */
export interface RecordsHost {
  readonly recorder: Recorder
  readonly watch: StatementWatch | undefined
  readonly trace: TraceSlot
  reportError(error: unknown): void
}

export interface RecordedClient {
  readonly sourceId: string
  readonly dialect: Dialect
  readonly recordsOperations?: boolean | undefined
}

const untraced = {}

/** A statement whose stack is captured where it is sent, unless the adapter captured it earlier. */
class Traced {
  constructor(
    private readonly sent: string,
    private readonly captured: (() => Stack | undefined) | undefined,
  ) {}

  stack(): Stack | undefined {
    return this.captured === undefined ? sentStack(this.sent) : this.captured()
  }
}

/**
 * Distinguishes a read from others of its normalized query by its values: the same read twice is a duplicate
 * query.
 */
export class Comparable extends Traced {
  constructor(
    private readonly sql: string,
    private readonly params: readonly unknown[],
    captured: (() => Stack | undefined) | undefined,
    sent: string = sql,
  ) {
    super(sent, captured)
  }

  values(): unknown {
    return new StatementValues(this.sql, this.params)
  }
}

/** Records the statements of one client, from the sending of each to its answer. */
export class StatementRecords {
  constructor(
    private readonly host: RecordsHost,
    private readonly client: RecordedClient,
    private readonly writes: WriteAnnouncer,
  ) {}

  /** Records a statement that is about to be sent. */
  begin(
    connection: object,
    sent: Pick<SentStatement<unknown>, 'sql' | 'params' | 'stack' | 'caller'>,
    planned: StatementPlan,
    ambient: Ambient,
    kind?: 'stream' | 'synchronous',
  ): Execution {
    const { analyzed, shape, isRepeatable } = planned
    const { recorder, watch } = this.host
    const { recordsOperations, dialect, sourceId } = this.client
    const issued =
      isRepeatable && kind !== 'stream'
        ? new Comparable(planned.sql, sent.params, sent.stack?.bind(sent), sent.sql)
        : sent.stack === undefined
          ? new Traced(sent.sql, undefined)
          : sent
    const caller = (recordsOperations === true ? sent.caller : issued) as StatementCaller | undefined
    const watched =
      watch === undefined || ambient.isShadowing
        ? undefined
        : watch.begin(sent.sql, dialect, analyzed, sent.params, caller)
    const scope = ambient.counted
    const execution = recordsOperations === true ? recorder.sent(scope) : recorder.begin(scope, shape, issued)
    execution.watched = watched
    execution.traced = this.host.trace.current?.sends({
      sourceId,
      connection,
      params: sent.params,
      planned,
      ambient,
      isSynchronous: kind === 'synchronous',
      effect: () => this.writes.effectOf(planned, sent.params),
    })
    return execution
  }

  /** The statement was answered. */
  answered<T>(execution: Execution, sent: Pick<SentStatement<T>, 'rows'>, answer: Awaited<T>): void {
    const timer = execution.scope?.timer
    if (timer === undefined) this.#answered(execution, sent, answer)
    else timer.inside(() => this.#answered(execution, sent, answer))
  }

  #answered<T>(execution: Execution, sent: Pick<SentStatement<T>, 'rows'>, answer: Awaited<T>): void {
    let rows = 0
    try {
      rows = sent.rows(answer)
    } catch (error) {
      this.host.reportError(error)
    }
    this.end(execution, rows, false)
  }

  end(execution: Execution, rows: number, failed: boolean): void {
    this.host.recorder.end(execution, rows, untraced, failed)
  }
}
