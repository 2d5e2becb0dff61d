import type { Dialect } from '@sluice/core'
import {
  type CatalogTable,
  MAX_BOUND_KEYS,
  type Refusal,
  type Slice,
  withNeighbors,
} from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import { refuse } from '../reasons.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import { MAX_TUPLES } from './key-filter.ts'
import type { KeyPlan } from './key-plan.ts'
import { isValueOf } from './key-type.ts'
import { type OrderField, orderOf, type Ties } from './row-order.ts'

type Args = Readonly<Record<string, unknown>>

/** How to run SQL on a client's database, for the rows of a page. */
export interface PageContext {
  readonly dialect: Dialect
  readonly table: Pick<CatalogTable, 'schema' | 'name'>
  query(sql: string, values: readonly unknown[]): Promise<readonly Args[]>
}

/** The rows of each key from `skip` on, `take` of them. */
export interface Page extends Slice {
  readonly context: PageContext
  /** Set if the order is nondeterministic: the rows then include the neighbors of the requested ones. */
  readonly doubt: { readonly ties: Ties; readonly requested: Slice } | undefined
  /** Fields that distinguish rows. */
  readonly identity: readonly string[]
  readonly identityTypes: readonly string[]
  /** Columns, in the order of the fields that they store. */
  readonly keyColumns: readonly string[]
  readonly identityColumns: readonly string[]
  readonly orders: readonly OrderField[]
  readonly constants: readonly { readonly column: string; readonly value: unknown }[]
}

/**
 * Types whose values have the same form in Sluice's SQL as in Prisma's; values of an enum can have other
 * names in the database.
 */
const PLAIN_TYPES = new Set(['Int', 'BigInt', 'String'])

/**
 * Describes a page by key, or the reason why one statement cannot select it.
 *
 * @param context - `undefined` if the table is not known for certain, or the client cannot run SQL.
 */
export function readPage(
  context: PageContext | undefined,
  model: PrismaModel,
  key: KeyPlan,
  filters: Args,
  slice: Slice,
  orderBy: unknown,
  ties: Ties | undefined,
): Page | Refusal {
  if (context === undefined) return refuse('PAGE_OF_UNKNOWN_TABLE')
  // SQLite runs in the app's process, so querying one page at a time costs less than first selecting all
  // their rows.
  if (context.dialect === 'sqlite' && slice.take > 1) return refuse('PAGE_ON_SQLITE')
  if (slice.take > MAX_TAKE) return refuse('PAGE_TOO_LARGE')
  const identity = identityOf(model)
  const keyColumns = plainColumns(key.fields, model)
  const identityColumns = identity && plainColumns(identity, model)
  if (identity === undefined || identityColumns === undefined || keyColumns === undefined)
    return refuse('PAGE_WITH_UNSUPPORTED_KEY_TYPE')
  const orders = orderOf(orderBy, model)
  // Prisma rejects positions of nulls on MySQL, which has none.
  const hasNulls = orders?.some(({ nulls }) => nulls !== undefined) === true
  if (orders === undefined || (hasNulls && context.dialect === 'mysql'))
    return refuse('PAGE_WITH_COMPLEX_ORDER')
  const constants = constantsOf(filters, model)
  if (constants === undefined) return refuse('PAGE_WITH_FILTERS')
  const identityTypes = identity.map((field) => model.fields.get(field)?.type ?? '')
  const { outer, inner } = withNeighbors(slice)
  const rows =
    ties === undefined ? { ...slice, doubt: undefined } : { ...outer, doubt: { ties, requested: inner } }
  return { context, ...rows, identity, identityTypes, keyColumns, identityColumns, orders, constants }
}

/**
 * Maximum number of rows in a page: each row is sent twice, as an identity and as a row, which for many rows
 * costs more than the saved queries.
 */
const MAX_TAKE = 30
/** Maximum number of selects in one statement: the cost of planning grows with their number. */
const MAX_SELECTS = 50

/** How many pages one query can select. */
export function maxPages({ context, keyColumns, constants }: Page): number {
  return Math.min(
    MAX_SELECTS,
    Math.floor(MAX_BOUND_KEYS[context.dialect] / (keyColumns.length + constants.length)),
  )
}

/** How many rows one query can select by identity. */
export function maxRows(dialect: Dialect, fields: number): number {
  return fields === 1 ? MAX_BOUND_KEYS[dialect] : MAX_TUPLES
}

function identityOf(model: PrismaModel): readonly string[] | undefined {
  if (model.primaryKey.length > 0) return model.primaryKey
  return [...model.uniqueSelectors.values()].find((fields) =>
    fields.every((field) => model.fields.get(field)?.required === true),
  )
}

function isPlainField(model: PrismaModel, name: string): boolean {
  const field = model.fields.get(name)
  return field?.kind === 'scalar' && !field.list && PLAIN_TYPES.has(field.type)
}

function plainColumns(fields: readonly string[], model: PrismaModel): readonly string[] | undefined {
  const columns = fields.flatMap((field) => (isPlainField(model, field) ? (model.column(field) ?? []) : []))
  return columns.length === fields.length ? columns : undefined
}

/** The value of a condition that compares with one value: `value` or `{ equals: value }`. */
function unwrap(value: unknown): unknown {
  return isPlainObject(value) && Object.keys(value).length === 1 && 'equals' in value ? value.equals : value
}

function constantsOf(filters: Args, model: PrismaModel): Page['constants'] | undefined {
  const constants: { column: string; value: unknown }[] = []
  for (const [name, filter] of Object.entries(filters)) {
    if (filter === undefined) continue
    const column = model.column(name)
    const value = unwrap(filter)
    const field = model.fields.get(name)
    if (column === undefined || field?.list !== false) return undefined
    const isPlain =
      value === null
        ? !field.required
        : (isPlainField(model, name) || field.type === 'Boolean') && isValueOf(value, field)
    if (!isPlain) return undefined
    constants.push({ column, value })
  }
  return constants
}
