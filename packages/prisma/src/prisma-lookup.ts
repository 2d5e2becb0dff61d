import {
  canonicalKey,
  exactCopy,
  keyKinds,
  keyRefusal,
  type Lookup,
  type LookupKey,
  type LookupTarget,
  MAX_BOUND_KEYS,
  maxSlices,
  type Refusal,
  type Slice,
  type Source,
  type TableId,
} from '@sluice/core/adapter'
import {
  type ComputedFields,
  dataPathOf,
  type InternalParams,
  type QueryFunction,
  stackOf,
  type TransactionInfo,
} from './internals.ts'
import { isOfNumbers, whereOf } from './lookup-plan.ts'
import { mergeGroups } from './lookups/aggregates.ts'
import { MAX_TUPLES } from './lookups/key-filter.ts'
import { isTotal, isUnique, type KeyPlan, readKey } from './lookups/key-plan.ts'
import { keyOf } from './lookups/key-type.ts'
import type { KeyedPlan } from './lookups/keyed-plan.ts'
import { mergeListed } from './lookups/merge-listed.ts'
import { mergePages } from './lookups/merge-pages.ts'
import { isHeavy, mergeRows, mergeSlices } from './lookups/merge-rows.ts'
import { type Answers, isTied, type MergedCall } from './lookups/merged-call.ts'
import { maxPages, type Page, type PageContext, readPage } from './lookups/page.ts'
import { tracing } from './operation-context.ts'
import type { PrismaShape } from './prisma-shape.ts'
import { refuse } from './reasons.ts'

type Args = Readonly<Record<string, unknown>>

/** If no field is omitted from rows, computed fields have all the fields that they need. */
const NONE_NEEDED: ComputedFields = new Map()

/** The parts of a call that matter for batching. */
export interface LookupCall {
  readonly args: unknown
  readonly params: InternalParams | undefined
  readonly transaction: TransactionInfo | undefined
  readonly query: QueryFunction
}

/** Properties of the client that a lookup needs. */
export interface LookupContext {
  readonly source: Source
  /** Identifies how values are converted at this moment. */
  readonly conversions: string
  /** Maximum number of keys per query that the app allows. */
  readonly maxKeys: number
  /** Number of unrequested rows that can be fetched per key. */
  readonly maxExtraRows: number
  /** `undefined`: they cannot be determined. */
  readonly computedFields: (model: string) => ComputedFields | undefined
  readonly pages: (table: TableId) => PageContext | undefined
  readonly reads: () => readonly TableId[] | undefined
  /**
   * The same as long as no write to the tables that it reads begins or ends, as far as this process knows.
   * `undefined`: a write is in flight, or the tables are unknown.
   */
  readonly writes: () => number | undefined
}

/**
 * How an operation can be batched with others, or the reason why not. `undefined` for operations without a
 * key.
 */
export function prismaLookup(
  context: LookupContext,
  shape: PrismaShape,
  call: LookupCall,
): Lookup | Refusal | undefined {
  const plan = shape.plan()
  if (plan === undefined || 'refused' in plan) return plan
  const { source, conversions, maxKeys, maxExtraRows, reads, writes } = context
  const { params, transaction, query } = call
  if (params === undefined) return refuse('UNKNOWN_PRISMA_INTERNALS')
  if (transaction?.kind === 'batch') return refuse('BATCH_TRANSACTION')
  // On PostgreSQL a failed query aborts the transaction, so the queries of a failed batch could not be
  // retried individually.
  if (transaction !== undefined && source.dialect === 'postgresql') return refuse('IN_TRANSACTION')
  if (dataPathOf(params) !== '') return refuse('FLUENT_CALL')
  const { where: written, ...rest } = call.args as Args
  const where = whereOf(plan.action, written) as Args
  const { key: keyPlan, target } = plan.keys.choose(where)
  const { values, filters } = readKey(keyPlan, where)
  const key = keyOf(values, keyPlan.types)
  if (key === undefined) return keyRefusal(values)
  const constants =
    hasAny(filters) || hasAny(rest) ? canonicalKey([filters, rest], { dropUndefined: false }) : ''
  if (constants === undefined) return refuse('UNSUPPORTED_ARGUMENTS')
  const slice = sliceOf(shape, plan, keyPlan, rest)
  if (slice !== undefined && 'refused' in slice) return slice
  if (slice !== undefined && keyPlan.relation?.listed !== undefined) return refuse('PAGE_BY_RELATION')
  const ties = slice === undefined || slice.isTotal ? undefined : plan.ties
  const computed =
    shape.leavesOut === true || ties !== undefined ? context.computedFields(shape.modelName) : NONE_NEEDED
  if (computed === undefined) return refuse('UNKNOWN_COMPUTED_FIELDS')
  // Ties of computed values would not be those of the database.
  if (ties?.fields.some((field) => computed.has(field)) === true) return refuseOrder(plan)
  const fields = { omitted: shape.omitted, computed }
  const merged = {
    shape,
    plan,
    key: keyPlan,
    filters,
    rest,
    fields,
    maxExtraRows,
    ties,
    params,
    query,
    writes,
  }
  const page = slice === undefined ? undefined : pageOf(context, merged, slice, transaction !== undefined)
  if (page !== undefined && 'refused' in page && isHeavy(shape, maxExtraRows)) return page
  const pages = page === undefined || 'refused' in page ? undefined : page
  const group = `${source.id} ${conversions} ${transaction?.id ?? ''} ${shape.fingerprint} ${keyKinds(key)} ${constants}`
  const most = keyLimit(Math.min(maxKeys, MAX_BOUND_KEYS[source.dialect]), values.length)
  const limit =
    slice === undefined
      ? most
      : Math.min(
          most,
          pages !== undefined && isHeavy(shape, maxExtraRows)
            ? maxPages(pages)
            : maxSlices(slice, maxExtraRows),
        )
  if (limit < 2) return refuse('TOO_FEW_KEYS_PER_QUERY')
  return new PrismaLookup(group, key, limit, target, { ...merged, page: pages }, slice, reads)
}

/** A part of each key's rows. */
interface RequestedSlice extends Slice {
  /** Whether the order of one key's rows is deterministic. Otherwise keys with tied rows run individually. */
  readonly isTotal: boolean
}

/**
 * The requested part of each key's rows, if not all of them. A first row is a slice, unless the key has at
 * most one row.
 */
function sliceOf(
  shape: PrismaShape,
  plan: KeyedPlan,
  { fields }: KeyPlan,
  rest: Args,
): RequestedSlice | Refusal | undefined {
  const { model } = shape
  const isFirst = plan.action === 'first' && !(model !== undefined && isUnique(fields, model))
  // `skip: 0` skips nothing.
  if (!isFirst && rest.take === undefined && (rest.skip === undefined || rest.skip === 0)) return undefined
  if (model === undefined) return refuse('NO_SCHEMA')
  const { skip = 0, take } = isFirst ? { ...rest, take: 1 } : rest
  if (!isCount(take) || take === 0 || !isCount(skip)) return refuse('UNSUPPORTED_ARGUMENT:take')
  if (isTotal(rest.orderBy, fields, model)) return { skip, take, isTotal: true }
  return plan.ties === undefined || isTied(shape) ? refuseOrder(plan) : { skip, take, isTotal: false }
}

function refuseOrder({ action }: KeyedPlan): Refusal {
  return refuse(action === 'first' ? 'NONDETERMINISTIC_FIRST_ROW' : 'NONDETERMINISTIC_PAGE')
}

/** How the database applies the limit; needed if keys have many rows. */
function pageOf(
  context: LookupContext,
  call: Omit<MergedCall, 'page'>,
  slice: Slice,
  isInTransaction: boolean,
): Page | Refusal {
  const { shape, key, filters, rest, ties } = call
  if (shape.model === undefined) return refuse('NO_SCHEMA')
  // Sluice's SQL runs outside the app's transactions.
  if (isInTransaction) return refuse('PAGE_IN_TRANSACTION')
  // It would not check that the related row exists.
  if (key.relation !== undefined) return refuse('PAGE_BY_RELATION')
  return readPage(context.pages(shape.model.table), shape.model, key, filters, slice, rest.orderBy, ties)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** How many keys fit into one query. */
function keyLimit(most: number, fields: number): number {
  const limit = Math.floor(most / fields)
  return fields === 1 ? limit : Math.min(limit, MAX_TUPLES)
}

class PrismaLookup implements Lookup {
  constructor(
    readonly group: string,
    readonly key: LookupKey,
    readonly maxKeys: number,
    readonly target: LookupTarget,
    private readonly call: MergedCall,
    private readonly slice: Slice | undefined,
    readonly reads: () => readonly TableId[] | undefined,
  ) {}

  copy(value: unknown): { readonly value: unknown } | undefined {
    return exactCopy(value)
  }

  runMany(keys: readonly LookupKey[], maxRows?: number): Promise<Answers> {
    const stack = stackOf(this.call.params)
    // The call site of the first call represents all calls of the batch.
    return stack === undefined
      ? this.#query(keys, maxRows)
      : tracing({ stack: () => stack }, () => this.#query(keys, maxRows))
  }

  #query(keys: readonly LookupKey[], maxRows: number | undefined): Promise<Answers> {
    const { call, slice } = this
    const { relation } = call.key
    if (relation?.listed !== undefined) return mergeListed(call, relation, keys, maxRows)
    if (isOfNumbers(call.plan.action)) return mergeGroups(call, keys)
    if (slice === undefined) return mergeRows(call, keys, maxRows)
    return isHeavy(call.shape, call.maxExtraRows) && call.page !== undefined
      ? mergePages(call, call.page, keys)
      : mergeSlices(call, slice, keys, maxRows)
  }
}

function hasAny(fields: Args): boolean {
  for (const _ in fields) return true
  return false
}
