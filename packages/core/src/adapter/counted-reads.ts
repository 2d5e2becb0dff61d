import { addCallers, raiseStackLimit, restoreStackLimit } from '../pipeline/error-stack.ts'
import type { Execution } from '../pipeline/execution.ts'
import type { Stack } from '../pipeline/execution-group.ts'
import type { OverheadTimer } from '../pipeline/overhead.ts'
import type { Ambient, ScopeStorage } from '../pipeline/scope.ts'
import type { StatementCaller } from '../pipeline/statement-watch.ts'
import type { ConnectionTransactions } from './connection-transactions.ts'
import { beginSending, endSending } from './sending.ts'
import type { SentStatement } from './sent-statement.ts'
import type { StatementPlan, StatementPlans } from './statement-plan.ts'
import {
  Comparable,
  type RecordedClient,
  type RecordsHost,
  type StatementRecords,
} from './statement-records.ts'
import type { WriteAnnouncer } from './write-announcer.ts'

interface CountingParts {
  readonly host: RecordsHost & { readonly scopes: ScopeStorage; isOptimizing(): boolean }
  readonly client: RecordedClient
  readonly plans: StatementPlans
  readonly records: StatementRecords
  readonly writes: WriteAnnouncer
  readonly transactions: ConnectionTransactions
}

/**
 * Counts the statements that need nothing else: plain reads that are known to write nothing, which most
 * statements of an app are. Their adapter sends them as it would without Sluice and reports their end where
 * it sees it, so they need neither a promise nor a closure.
 */
export class CountedReads {
  constructor(private readonly parts: CountingParts) {}

  /**
   * A statement is about to be sent on a connection.
   *
   * @param stack - As that of `SentStatement`.
   * @param caller - As that of `SentStatement`.
   * @returns Its record, for `end` or `failed`. `undefined`: send it through `AdapterClient.statement`.
   */
  begin(
    connection: object,
    sql: string,
    params: readonly unknown[],
    stack?: () => Stack | undefined,
    caller?: StatementCaller,
  ): Execution | undefined {
    const { host, writes } = this.parts
    const plan = this.#planOf(sql)
    if (plan === undefined) return undefined
    try {
      const isOptimizing = host.isOptimizing()
      if (!plan.isRepeatable || !writes.isQuiet(plan, isOptimizing) || host.trace.current !== undefined)
        return undefined
      if (!plan.isPlainRead) return undefined
      const { ambient } = host.scopes
      const timer = ambient.scope?.timer
      return timer === undefined
        ? this.#begin(connection, plan, params, stack, caller, ambient, isOptimizing)
        : this.#timed(timer, connection, plan, params, stack, caller, ambient, isOptimizing)
    } catch (error) {
      host.reportError(error)
      return undefined
    }
  }

  /** In a separate function: a closure retains its variables in an object, even if it is not created. */
  #timed(
    timer: OverheadTimer,
    connection: object,
    plan: StatementPlan,
    params: readonly unknown[],
    stack: (() => Stack | undefined) | undefined,
    caller: StatementCaller | undefined,
    ambient: Ambient,
    isOptimizing: boolean,
  ): Execution {
    return timer.inside(() => this.#begin(connection, plan, params, stack, caller, ambient, isOptimizing))
  }

  /** Whether the stack of the next statement with this SQL may be captured. */
  needsCaller(sql: string): boolean {
    const { host } = this.parts
    const plan = this.#planOf(sql)
    if (plan === undefined || host.trace.current !== undefined) return true
    const { ambient } = host.scopes
    return (
      host.recorder.mayTrace(ambient.counted, plan.shape) ||
      (!ambient.isShadowing && host.watch?.mayTrace(plan.analyzed) === true)
    )
  }

  /** The same as `begin` for a statement that `send` sends. */
  beginSent(
    connection: object,
    sent: Pick<SentStatement<unknown>, 'sql' | 'params' | 'stack' | 'caller'>,
  ): Execution | undefined {
    const stack = sent.stack === undefined ? undefined : () => sent.stack?.()
    return this.begin(connection, sent.sql, sent.params, stack, sent.caller)
  }

  /**
   * Sends a read whose end is reported to `end` or `failed`, unless it fails here.
   *
   * @throws Any error of `send`.
   */
  start<T>(execution: Execution, send: () => T): T {
    const limit = raiseStackLimit()
    beginSending()
    try {
      return send()
    } catch (error) {
      this.failed(execution, error)
      throw error
    } finally {
      endSending()
      restoreStackLimit(limit)
    }
  }

  /** Sends a read and reports its end. */
  send<T>(execution: Execution, sent: Pick<SentStatement<Promise<T>>, 'send' | 'rows'>): Promise<T> {
    const answered = this.start(execution, () => sent.send())
    // Its caller awaits this promise: with two reactions, V8 would cut the stack of an error at `answered`.
    return answered.then(
      (answer) => {
        this.parts.records.answered(execution, sent, answer as Awaited<Promise<T>>)
        return answer
      },
      (error: unknown) => {
        this.failed(execution, error)
        addCallers(error)
        throw error
      },
    )
  }

  /** An error occurs again where the statement is sent otherwise, and is reported there. */
  #planOf(sql: string): StatementPlan | undefined {
    try {
      return this.parts.plans.of(sql)
    } catch {
      return undefined
    }
  }

  #begin(
    connection: object,
    { analyzed, shape, sql }: StatementPlan,
    params: readonly unknown[],
    stack: (() => Stack | undefined) | undefined,
    caller: StatementCaller | undefined,
    ambient: Ambient,
    isOptimizing: boolean,
  ): Execution {
    const { recorder, watch } = this.parts.host
    const { recordsOperations, dialect } = this.parts.client
    const scope = ambient.counted
    recorder.statement(scope)
    const issued = recordsOperations === true ? undefined : new Comparable(sql, params, stack)
    const watched =
      watch === undefined || ambient.isShadowing
        ? undefined
        : watch.begin(sql, dialect, analyzed, params, issued ?? caller)
    // In `observe`, operations bypass the pipeline, and each statement is one.
    if (issued !== undefined && scope !== undefined && !isOptimizing) scope.counts.operations += 1
    const execution = issued === undefined ? recorder.sent(scope) : recorder.begin(scope, shape, issued)
    execution.connection = connection
    execution.watched = watched
    return execution
  }

  /**
   * The read was answered.
   *
   * @param rows - Number of rows that it returned.
   */
  end(execution: Execution, rows: number): void {
    const { records } = this.parts
    const timer = execution.scope?.timer
    if (timer === undefined) records.end(execution, rows, false)
    else timer.inside(() => records.end(execution, rows, false))
  }

  /** The read failed. */
  failed(execution: Execution, error: unknown): void {
    const { records, transactions } = this.parts
    if (execution.connection !== undefined) transactions.failed(execution.connection, error)
    records.end(execution, 0, true)
  }
}
