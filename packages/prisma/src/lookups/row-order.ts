import type { Dialect } from '@sluice/core'
import { isPlainObject } from '../argument-shapes.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import type { PrismaFieldData } from '../schema/prisma-schema-data.ts'

type Row = Readonly<Record<string, unknown>>

/** A field by which rows are ordered. */
export interface OrderField {
  readonly field: string
  readonly column: string
  readonly direction: 'ASC' | 'DESC'
  /** Default: where the database puts nulls, as in Prisma. */
  readonly nulls: 'FIRST' | 'LAST' | undefined
}

/** The fields of an `orderBy`; `undefined` if it contains anything else, such as a field of a relation. */
export function orderOf(orderBy: unknown, model: PrismaModel): readonly OrderField[] | undefined {
  const order: OrderField[] = []
  for (const part of Array.isArray(orderBy) ? orderBy : [orderBy ?? {}]) {
    if (!isPlainObject(part)) return undefined
    for (const [field, written] of Object.entries(part)) {
      if (written === undefined) continue
      const { sort, nulls, ...others } = isPlainObject(written)
        ? written
        : { sort: written, nulls: undefined }
      const column = model.column(field)
      const isPlain =
        (sort === 'asc' || sort === 'desc') &&
        (nulls === undefined || nulls === 'first' || nulls === 'last') &&
        Object.keys(others).length === 0
      if (!isPlain || column === undefined || model.fields.get(field)?.list !== false) return undefined
      order.push({
        field,
        column,
        direction: sort === 'asc' ? 'ASC' : 'DESC',
        nulls: nulls === undefined ? undefined : nulls === 'first' ? 'FIRST' : 'LAST',
      })
    }
  }
  return order
}

/** Recognizes rows that an order leaves in any order. */
export interface Ties {
  /** Fields that rows must contain. */
  readonly fields: readonly string[]
  /**
   * Whether the database may consider the values equal, from Prisma or from the driver. `true` if uncertain.
   *
   * @param left - In the order of the fields.
   */
  areEqual(left: readonly unknown[], right: readonly unknown[]): boolean
}

/**
 * How to recognize ties of an order; `undefined` if the values of its fields do not show which ones the
 * database considers equal. Depends on no value.
 */
export function tiesOf(orderBy: unknown, model: PrismaModel, dialect: Dialect): Ties | undefined {
  const order = orderOf(orderBy, model)
  const forms = order?.map(({ field }) => formOf(model.fields.get(field), model, dialect))
  if (order === undefined || forms === undefined || !forms.every((form) => form !== undefined))
    return undefined
  return {
    fields: order.map(({ field }) => field),
    areEqual: (left, right) => forms.every((form, at) => mayEqual(left[at], right[at], form)),
  }
}

export function valuesIn(row: Row, fields: readonly string[]): readonly unknown[] {
  return fields.map((field) => row[field])
}

/** Converts a value so that values that the database considers equal are converted to equal ones. */
type Form = (value: unknown) => unknown

const number: Form = (value) => Number(String(value))
const exact: Form = (value) => (value instanceof Date ? value.getTime() : String(value))
/** Equal in any of SQLite's collations: `BINARY`, `NOCASE`, `RTRIM`. */
const folded: Form = (value) => String(value).toLowerCase().trimEnd()

const FORMS: Readonly<Record<string, Form>> = {
  Int: number,
  BigInt: number,
  Float: number,
  Decimal: number,
  Boolean: exact,
  DateTime: exact,
}

function formOf(field: PrismaFieldData | undefined, model: PrismaModel, dialect: Dialect): Form | undefined {
  if (field === undefined) return undefined
  const { kind, type, name } = field
  const stored = model.columnTypes.get(name)
  const text = dialect === 'sqlite' ? folded : exact
  // MySQL orders strings by their first `max_sort_length` bytes only.
  if (dialect === 'mysql' && (stored === 'text' || type === 'String')) return undefined
  if (kind === 'enum') return text
  if (kind !== 'scalar') return undefined
  if (type !== 'String') return FORMS[type]
  return stored === 'text' || stored === 'uuid' ? text : undefined
}

function mayEqual(left: unknown, right: unknown, form: Form): boolean {
  if (left === undefined || right === undefined) return true
  if (left === null || right === null) return left === right
  const [one, other] = [form(left), form(right)]
  return one === other || Number.isNaN(one) || Number.isNaN(other)
}
