import type { CacheControl } from '../pipeline/cache-control.ts'
import type { Stack } from '../pipeline/execution-group.ts'
import { keyKinds, keyRefusal, lookupKey } from '../pipeline/key-text.ts'
import { type Lookup, type LookupKey, TooManyRowsError } from '../pipeline/lookup.ts'
import {
  type CacheRequest,
  isRefusal,
  type Operation,
  type Refusal,
  type RowSource,
  refuse,
  type Source,
} from '../pipeline/operation.ts'
import type { SchemaCatalog } from '../schema/catalog.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import { pinnedReadOf } from '../schema/condition-rows.ts'
import { readsOfStatement } from '../schema/statement-effect.ts'
import { canonicalKey } from '../shared/canonical.ts'
import { copyValue, exactCopy } from '../shared/copy.ts'
import { analyzeSql } from '../sql/analyze.ts'
import { MAX_BOUND_KEYS } from '../sql/dialect.ts'
import { bindsRelativeDate } from '../sql/relative-date.ts'
import { refuseKeyValue } from './key-values.ts'
import { type KeyedSelect, planSelect, type RowForm, type SelectPlan } from './keyed-select.ts'
import { splitRows } from './split-rows.ts'

export type SqlRow = readonly unknown[] | Readonly<Record<string, unknown>>

/** A read of the app as SQL, before the ORM maps the rows to its results. */
export interface SqlRead {
  readonly sql: string
  readonly params: readonly unknown[]
  readonly rows: RowForm
  readonly inTransaction: boolean
  /**
   * Sends a query with the same settings as this read, through `statement()`, and returns the rows of the
   * driver.
   *
   * @param helpers - How many columns at the end of each row are not part of the result.
   */
  ask(sql: string, params: readonly unknown[], helpers: number): Promise<readonly SqlRow[]>
  /**
   * Identifies the settings that change the rows of this read only, such as type parsers. Reads with
   * different settings share nothing.
   */
  readonly settings?: string | undefined
  /** Returns the stack of the user's call. */
  stack?(): Stack | undefined
  readonly control?: CacheControl | undefined
}

/** The context that the reads of one client share. */
export interface ReadContext {
  readonly source: Source
  readonly catalogs: CatalogRegistry
  readonly maxKeys: number
  onlyReads(sql: string): boolean
}

const MAX_PLANS = 2000

/** The plans of one client by SQL string, limited in number. Another catalog needs other plans. */
export class SelectPlans {
  readonly #plans = new Map<string, { readonly catalog: SchemaCatalog; readonly plan: SelectPlan }>()

  constructor(private readonly context: ReadContext) {}

  /** `undefined`: the catalog is not known yet. */
  of(sql: string, form: RowForm): SelectPlan | undefined {
    const { catalogs, source } = this.context
    const catalog = catalogs.trusted(source.id)
    if (catalog === undefined) return undefined
    const key = `${form} ${sql}`
    const known = this.#plans.get(key)
    if (known?.catalog === catalog) return known.plan
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear()
    const plan = planSelect(sql, source.dialect, form, catalog, this.context.onlyReads(sql))
    this.#plans.set(key, { catalog, plan })
    return plan
  }
}

/** An SQL read as an operation of the core. */
export class SqlOperation implements Operation<readonly SqlRow[]> {
  readonly kind = 'read'
  readonly source: Source
  readonly inTransaction: boolean

  constructor(
    private readonly context: ReadContext,
    private readonly plans: SelectPlans,
    private readonly call: SqlRead,
  ) {
    this.source = context.source
    this.inTransaction = call.inTransaction
  }

  get unordered(): boolean {
    return this.#plan()?.isOrdered !== true
  }

  run(): Promise<readonly SqlRow[]> {
    return this.call.ask(this.call.sql, this.call.params, 0)
  }

  rows(result: readonly SqlRow[]): number {
    return result.length
  }

  stack(): Stack | undefined {
    return this.call.stack?.()
  }

  rowSource(): RowSource | undefined {
    return this.#plan()?.rowSource
  }

  lookup(): Lookup<readonly SqlRow[]> | Refusal {
    const { context, call } = this
    if (call.inTransaction) return refuse('IN_TRANSACTION')
    const plan = this.#plan()?.keyed
    if (plan === undefined) return refuse('NO_CATALOG')
    if (isRefusal(plan)) return plan
    const { dialect } = context.source
    const { constants, place, limitPlace, type } = plan
    if (call.params.length !== constants.length + (limitPlace === undefined ? 1 : 2))
      return refuse('UNSUPPORTED_PARAMETERS')
    if (limitPlace !== undefined && !isPositive(call.params[limitPlace])) return refuse('UNSUPPORTED_LIMIT')
    const value = call.params[place]
    const key = lookupKey([value])
    if (key === undefined) return keyRefusal([value])
    const odd = refuseKeyValue(value, type, dialect)
    if (odd !== undefined) return refuse(odd)
    if (bindsRelativeDate(call.params, dialect)) return refuse('RELATIVE_DATE')
    const shared = canonicalKey(constants.map((at) => call.params[at]))
    if (shared === undefined) return refuse('UNSUPPORTED_CONSTANTS')
    const group = [context.source.id, call.rows, call.settings ?? '', keyKinds(key), shared, call.sql].join(
      '\n',
    )
    const maxKeys = Math.max(1, Math.min(context.maxKeys, MAX_BOUND_KEYS[dialect] - constants.length))
    return new SqlLookup(context, call, plan, key, group, maxKeys)
  }

  cacheRequest(): CacheRequest<readonly SqlRow[]> | Refusal {
    const { call, source, context } = this
    if (call.inTransaction) return refuse('IN_TRANSACTION')
    const bindings = canonicalKey(call.params)
    if (bindings === undefined) return refuse('UNSUPPORTED_BINDINGS')
    if (bindsRelativeDate(call.params, source.dialect)) return refuse('RELATIVE_DATE')
    const { statement } = analyzeSql(call.sql, source.dialect)
    const reads = readsOfStatement(statement, source.id, context.catalogs)
    if ('refused' in reads) return reads
    const key = [call.rows, call.settings ?? '', call.sql, bindings].join('\n')
    const request = {
      key,
      tables: reads.tables,
      statement: call.sql,
      control: call.control,
      copy: exactCopy,
      recopy: copyValue,
    }
    const pinned = pinnedReadOf(statement, call.params, source.id, context.catalogs)
    if (pinned === undefined) return request
    const isComplete = (value: readonly SqlRow[]) =>
      pinned.count === 1 ? value.length > 0 : pinned.isPlain && value.length === pinned.count
    return { ...request, rows: new Map([[pinned.table, pinned.buckets]]), isComplete }
  }

  #plan(): SelectPlan | undefined {
    return this.plans.of(this.call.sql, this.call.rows)
  }
}

class SqlLookup implements Lookup<readonly SqlRow[]> {
  readonly target: KeyedSelect['target']
  readonly copy = exactCopy

  constructor(
    private readonly context: ReadContext,
    private readonly call: SqlRead,
    private readonly plan: KeyedSelect,
    readonly key: LookupKey,
    readonly group: string,
    readonly maxKeys: number,
  ) {
    this.target =
      call.settings === undefined
        ? plan.target
        : { ...plan.target, shape: `${plan.target.shape} ${call.settings}` }
  }

  reads() {
    const { table } = this.plan
    return this.context.catalogs.cacheableTable(this.context.source.dialect, table.id) === undefined
      ? undefined
      : [table.id]
  }

  async runMany(
    keys: readonly LookupKey[],
    maxRows?: number,
  ): Promise<ReadonlyMap<string, readonly SqlRow[]> | undefined> {
    const { plan, call } = this
    const { sql, params } = plan.batched(call.params, keys)
    const rows = await call.ask(sql, params, plan.helpers)
    if (maxRows !== undefined && rows.length > maxRows) throw new TooManyRowsError()
    const groups = splitRows(rows, keys, (row) => [plan.keyOf(row)])
    for (const row of rows) plan.strip(row as unknown[] | Record<string, unknown>)
    return groups
  }
}

function isPositive(limit: unknown): boolean {
  return typeof limit === 'bigint'
    ? limit > 0n
    : typeof limit === 'number' && Number.isSafeInteger(limit) && limit > 0
}
