import {
  canonicalKey,
  copyValue,
  keyKinds,
  type Lookup,
  type LookupKey,
  lookupKey,
  MAX_BOUND_KEYS,
  type Refusal,
  refuse,
  type Source,
  splitRows,
} from '@sluice/core'
import { dataPathOf, type InternalParams, type QueryFunction, redirect, type TransactionInfo } from './internals.ts'
import type { KeyedPlan } from './lookup-plan.ts'
import { isPlainObject } from './plain-object.ts'
import type { PrismaShape } from './prisma-shape.ts'

type Row = Record<string, unknown>
type Args = Readonly<Record<string, unknown>>

/** A first row per key costs all rows of the key: shapes that turn out to have many are left alone. */
const MAX_ROWS_PER_KEY = 20
const MIN_WASTED_ROWS = 500
const wasteful = new WeakSet<PrismaShape>()

/** A call as far as merging is concerned. */
export interface LookupCall {
  readonly args: unknown
  readonly params: InternalParams | undefined
  readonly transaction: TransactionInfo | undefined
  readonly query: QueryFunction
}

/** How an operation may be merged with others, or why not. `undefined` for operations that ask for nothing by key. */
export function prismaLookup(source: Source, maxKeys: number, shape: PrismaShape, call: LookupCall): Lookup | Refusal | undefined {
  const plan = shape.plan()
  if (plan === undefined || 'refused' in plan) return plan
  if (wasteful.has(shape)) return refuse('too many rows for a first')
  const { params, transaction } = call
  if (params === undefined) return refuse('unknown Prisma internals')
  if (transaction?.kind === 'batch') return refuse('batch transaction')
  // On PostgreSQL a failed query ends the transaction, so a failed batch could not be asked again singly.
  if (transaction !== undefined && source.dialect === 'postgresql') return refuse('transaction')
  if (dataPathOf(params) !== '') return refuse('fluent call')
  const { where, ...rest } = call.args as Args
  const asked = (where as Args)[plan.field]
  const value = plan.wrapped ? (asked as Args).equals : asked
  const key = lookupKey([value])
  if (key === undefined) return refuse(value === null ? 'null key' : 'key of another type')
  const constants = plan.hasRest ? canonicalKey(rest) : ''
  if (constants === undefined) return refuse('arguments not understood')
  const group = `${source.id} ${transaction?.id ?? ''} ${shape.fingerprint} ${keyKinds(key)} ${constants}`
  return new PrismaLookup(group, key, Math.min(maxKeys, MAX_BOUND_KEYS[source.dialect]), shape, plan, rest, params, call.query)
}

class PrismaLookup implements Lookup {
  constructor(
    readonly group: string,
    readonly key: LookupKey,
    readonly maxKeys: number,
    private readonly shape: PrismaShape,
    private readonly plan: KeyedPlan,
    private readonly rest: Args,
    private readonly params: InternalParams,
    private readonly query: QueryFunction,
  ) {}

  copy(value: unknown): unknown {
    return copyValue(value)
  }

  runMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    return this.plan.action === 'count' ? this.#countMany(keys) : this.#findMany(keys)
  }

  async #findMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    const { field, action, throws } = this.plan
    const { args, isAdded } = withField(this.rest, field)
    const rows = (await this.query({ ...args, where: whereAny(field, keys) }, redirect(this.params, 'findMany'))) as Row[]
    const groups = splitRows(rows, keys, (row) => [row[field]])
    if (groups === undefined) return undefined
    if (isAdded) for (const row of rows) delete row[field]
    if (action === 'many') return groups
    if (action === 'first' && rows.length > MIN_WASTED_ROWS && rows.length > MAX_ROWS_PER_KEY * keys.length) wasteful.add(this.shape)
    const firsts = new Map<string, unknown>()
    for (const [text, found] of groups) {
      const [row] = found
      // Whoever throws when there is no row does so with its own error, from its own query.
      if (row !== undefined) firsts.set(text, row)
      else if (!throws) firsts.set(text, null)
    }
    return firsts
  }

  async #countMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    const { field } = this.plan
    // In the form that Prisma gives to its engine: arguments of another action are not mapped any more.
    const args = { by: [field], where: whereAny(field, keys), select: { [field]: true, _count: { select: { _all: true } } } }
    const rows = (await this.query(args, redirect(this.params, 'groupBy'))) as Row[]
    const groups = splitRows(rows, keys, (row) => [row[field]])
    if (groups === undefined) return undefined
    const counts = new Map<string, unknown>()
    for (const [text, found] of groups) {
      if (found.length > 1) return undefined
      counts.set(text, (found[0]?._count as { _all: number } | undefined)?._all ?? 0)
    }
    return counts
  }
}

function whereAny(field: string, keys: readonly LookupKey[]): Args {
  return { [field]: { in: keys.map((key) => key.values[0]) } }
}

/** Arguments whose rows hold the key field too, and whether the caller did not ask for it. */
function withField(rest: Args, field: string): { args: Args; isAdded: boolean } {
  const { select, omit } = rest
  if (isPlainObject(select) && select[field] !== true) return { args: { ...rest, select: { ...select, [field]: true } }, isAdded: true }
  if (isPlainObject(omit) && omit[field] === true) return { args: { ...rest, omit: { ...omit, [field]: false } }, isAdded: true }
  return { args: rest, isAdded: false }
}
