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
  splitRows,
} from '@sluice/core'
import { dataPathOf, type InternalParams, type QueryFunction, redirect, type TransactionInfo } from './internals.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

export interface LookupContext {
  readonly sourceId: string
  readonly dialect: Dialect
  readonly maxKeys: number
  readonly modelName: string
  /** `undefined` without a schema: then only `findUnique` says by itself that it asks by key. */
  readonly model: PrismaModel | undefined
  readonly operation: string
  readonly args: unknown
  readonly params: InternalParams | undefined
  readonly transaction: TransactionInfo | undefined
  readonly query: QueryFunction
}

type Row = Record<string, unknown>
type Args = Readonly<Record<string, unknown>>

/** Arguments that a merged query can carry for all its keys alike. */
const MERGEABLE_ARGS = new Set(['where', 'select', 'include', 'omit', 'orderBy', 'relationLoadStrategy'])

/** Field types whose values are compared as they are written. */
const KEY_TYPES = new Set(['Int', 'BigInt', 'String'])

/** Compound keys become a chain of ORs, which SQLite bounds at a depth of 1,000. */
const MAX_COMPOUND_KEYS = 100

/** Values that one statement may bind, with room for the ORM's own. */
const MAX_BINDS: Readonly<Record<Dialect, number>> = { sqlite: 900, postgresql: 32_000, mysql: 65_000 }

/** A first row per key costs all rows of the key: a group that turns out to have many is left alone. */
const MAX_ROWS_PER_KEY = 20
const MIN_WASTED_ROWS = 500
const wasteful = new Set<string>()

/** How an operation may be merged with others, or why not. `undefined` for operations that ask for nothing by key. */
export function prismaLookup(context: LookupContext): Lookup | Refusal | undefined {
  const { operation, args, params, transaction, dialect } = context
  const isUnique = operation === 'findUnique' || operation === 'findUniqueOrThrow'
  const isFirst = operation === 'findFirst' || operation === 'findFirstOrThrow'
  if (!isUnique && !isFirst && operation !== 'findMany' && operation !== 'count') return undefined
  if (params === undefined) return refuse('unknown Prisma internals')
  if (transaction?.kind === 'batch') return refuse('batch transaction')
  // On PostgreSQL a failed query ends the transaction, so a failed batch could not be asked again singly.
  if (transaction !== undefined && dialect === 'postgresql') return refuse('transaction')
  if (dataPathOf(params) !== '') return refuse('fluent call')
  if (typeof args !== 'object' || args === null) return refuse('no key')
  for (const name in args) if ((args as Args)[name] !== undefined && !MERGEABLE_ARGS.has(name)) return refuse(`argument ${name}`)
  const { where, ...rest } = args as Args
  const asked = keyOf(where, isUnique, context.model)
  if ('refused' in asked) return asked
  const { fields, key } = asked
  if (isFirst && !isTotal(rest.orderBy, fields, context.model)) return refuse('first of an unspecified order')
  if (operation === 'count' && Object.values(rest).some((value) => value !== undefined)) return refuse('count with arguments')
  const constants = Object.keys(rest).length === 0 ? '' : canonicalKey(rest)
  if (constants === undefined) return refuse('arguments not understood')
  const lane = `${context.sourceId} ${transaction?.id ?? ''}`
  const group = `${lane} ${context.modelName}.${operation} ${fields.join()} ${keyKinds(key)} ${constants}`
  if (wasteful.has(group)) return refuse('too many rows for a first')
  const boundKeys = Math.floor(MAX_BINDS[dialect] / fields.length)
  const maxKeys = Math.min(context.maxKeys, fields.length > 1 ? Math.min(MAX_COMPOUND_KEYS, boundKeys) : boundKeys)
  const runMany =
    operation === 'count'
      ? (keys: readonly LookupKey[]) => countMany(context.query, params, fields, keys)
      : (keys: readonly LookupKey[]) => findMany(context, params, rest, fields, keys, group)
  return { group, lane, key, maxKeys, runMany, copy: copyValue }
}

/** The fields and values that a `where` asks by, if it asks by nothing else. */
function keyOf(where: unknown, isUnique: boolean, model: PrismaModel | undefined): { fields: readonly string[]; key: LookupKey } | Refusal {
  if (typeof where !== 'object' || where === null) return refuse('no key')
  const names = Object.keys(where).filter((name) => (where as Args)[name] !== undefined)
  const [name] = names
  if (names.length !== 1 || name === undefined) return refuse(names.length === 0 ? 'no key' : 'several filters')
  const value = (where as Args)[name]
  if (isUnique && isPlainObject(value)) {
    const fields = model?.uniqueSelectors.get(name) ?? (model === undefined ? Object.keys(value) : undefined)
    if (fields === undefined || fields.length < 2) return refuse('no compound key')
    const key = lookupKey(fields.map((field) => value[field]))
    return key === undefined ? refuse('key of another type') : { fields, key }
  }
  if (model === undefined && !isUnique) return refuse('no schema')
  const field = model?.fields.get(name)
  if (model !== undefined && (field === undefined || field.list || !(KEY_TYPES.has(field.type) || field.kind === 'enum')))
    return refuse('no key field')
  const key = lookupKey([isPlainObject(value) && Object.keys(value).length === 1 ? value.equals : value])
  return key === undefined ? refuse(value === null ? 'null key' : 'key of another type') : { fields: [name], key }
}

/** Whether an order leaves no two rows of one key in doubt: it asks by a unique key, or it orders by one. */
function isTotal(orderBy: unknown, keyFields: readonly string[], model: PrismaModel | undefined): boolean {
  if (model === undefined) return false
  if (isUniqueKey(model, keyFields)) return true
  const orders = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((order) => (isPlainObject(order) ? Object.keys(order) : []))
  // Nulls are no duplicates to a unique key.
  return orders.some((field) => model.fields.get(field)?.required === true && isUniqueKey(model, [field]))
}

function isUniqueKey(model: PrismaModel, fields: readonly string[]): boolean {
  return [...model.uniqueSelectors.values()].some((key) => key.length === fields.length && key.every((field) => fields.includes(field)))
}

async function findMany(
  context: LookupContext,
  params: InternalParams,
  rest: Args,
  fields: readonly string[],
  keys: readonly LookupKey[],
  group: string,
): Promise<ReadonlyMap<string, unknown> | undefined> {
  const { operation, query } = context
  const [only] = fields
  const where =
    fields.length === 1 && only !== undefined
      ? { [only]: { in: keys.map((key) => key.values[0]) } }
      : { OR: keys.map((key) => Object.fromEntries(fields.map((field, at) => [field, key.values[at]]))) }
  const { args, added } = withFields(rest, fields)
  const rows = (await query({ ...args, where }, redirect(params, 'findMany'))) as Row[]
  const groups = splitRows(rows, keys, (row) => fields.map((field) => row[field]))
  if (groups === undefined) return undefined
  for (const field of added) for (const row of rows) delete row[field]
  if (operation === 'findMany') return groups
  if (operation.startsWith('findFirst') && rows.length > MIN_WASTED_ROWS && rows.length > MAX_ROWS_PER_KEY * keys.length)
    wasteful.add(group)
  const firsts = new Map<string, unknown>()
  for (const [text, found] of groups) {
    const [row] = found
    // Whoever throws when there is no row does so with its own error, from its own query.
    if (row !== undefined) firsts.set(text, row)
    else if (!operation.endsWith('OrThrow')) firsts.set(text, null)
  }
  return firsts
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

async function countMany(
  query: QueryFunction,
  params: InternalParams,
  fields: readonly string[],
  keys: readonly LookupKey[],
): Promise<ReadonlyMap<string, unknown> | undefined> {
  const [field] = fields
  if (field === undefined) return undefined
  // In the form that Prisma gives to its engine: arguments of another action are not mapped any more.
  const args = {
    by: [field],
    where: { [field]: { in: keys.map((key) => key.values[0]) } },
    select: { [field]: true, _count: { select: { _all: true } } },
  }
  const rows = (await query(args, redirect(params, 'groupBy'))) as Row[]
  const groups = splitRows(rows, keys, (row) => [row[field]])
  if (groups === undefined) return undefined
  const counts = new Map<string, unknown>()
  for (const [text, found] of groups) {
    if (found.length > 1) return undefined
    counts.set(text, (found[0]?._count as { _all: number } | undefined)?._all ?? 0)
  }
  return counts
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
