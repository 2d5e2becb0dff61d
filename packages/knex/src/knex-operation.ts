import { analyzeSql } from '@sluice/core'
import {
  type CacheRequest,
  canonicalKey,
  type Lookup,
  type Operation,
  type OperationKind,
  type Refusal,
  type RowSource,
  type RunContext,
  refuse,
  type Source,
} from '@sluice/core/adapter'
import { type PinnedRead, pinnedReadOf, readsOfStatement } from '@sluice/core/siblings'
import { controlOf } from './cached.ts'
import type { InstanceContext } from './instance-context.ts'
import type { BuilderInternals, ClientInternals } from './internal-types.ts'
import { compiled, isPlain } from './internals.ts'
import { copyRows, isCopyableResult } from './rows.ts'

const READS = new Set(['select', 'first', 'pluck'])

/** One Knex builder on its way to the database, in the core's neutral form. Its results are as before `postProcessResponse`. */
export class KnexOperation implements Operation<unknown> {
  readonly source: Source
  readonly kind: OperationKind
  readonly inTransaction: boolean
  #lookup: Lookup<unknown> | Refusal | undefined

  constructor(
    private readonly state: InstanceContext,
    private readonly client: ClientInternals,
    private readonly builder: BuilderInternals,
    readonly run: (context: RunContext) => Promise<unknown>,
  ) {
    this.source = state.source
    this.kind = READS.has(builder._method ?? '') ? 'read' : 'other'
    this.inTransaction = client.transacting === true
  }

  get unordered(): boolean {
    return this.builder._statements?.some((statement) => statement.grouping === 'order') !== true
  }

  rows(result: unknown): number {
    return Array.isArray(result) ? result.length : 1
  }

  lookup(): Lookup<unknown> | Refusal {
    this.#lookup ??= this.state.lookupOf(this.client, this.builder)
    return this.#lookup
  }

  rowSource(): RowSource | undefined {
    return this.state.rowSourceOf(this.client, this.builder)
  }

  cacheRequest(): CacheRequest<unknown> | Refusal {
    const { state, client, builder } = this
    if (this.inTransaction) return refuse('in transaction')
    if (!isPlain(builder)) return refuse('builder with options')
    const query = compiled(client, builder)
    if (query === undefined) return refuse('several statements')
    if ('error' in query) return refuse('error of its own')
    const bindings = canonicalKey([builder._method, query.bindings])
    if (bindings === undefined) return refuse('bindings not understood')
    const { statement } = analyzeSql(query.sql, state.source.dialect)
    const reads = readsOfStatement(statement, state.source.id, state.host.catalogs)
    if ('refused' in reads) return reads
    if (reads.tables.some((table) => state.isMigrationTable(table))) return refuse('migration table')
    const request = {
      key: `${query.sql}\n${bindings}`,
      tables: reads.tables,
      statement: query.sql,
      control: controlOf(builder),
      copy: (value: unknown) => (isCopyableResult(value) ? { value: copyRows(value) } : undefined),
    }
    const pinned = pinnedReadOf(statement, query.bindings, state.source.id, state.host.catalogs)
    if (pinned === undefined) return request
    return { ...request, rows: new Map([[pinned.table, pinned.buckets]]), isComplete: (value) => isComplete(value, pinned) }
  }
}

/** Of one row, any row of the result tells that it was there; of several, only as many as were asked for. */
function isComplete(value: unknown, { count, isPlain }: PinnedRead): boolean {
  if (!Array.isArray(value)) return count === 1 && value !== undefined && value !== null
  return count === 1 ? value.length > 0 : isPlain && value.length === count
}
