import type { CacheControl } from '../pipeline/cache-control.ts'
import type { Stack } from '../pipeline/execution-group.ts'
import type { Gain } from '../pipeline/gain.ts'
import { keyKinds, keyRefusal, lookupKey } from '../pipeline/key-text.ts'
import { type Lookup, type LookupKey, type ReadRequirements, TooManyRowsError } from '../pipeline/lookup.ts'
import {
  type CacheRequest,
  isRefusal,
  type Operation,
  type Refusal,
  type RowSource,
  type RunContext,
  refuse,
  type Source,
} from '../pipeline/operation.ts'
import type { ReplicaAttempt } from '../pipeline/read-routing.ts'
import type { TransactionReads } from '../pipeline/transaction-reads.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import { canonicalKey } from '../shared/canonical.ts'
import { exactCopy } from '../shared/copy.ts'
import { MAX_BOUND_KEYS } from '../sql/dialect.ts'
import { bindsRelativeDate } from '../sql/relative-date.ts'
import { refuseKeyValue } from './key-values.ts'
import type { KeyedSelect, SelectPlan } from './keyed-select.ts'
import { areRepeated, paramsOf } from './select/key-columns.ts'
import type { RowForm, SqlRow } from './select/outputs.ts'
import type { StatementPlan } from './statement-plan.ts'
import { StatementRequest } from './statement-request.ts'

/** A read of the app as SQL, before the ORM maps the rows to its results. */
export interface SqlRead {
  readonly sql: string
  readonly params: readonly unknown[]
  /** The index of the first parameter that is a literal of the statement: its type is not the column's. */
  readonly literalsFrom?: number | undefined
  readonly rows: RowForm
  readonly inTransaction: boolean
  /** The reads of its transaction, if their results can be cached. Default: they cannot. */
  readonly transactionReads?: TransactionReads | undefined
  /**
   * Sends a query with the same settings as this read, through `statement()`, and returns the rows of the
   * driver.
   *
   * @param helpers - How many columns at the end of each row are not part of the result.
   * @param replica - The replica to send it to. Default: the primary.
   */
  send(
    sql: string,
    params: readonly unknown[],
    helpers: number,
    replica?: ReplicaAttempt,
  ): Promise<readonly SqlRow[]>
  /**
   * Identifies the settings that change the rows of this read only, such as type parsers. Reads with
   * different settings share nothing. Called at most once, and only if Sluice may optimize the read.
   * `undefined`: unknown, the read is sent alone. Default: nothing changes them.
   */
  settings?(): string | undefined
  /**
   * Returns the same for the settings at this moment. A result is for its caller only if they have changed
   * while it was read. Default: they never change.
   */
  settingsNow?(): string | undefined
  /**
   * Returns the stack of the user's call. Called synchronously if a batch can need it, and later otherwise:
   * see `lateStack`.
   */
  stack?(): Stack | undefined
  readonly control?: CacheControl | undefined
}

/** The context that the reads of one client share. */
export interface ReadContext {
  readonly source: Source
  readonly catalogs: CatalogRegistry
  readonly maxKeys: number
  /** Sends a query of a read to the primary or a replica. */
  send(
    call: SqlRead,
    sql: string,
    params: readonly unknown[],
    helpers: number,
    demand: ReadRequirements | undefined,
  ): Promise<readonly SqlRow[]>
}

/** An SQL read as an operation of the core. */
export class SqlOperation implements Operation<readonly SqlRow[]> {
  readonly kind = 'read'
  readonly gain: Gain | undefined
  readonly source: Source
  readonly inTransaction: boolean
  readonly transactionReads: TransactionReads | undefined

  constructor(
    private readonly context: ReadContext,
    private readonly plan: StatementPlan,
    private readonly call: SqlRead,
    private readonly settings: string | undefined,
  ) {
    this.gain = call.control === undefined ? plan.gain : undefined
    this.source = context.source
    this.inTransaction = call.inTransaction
    this.transactionReads = call.transactionReads
  }

  get hasChangedQuery(): boolean {
    const { settingsNow } = this.call
    return settingsNow !== undefined && settingsNow.call(this.call) !== this.settings
  }

  get unordered(): boolean {
    return this.#select()?.isOrdered !== true
  }

  run({ route }: RunContext): Promise<readonly SqlRow[]> {
    const { call, context, transactionReads: reads } = this
    const send = () => context.send(call, call.sql, call.params, 0, route)
    return reads === undefined ? send() : reads.follow(send)
  }

  rows(result: readonly SqlRow[]): number {
    return result.length
  }

  stack(): Stack | undefined {
    return this.call.stack?.()
  }

  rowSource(): RowSource | undefined {
    // Other parsers may return other keys.
    return this.settings === undefined ? undefined : this.#select()?.rowSource
  }

  lookup(): Lookup<readonly SqlRow[]> | Refusal {
    const { context, call, settings } = this
    if (call.inTransaction) return refuse('IN_TRANSACTION')
    if (settings === undefined) return refuse('UNSUPPORTED_OPTIONS')
    const plan = this.#select()?.keyed
    if (plan === undefined) return refuse('NO_CATALOG')
    if (isRefusal(plan)) return plan
    const { dialect } = context.source
    const { constants, keys, limitPlace } = plan
    if (plan.query.isTied === true) return refuse('NONDETERMINISTIC_FIRST_ROW')
    if (call.params.length !== plan.parameters) return refuse('UNSUPPORTED_PARAMETERS')
    if (limitPlace !== undefined && !isLimit(call.params[limitPlace], plan.maxLimit))
      return refuse('UNSUPPORTED_LIMIT')
    const values = keys.map(({ place }) => call.params[place])
    const key = lookupKey(values)
    if (key === undefined) return keyRefusal(values)
    if (!areRepeated(call.params, keys)) return refuse('KEY_USED_TWICE')
    // PostgreSQL refuses to compare integers with strings. Drivers of MySQL write parameters as literals.
    const from = dialect === 'postgresql' ? (call.literalsFrom ?? Infinity) : Infinity
    const isTyped = (at: number) => at >= from && typeof call.params[at] === 'number'
    for (const [at, column] of keys.entries()) {
      const { type, repeats } = column
      const odd = refuseKeyValue(values[at], type, dialect)
      if (odd !== undefined) return refuse(odd)
      if (type !== 'integer' && [column, ...repeats].some(({ place }) => isTyped(place)))
        return refuse('UNSUPPORTED_KEY_TYPE')
    }
    if (constants.some(isTyped)) return refuse('UNSUPPORTED_CONSTANTS')
    if (bindsRelativeDate(call.params, dialect)) return refuse('RELATIVE_DATE')
    const shared = canonicalKey(constants.map((at) => call.params[at]))
    if (shared === undefined) return refuse('UNSUPPORTED_CONSTANTS')
    const group = [context.source.id, call.rows, settings, keyKinds(key), shared, this.plan.sql].join('\n')
    const maxBound = Math.floor((MAX_BOUND_KEYS[dialect] - constants.length) / keys.length)
    const maxKeys = Math.max(1, Math.min(context.maxKeys, plan.query.maxKeys ?? maxBound))
    return new SqlLookup(context, call, settings, plan, key, group, maxKeys)
  }

  cacheRequest(): CacheRequest<readonly SqlRow[]> | Refusal {
    const { call, settings, source, context } = this
    if (call.inTransaction && call.transactionReads === undefined) return refuse('IN_TRANSACTION')
    if (settings === undefined) return refuse('UNSUPPORTED_OPTIONS')
    const bindings = canonicalKey(call.params)
    if (bindings === undefined) return refuse('UNSUPPORTED_BINDINGS')
    if (bindsRelativeDate(call.params, source.dialect)) return refuse('RELATIVE_DATE')
    const plan = this.plan.read
    if (plan.refused !== undefined) return refuse(plan.refused)
    const key = `${call.rows}\n${settings}\n${this.plan.sql}\n${bindings}`
    return new StatementRequest(
      key,
      plan,
      {
        sql: this.plan.sql,
        params: call.params,
        form: call.rows,
        isTyped: settings === '',
        control: call.control,
      },
      context,
    )
  }

  #select(): SelectPlan | undefined {
    return this.plan.select(this.call.rows)
  }
}

class SqlLookup implements Lookup<readonly SqlRow[]> {
  readonly target: KeyedSelect['target']
  readonly copy = exactCopy

  constructor(
    private readonly context: ReadContext,
    private readonly call: SqlRead,
    settings: string,
    private readonly plan: KeyedSelect,
    readonly key: LookupKey,
    readonly group: string,
    readonly maxKeys: number,
  ) {
    const { target } = plan
    this.target = settings === '' ? target : { ...target, shape: `${target.shape} ${settings}` }
  }

  reads() {
    const { tables } = this.plan
    const { catalogs, source } = this.context
    return catalogs.cacheableTables(source.dialect, tables)
  }

  async runMany(
    keys: readonly LookupKey[],
    maxRows?: number,
    demand?: ReadRequirements,
  ): Promise<ReadonlyMap<string, readonly SqlRow[]> | undefined> {
    const { call } = this
    const { query } = this.plan
    const { sql, params } = query.write(call.params, keys)
    const rows = await this.context.send(call, sql, params, query.helpers, demand)
    if (maxRows !== undefined && rows.length > maxRows) throw new TooManyRowsError()
    const groups = query.split(rows, keys, call.params)
    return groups === undefined || query.emptyRow === undefined
      ? groups
      : this.#withTotals(groups, keys, demand)
  }

  /** Adds the row of each key that has none; `undefined` if its content is not certain. */
  async #withTotals(
    groups: Map<string, readonly SqlRow[]>,
    keys: readonly LookupKey[],
    demand: ReadRequirements | undefined,
  ): Promise<ReadonlyMap<string, readonly SqlRow[]> | undefined> {
    const found = [...groups.values()]
    // If a collation treats two keys as equal, one of them has received two rows.
    if (found.some(({ length }) => length > 1)) return undefined
    let sample = found.find(({ length }) => length === 1)?.[0]
    const [first] = keys
    if (sample === undefined && first !== undefined) {
      const rows = await this.#send(first, demand)
      groups.set(first.text, rows)
      sample = rows[0]
    }
    if (sample === undefined) return undefined
    for (const [text, rows] of groups) {
      if (rows.length > 0) continue
      const empty = this.plan.query.emptyRow?.(sample)
      if (empty === undefined) groups.delete(text)
      else groups.set(text, [empty])
    }
    return groups
  }

  /** Queries one key. */
  #send(key: LookupKey, demand: ReadRequirements | undefined): Promise<readonly SqlRow[]> {
    const { plan, call } = this
    return this.context.send(call, call.sql, paramsOf(call.params, plan.keys, key), 0, demand)
  }
}

function isLimit(limit: unknown, max: number | undefined): boolean {
  if (typeof limit !== 'bigint' && !Number.isSafeInteger(limit)) return false
  const value = Number(limit)
  return value > 0 && (max === undefined || value <= max)
}
