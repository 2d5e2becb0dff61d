import type { CacheControl } from '@sluice/core'
import type { CacheRequest, ReadPlan, TableId } from '@sluice/core/adapter'
import { valueTypes } from './internals.ts'
import { areFound } from './touches/pinned-rows.ts'
import type { Touches } from './touches/touches.ts'

interface RequestedOperation {
  /** The rows to which it is pinned. Called at most once, for a miss. */
  pinned(): Touches['pinned']
  accepts(value: unknown): boolean
}

/** The cache request of a read. Its rows are determined only for a miss. */
export class PrismaRequest implements CacheRequest<unknown> {
  readonly tables: readonly TableId[]
  readonly control: CacheControl | undefined
  readonly types: ReturnType<typeof valueTypes> = valueTypes()
  readonly #action: string
  #pinned: { readonly rows: Touches['pinned'] } | undefined = undefined

  constructor(
    readonly key: string,
    readonly plan: ReadPlan,
    call: { readonly operation: string; readonly control?: CacheControl | undefined },
    private readonly operation: RequestedOperation,
  ) {
    this.tables = plan.tables
    this.control = call.control
    this.#action = call.operation
  }

  get rows(): ReadonlyMap<TableId, readonly number[]> | undefined {
    const pinned = this.#rows()
    return pinned && new Map([[pinned.table, pinned.buckets]])
  }

  isComplete(value: unknown): boolean {
    const pinned = this.#rows()
    return pinned !== undefined && areFound(value, this.#action, pinned.count)
  }

  accepts(value: unknown): boolean {
    return this.operation.accepts(value)
  }

  #rows(): Touches['pinned'] {
    this.#pinned ??= { rows: this.operation.pinned() }
    return this.#pinned.rows
  }
}
