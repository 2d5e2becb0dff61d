import type { WriteEffect } from '../schema/catalog.ts'
import type { ReadPlan } from '../schema/read-plan.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Handler } from './interceptor.ts'
import type { Operation } from './operation.ts'
import type { OperationContext } from './operation-context.ts'
import type { Ambient } from './scope.ts'

/** A statement that is about to be sent. */
export interface TraceableStatement {
  readonly sourceId: string
  readonly connection: object
  readonly params: readonly unknown[]
  readonly planned: { readonly sql: string; readonly analyzed: AnalyzedSql; readonly read: ReadPlan }
  readonly ambient: Ambient
  /** Whether its client is synchronous. */
  readonly isSynchronous: boolean
  /** Its effect, as far as its SQL and the catalog show it; `undefined`: none. */
  effect(): WriteEffect | undefined
}

/** Records the workload of an app in `observe`, and how `optimize` would handle it. Never throws. */
export interface WorkloadTrace {
  /** Runs a read of a scope in `observe`. */
  read<TResult>(
    operation: Operation<TResult>,
    context: OperationContext,
    isBypassed: boolean,
    run: Handler,
  ): Promise<TResult>
  /** An operation that can write was sent. Recorded if the statements of its client are not seen. */
  wrote(operation: Operation<unknown>, context: OperationContext, running: Promise<unknown>): void
  /** @returns A function that reports its end. */
  sends(statement: TraceableStatement): ((rows: number, failed: boolean) => void) | undefined
  /** A transaction has begun. */
  began(connection: object): void
  ended(connection: object, isRolledBack: boolean): void
}

/** The trace that is being recorded. */
export interface TraceSlot {
  /** `undefined`: nothing is recorded. Read it for each operation and statement. */
  readonly current: WorkloadTrace | undefined
}
