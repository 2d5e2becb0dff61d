import { isPlainObject } from '../argument-shapes.ts'
import type { ComputedFields } from '../internals.ts'

type Args = Readonly<Record<string, unknown>>

/** Fields that a client omits from all rows of a model (`new PrismaClient({ omit })`), by name. */
export type OmittedFields = Readonly<Record<string, unknown>>

/** Settings that determine the fields of a call's rows, in addition to its arguments. */
export interface RowFields {
  readonly omitted: OmittedFields | undefined
  readonly computed: ComputedFields
}

const MAX_DEPTH = 6

/** Whether the rows of a call with these arguments have a scalar field. */
export function hasField(args: Args, field: string, omitted: OmittedFields | undefined): boolean {
  const { select, omit } = args
  if (isPlainObject(select)) return select[field] === true
  return (isPlainObject(omit) && field in omit ? omit[field] : omitted?.[field]) !== true
}

/** Whether the arguments omit fields, directly or in a nested include. */
export function leavesOut(args: Args, depth = 0): boolean {
  if (depth >= MAX_DEPTH) return true
  const { select, omit, include } = args
  if (isPlainObject(select) || isPlainObject(omit)) return true
  return (
    isPlainObject(include) &&
    Object.values(include).some((inner) => isPlainObject(inner) && leavesOut(inner, depth + 1))
  )
}

/**
 * Whether the arguments select no field at all: Prisma rejects such a call, but would accept it with an
 * additional field.
 */
export function selectsNothing(
  args: Args,
  fields: readonly string[],
  omitted: OmittedFields | undefined,
): boolean {
  const { select } = args
  if (isPlainObject(select))
    return Object.values(select).every((value) => value === undefined || value === false)
  return fields.every((field) => !hasField(args, field, omitted))
}

/**
 * Arguments whose rows contain all of the fields, and the fields that had to be added. Prisma itself selects
 * the dependencies of a computed field and removes them after computing, so they are neither added nor
 * removed here.
 */
export function withFields(
  args: Args,
  fields: readonly string[],
  { omitted, computed }: RowFields,
): { readonly args: Args; readonly added: readonly string[] } {
  const { select, omit } = args
  const missing = fields.filter((field) => !hasField(args, field, omitted))
  if (missing.length === 0) return { args, added: missing }
  const needed = new Set(
    [...computed].flatMap(([name, needs]) => (isComputed(args, name, omitted) ? needs : [])),
  )
  const added = missing.filter((field) => !needed.has(field))
  if (added.length === 0) return { args, added }
  const all = (isIn: boolean) => Object.fromEntries(added.map((field) => [field, isIn]))
  if (isPlainObject(select)) return { args: { ...args, select: { ...select, ...all(true) } }, added }
  return { args: { ...args, omit: { ...(isPlainObject(omit) ? omit : {}), ...all(false) } }, added }
}

function isComputed(args: Args, name: string, omitted: OmittedFields | undefined): boolean {
  const { select } = args
  return isPlainObject(select) ? Boolean(select[name]) : hasField(args, name, omitted)
}
