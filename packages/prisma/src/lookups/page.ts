import type { Dialect } from '@sluice/core'
import { type CatalogTable, MAX_BOUND_KEYS, type Refusal, refuse, type Slice } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import { MAX_TUPLES } from './key-filter.ts'
import type { KeyPlan } from './key-plan.ts'
import { isValueOf } from './key-type.ts'

type Args = Readonly<Record<string, unknown>>

/** How a client asks its database in SQL, for rows that a page is made of. */
export interface PageContext {
  readonly dialect: Dialect
  readonly table: Pick<CatalogTable, 'schema' | 'name'>
  ask(sql: string, values: readonly unknown[]): Promise<readonly Args[]>
}

/** The rows from `skip` on, `take` of them, of each key, in an order that leaves no two in doubt. */
export interface Page {
  readonly context: PageContext
  readonly skip: number
  readonly take: number
  /** The fields that tell rows apart. */
  readonly identity: readonly string[]
  readonly identityTypes: readonly string[]
  /** Columns, in the order of what they stand for. */
  readonly keyColumns: readonly string[]
  readonly identityColumns: readonly string[]
  readonly orders: readonly { readonly field: string; readonly column: string; readonly direction: 'ASC' | 'DESC' }[]
  readonly constants: readonly { readonly column: string; readonly value: unknown }[]
}

/** Types whose values mean the same in SQL of our own as in Prisma's; an enum's values may have other names in the database. */
const PLAIN_TYPES = new Set(['Int', 'BigInt', 'String'])

/**
 * Describes a page by key, or says why the database cannot be asked for it in one statement of our own.
 *
 * @param context - `undefined` where the table is not known for certain, or the client cannot be asked in SQL.
 */
export function readPage(
  context: PageContext | undefined,
  model: PrismaModel,
  key: KeyPlan,
  filters: Args,
  { skip, take }: Slice,
  orderBy: unknown,
): Page | Refusal {
  if (context === undefined) return refuse('page of an unknown table')
  // In the app's own process, asking for one page after the other costs less than naming all their rows first.
  if (context.dialect === 'sqlite' && take > 1) return refuse('page on SQLite')
  if (take > MAX_TAKE) return refuse('page too large')
  const identity = identityOf(model)
  const keyColumns = plainColumns(key.fields, model)
  const identityColumns = identity && plainColumns(identity, model)
  if (identity === undefined || identityColumns === undefined || keyColumns === undefined) return refuse('page by a key of this type')
  const orders = ordersOf(orderBy, model)
  if (orders === undefined) return refuse('page of an order that is not plain')
  const constants = constantsOf(filters, model)
  if (constants === undefined) return refuse('page of filtered rows')
  const identityTypes = identity.map((field) => model.fields.get(field)?.type ?? '')
  return { context, skip, take, identity, identityTypes, keyColumns, identityColumns, orders, constants }
}

/** The most rows of a page: they are sent twice, as names and as rows, which costs more than queries saved where there are many. */
const MAX_TAKE = 30
/** The most selects in one statement: what planning one costs grows with their number. */
const MAX_SELECTS = 50

/** How many pages one query can be asked for. */
export function maxPages({ context, keyColumns, constants }: Page): number {
  return Math.min(MAX_SELECTS, Math.floor(MAX_BOUND_KEYS[context.dialect] / (keyColumns.length + constants.length)))
}

/** How many rows one query can be asked for by their identity. */
export function maxRows(dialect: Dialect, fields: number): number {
  return fields === 1 ? MAX_BOUND_KEYS[dialect] : MAX_TUPLES
}

function identityOf(model: PrismaModel): readonly string[] | undefined {
  if (model.primaryKey.length > 0) return model.primaryKey
  return [...model.uniqueSelectors.values()].find((fields) => fields.every((field) => model.fields.get(field)?.required === true))
}

function isPlainField(model: PrismaModel, name: string): boolean {
  const field = model.fields.get(name)
  return field?.kind === 'scalar' && !field.list && PLAIN_TYPES.has(field.type)
}

function plainColumns(fields: readonly string[], model: PrismaModel): readonly string[] | undefined {
  const columns = fields.flatMap((field) => (isPlainField(model, field) ? (model.column(field) ?? []) : []))
  return columns.length === fields.length ? columns : undefined
}

/** Nulls are left where the database puts them, as Prisma does. */
function ordersOf(orderBy: unknown, model: PrismaModel): Page['orders'] | undefined {
  const orders: { field: string; column: string; direction: 'ASC' | 'DESC' }[] = []
  for (const order of Array.isArray(orderBy) ? orderBy : [orderBy ?? {}]) {
    if (!isPlainObject(order)) return undefined
    for (const [name, direction] of Object.entries(order)) {
      const field = model.fields.get(name)
      const column = model.column(name)
      if (direction === undefined) continue
      if (column === undefined || field?.list !== false || (direction !== 'asc' && direction !== 'desc')) return undefined
      orders.push({ field: name, column, direction: direction === 'asc' ? 'ASC' : 'DESC' })
    }
  }
  return orders
}

function constantsOf(filters: Args, model: PrismaModel): Page['constants'] | undefined {
  const constants: { column: string; value: unknown }[] = []
  for (const [name, filter] of Object.entries(filters)) {
    if (filter === undefined) continue
    const column = model.column(name)
    const value = isPlainObject(filter) && Object.keys(filter).length === 1 && 'equals' in filter ? filter.equals : filter
    const field = model.fields.get(name)
    if (column === undefined || field?.list !== false) return undefined
    const isPlain = value === null ? !field.required : (isPlainField(model, name) || field.type === 'Boolean') && isValueOf(value, field)
    if (!isPlain) return undefined
    constants.push({ column, value })
  }
  return constants
}
