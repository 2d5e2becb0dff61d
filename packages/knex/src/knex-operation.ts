import {
  bindsRelativeDate,
  type CacheRequest,
  type CatalogRegistry,
  canonicalKey,
  type Gain,
  type Lookup,
  type Operation,
  type OperationKind,
  type Refusal,
  type RowSource,
  type RunContext,
  type Source,
  StatementRequest,
  type TransactionReads,
} from '@sluice/core/adapter'
import { controlOf } from './cached.ts'
import type { InstanceContext } from './instance-context.ts'
import { compiled, hasListeners, isPlain } from './internals/builder.ts'
import type { BuilderInternals, ClientInternals } from './internals/types.ts'
import { refuse } from './reasons.ts'
import { copyRows, isCopyableResult } from './rows.ts'

const READS = new Set(['select', 'first', 'pluck'])
const ROWS = {
  copy: (value: unknown) => (isCopyableResult(value) ? { value: copyRows(value) } : undefined),
  recopy: copyRows,
}

/**
 * One Knex builder on its way to the database, in the core's ORM-independent form. Its results are those
 * before `postProcessResponse`.
 */
export class KnexOperation implements Operation<unknown> {
  readonly source: Source
  readonly kind: OperationKind
  readonly inTransaction: boolean
  readonly transactionReads: TransactionReads | undefined
  /** Whether its statement was sent, so the listeners of its builder were notified. */
  isSent = false
  #hasChanged = false
  /** The statement that the cache request was built from. */
  #cachedQuery: CachedQuery | undefined
  #lookup: Lookup<unknown> | Refusal | undefined

  constructor(
    private readonly state: InstanceContext,
    private readonly client: ClientInternals,
    private readonly builder: BuilderInternals,
    private readonly send: (context: RunContext) => Promise<unknown>,
  ) {
    this.source = state.source
    this.kind = READS.has(builder._method ?? '') ? 'read' : 'other'
    this.inTransaction = client.transacting === true
    this.transactionReads = this.inTransaction ? state.readsOf(client) : undefined
  }

  run(context: RunContext): Promise<unknown> {
    const { transactionReads: reads } = this
    return reads === undefined || this.kind !== 'read'
      ? this.send(context)
      : reads.follow(() => this.send(context))
  }

  get hasChangedQuery(): boolean {
    const cachedQuery = this.#cachedQuery
    return (
      this.#hasChanged ||
      (cachedQuery !== undefined &&
        this.state.conversions.current(cachedQuery.bindings) !== cachedQuery.conversions)
    )
  }

  get unordered(): boolean {
    return this.builder._statements?.some((statement) => statement.grouping === 'order') !== true
  }

  get catalogs(): CatalogRegistry {
    return this.state.host.catalogs
  }

  get gain(): Gain | undefined {
    return controlOf(this.builder) === undefined ? this.state.gainOf(this.builder) : undefined
  }

  /** Whether the statement that is sent must be the statement of the cache request. */
  get hasCacheRequest(): boolean {
    return this.#cachedQuery !== undefined
  }

  /**
   * Called when the statement is passed to the driver: the app may have changed the builder, or a value in
   * it, since it was issued.
   */
  sends(sql: string, bindings: readonly unknown[]): void {
    if (this.#cachedQuery !== undefined && !isSame(this.#cachedQuery, sql, bindings)) this.#hasChanged = true
  }

  rows(result: unknown): number {
    return Array.isArray(result) ? result.length : 1
  }

  lookup(): Lookup<unknown> | Refusal {
    if (this.inTransaction) return refuse('IN_TRANSACTION')
    this.#lookup ??= this.state.mayRewrite(this.client)
      ? refuse('START_LISTENER')
      : this.state.lookupOf(this.client, this.builder)
    return this.#lookup
  }

  rowSource(): RowSource | undefined {
    return this.state.mayRewrite(this.client) ? undefined : this.state.rowSourceOf(this.client, this.builder)
  }

  cacheRequest(): CacheRequest<unknown> | Refusal {
    const { state, client, builder } = this
    if (this.inTransaction && this.transactionReads === undefined) return refuse('IN_TRANSACTION')
    if (state.mayRewrite(client)) return refuse('START_LISTENER')
    // In a transaction, the statement that a listener changes must be sent before later ones.
    if (!isPlain(builder) || (this.inTransaction && hasListeners(builder)))
      return refuse('BUILDER_WITH_OPTIONS')
    const query = compiled(client, builder)
    if (query === undefined) return refuse('SEVERAL_STATEMENTS')
    if ('error' in query) return refuse('COMPILE_ERROR')
    const bindings = canonicalKey(query.bindings)
    if (bindings === undefined) return refuse('UNSUPPORTED_BINDINGS')
    const conversions = state.conversions.current(query.bindings)
    if (conversions === undefined) return refuse('UNSUPPORTED_OPTIONS')
    if (bindsRelativeDate(query.bindings, state.source.dialect)) return refuse('RELATIVE_DATE')
    const plan = state.plans.of(query.sql).read
    if (plan.refused !== undefined) return { refused: plan.refused }
    for (const table of plan.tables) if (state.isMigrationTable(table)) return refuse('MIGRATION_TABLE')
    this.#cachedQuery = {
      sql: query.sql,
      bindings: query.bindings,
      conversions,
      objects: objectsIn(query.bindings),
    }
    return new StatementRequest<unknown>(
      `${builder._method} ${conversions}\n${query.sql}\n${bindings}`,
      plan,
      {
        sql: query.sql,
        params: query.bindings,
        form: builder._method === 'first' || builder._method === 'pluck' ? builder._method : 'objects',
        isTyped: true,
        control: controlOf(builder),
        // Only drivers of MySQL return rows of a class.
        ...(state.source.dialect === 'mysql' && { copier: ROWS }),
      },
      this,
    )
  }
}

/** A statement as compiled for the cache key. */
interface CachedQuery {
  readonly sql: string
  readonly bindings: readonly unknown[]
  /** How the driver converted values at that time. */
  readonly conversions: string
  /** By index, the content of each binding that is an object. */
  readonly objects: readonly (string | undefined)[]
}

const NO_OBJECTS: readonly (string | undefined)[] = []

function objectsIn(bindings: readonly unknown[]): readonly (string | undefined)[] {
  for (const value of bindings)
    if (typeof value === 'object' && value !== null) return bindings.map(textOfObject)
  return NO_OBJECTS
}

function textOfObject(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? canonicalKey(value) : undefined
}

function isSame({ sql, bindings, objects }: CachedQuery, sentSql: string, sent: readonly unknown[]): boolean {
  if (sentSql !== sql || sent.length !== bindings.length) return false
  for (let at = 0; at < sent.length; at++) {
    const object = objects[at]
    if (object === undefined ? !isSameValue(sent[at], bindings[at]) : textOfObject(sent[at]) !== object)
      return false
  }
  return true
}

/** Drivers receive `null` for `undefined`, and SQLite receives 1 and 0 for booleans. */
function isSameValue(sent: unknown, cachedQuery: unknown): boolean {
  return (
    Object.is(sent, cachedQuery) ||
    ((sent === null || typeof sent === 'number') &&
      sent === (cachedQuery === undefined ? null : Number(cachedQuery)))
  )
}
