import {
  canonicalKey,
  copyValue,
  type Dialect,
  keyKinds,
  type Lookup,
  type LookupKey,
  lookupKey,
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

/** Compound keys become a chain of ORs, which SQLite bounds at a depth of 1,000. */
const MAX_COMPOUND_KEYS = 100

/** Values that one statement may bind, with room for the ORM's own. */
const MAX_BINDS: Readonly<Record<Dialect, number>> = { sqlite: 900, postgresql: 32_000, mysql: 65_000 }

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
  const asked = (where as Args)[plan.selector]
  const value = plan.wrapped ? (asked as Args).equals : asked
  const key = lookupKey(plan.fields.length === 1 ? [value] : plan.fields.map((field) => (value as Args)[field]))
  if (key === undefined) return refuse(value === null ? 'null key' : 'key of another type')
  const constants = plan.hasRest ? canonicalKey(rest) : ''
  if (constants === undefined) return refuse('arguments not understood')
  const lane = `${source.id} ${transaction?.id ?? ''}`
  const group = `${lane} ${shape.fingerprint} ${keyKinds(key)} ${constants}`
  return new PrismaLookup(group, lane, key, limitOf(plan, source.dialect, maxKeys), shape, plan, rest, params, call.query)
}

function limitOf({ fields }: KeyedPlan, dialect: Dialect, maxKeys: number): number {
  const bound = Math.floor(MAX_BINDS[dialect] / fields.length)
  return Math.min(maxKeys, bound, fields.length > 1 ? MAX_COMPOUND_KEYS : bound)
}

class PrismaLookup implements Lookup {
  constructor(
    readonly group: string,
    readonly lane: string,
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
    const { fields, action, throws } = this.plan
    const { args, added } = withFields(this.rest, fields)
    const rows = (await this.query({ ...args, where: whereAny(fields, keys) }, redirect(this.params, 'findMany'))) as Row[]
    const groups = splitRows(rows, keys, (row) => fields.map((field) => row[field]))
    if (groups === undefined) return undefined
    for (const field of added) for (const row of rows) delete row[field]
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
    const { fields } = this.plan
    const [field] = fields
    if (field === undefined) return undefined
    // In the form that Prisma gives to its engine: arguments of another action are not mapped any more.
    const args = { by: [field], where: whereAny(fields, keys), select: { [field]: true, _count: { select: { _all: true } } } }
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

function whereAny(fields: readonly string[], keys: readonly LookupKey[]): Args {
  const [only] = fields
  if (fields.length === 1 && only !== undefined) return { [only]: { in: keys.map((key) => key.values[0]) } }
  return { OR: keys.map((key) => Object.fromEntries(fields.map((field, at) => [field, key.values[at]]))) }
}

/** Arguments whose rows hold the key fields too, and the fields that the caller did not ask for. */
function withFields(rest: Args, fields: readonly string[]): { args: Args; added: readonly string[] } {
  const { select, omit } = rest
  if (isPlainObject(select)) {
    const added = fields.filter((field) => select[field] !== true)
    return added.length === 0 ? { args: rest, added } : { args: { ...rest, select: { ...select, ...setAll(added, true) } }, added }
  }
  if (isPlainObject(omit)) {
    const added = fields.filter((field) => omit[field] === true)
    return added.length === 0 ? { args: rest, added } : { args: { ...rest, omit: { ...omit, ...setAll(added, false) } }, added }
  }
  return { args: rest, added: [] }
}

function setAll(fields: readonly string[], value: boolean): Record<string, boolean> {
  return Object.fromEntries(fields.map((field) => [field, value]))
}
