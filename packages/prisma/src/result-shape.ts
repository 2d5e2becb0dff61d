import { type Fields, isFields, isPlainObject } from './argument-shapes.ts'
import type { ComputedFields } from './internals.ts'
import { hasField, type OmittedFields } from './lookups/selection.ts'
import { isScalarOf } from './scalar-values.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

/** Settings of a client that determine the fields of rows, in addition to the arguments. */
export interface ResultContext {
  omittedFields(model: string): OmittedFields | undefined
  /** `undefined` if they cannot be determined. */
  computedFields(model: string): ComputedFields | undefined
}

/** Results of an operation: a list, a row that may be missing, or a row. */
const FORMS: Readonly<Record<string, 'many' | 'maybe' | 'one'>> = {
  findMany: 'many',
  findUnique: 'maybe',
  findFirst: 'maybe',
  findUniqueOrThrow: 'one',
  findFirstOrThrow: 'one',
}

/** Whether a value can be the result of a read: the rows, fields and types that its arguments select. */
export function isResultOf(
  context: ResultContext,
  model: PrismaModel,
  operation: string,
  args: unknown,
  value: unknown,
): boolean {
  const fields = isFields(args) ? args : {}
  if (operation === 'count') return isFields(fields.select) ? isCounts(fields.select, value) : isCount(value)
  if (operation === 'aggregate')
    return hasExactly(fields, value, isAggregate, (name) => name.startsWith('_'), model)
  if (operation === 'groupBy')
    return Array.isArray(value) && value.every((row) => isGroup(fields, row, model))
  const form = FORMS[operation]
  if (form === undefined) return false
  if (form !== 'many') return value === null ? form === 'maybe' : isRow(context, model, fields, value)
  return (
    Array.isArray(value) &&
    isWithin(value, fields.take) &&
    value.every((row) => isRow(context, model, fields, row))
  )
}

/**
 * Whether a value can be the result of the fluent API, which takes a relation out of a row.
 *
 * @param path - Names of arguments and of relations alternate: `select`, `region`.
 */
export function isPartOf(
  context: ResultContext,
  model: PrismaModel,
  args: unknown,
  [argument = '', name = '', ...rest]: readonly string[],
  value: unknown,
): boolean {
  const relation = model.relations.get(name)
  const chosen = isFields(args) && isFields(args[argument]) ? args[argument][name] : undefined
  if (relation === undefined || !isSelected(chosen)) return false
  if (value === null) return rest.length > 0 || !relation.list || relation.ambiguous
  return rest.length > 0
    ? isPartOf(context, relation.target, chosen, rest, value)
    : isRelated(context, model, name, chosen, value)
}

function isWithin({ length }: readonly unknown[], take: unknown): boolean {
  return typeof take !== 'number' || length <= Math.abs(take)
}

function isRow(context: ResultContext, model: PrismaModel, args: Fields, value: unknown): boolean {
  if (!isPlainObject(value)) return false
  const computed = context.computedFields(model.name)
  const omitted = context.omittedFields(model.name)
  const selected = {
    ...(isPlainObject(args.include) ? args.include : {}),
    ...(isPlainObject(args.select) ? args.select : {}),
  }
  let expected = 0
  for (const field of model.fields.values()) {
    if (field.kind === 'unsupported') continue
    const { name } = field
    const chosen = selected[name]
    const isChosen = field.kind === 'object' ? isSelected(chosen) : hasScalar(args, name, omitted, chosen)
    if (!isChosen) continue
    expected += 1
    if (!Object.hasOwn(value, name)) return false
    if (computed === undefined || computed.has(name)) continue
    const isValid =
      field.kind === 'object'
        ? isRelated(context, model, name, chosen, value[name])
        : isScalarOf(field, model.columnTypes.get(name), value[name])
    if (!isValid) return false
  }
  if (isSelected(selected._count)) {
    expected += 1
    if (!isCounts(undefined, value._count)) return false
  }
  return computed === undefined || Object.keys(value).length === expected + computedIn(value, model, computed)
}

function isSelected(chosen: unknown): boolean {
  return chosen === true || isFields(chosen)
}

function hasScalar(args: Fields, name: string, omitted: OmittedFields | undefined, chosen: unknown): boolean {
  return isPlainObject(args.select) ? chosen === true : hasField(args, name, omitted)
}

function computedIn(value: Fields, model: PrismaModel, computed: ComputedFields): number {
  let count = 0
  for (const name of computed.keys()) if (Object.hasOwn(value, name) && !model.fields.has(name)) count += 1
  return count
}

function isRelated(
  context: ResultContext,
  model: PrismaModel,
  name: string,
  chosen: unknown,
  value: unknown,
): boolean {
  const relation = model.relations.get(name)
  if (relation === undefined) return false
  const args = isFields(chosen) ? chosen : {}
  const isOne = (row: unknown) => isRow(context, relation.target, args, row)
  const isMany = () => Array.isArray(value) && isWithin(value, args.take) && value.every(isOne)
  const isNone = value === null && !relation.required
  if (relation.ambiguous) return value === null || isOne(value) || isMany()
  return relation.list ? isMany() : isNone || isOne(value)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** @param selected - `undefined`: any relations. */
function isCounts(selected: Fields | undefined, value: unknown): boolean {
  if (!isPlainObject(value) || !Object.values(value).every(isCount)) return false
  if (selected === undefined) return true
  const names = Object.keys(selected).filter((name) => selected[name] === true)
  return names.length === Object.keys(value).length && names.every((name) => Object.hasOwn(value, name))
}

type PartCheck = (name: string, chosen: unknown, value: unknown, model: PrismaModel) => boolean

/** Whether an object has one part for each chosen argument, and no others. */
function hasExactly(
  args: Fields,
  value: unknown,
  isPart: PartCheck,
  isChosen: (name: string) => boolean,
  model: PrismaModel,
): boolean {
  if (!isPlainObject(value)) return false
  const names = Object.keys(args).filter((name) => isChosen(name) && isSelected(args[name]))
  return (
    Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name) && isPart(name, args[name], value[name], model))
  )
}

/** `_count`, `_avg`, `_sum`, `_min` or `_max`. */
function isAggregate(name: string, chosen: unknown, value: unknown, model: PrismaModel): boolean {
  if (name === '_count') return chosen === true ? isCount(value) : isCounts(chosen as Fields, value)
  const isNumber = name === '_avg' || name === '_sum'
  const isPart: PartCheck = (field, _, part) => {
    const info = model.fields.get(field)
    if (info === undefined) return false
    if (part === null) return true
    return isNumber ? isNumeric(part) : isScalarOf(info, model.columnTypes.get(field), part)
  }
  return hasExactly(chosen as Fields, value, isPart, () => true, model)
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || isScalarOf(DECIMAL, undefined, value)
}

const DECIMAL = { type: 'Decimal', kind: 'scalar', list: false, required: true } as const

function isGroup(args: Fields, value: unknown, model: PrismaModel): boolean {
  const by = typeof args.by === 'string' ? [args.by] : Array.isArray(args.by) ? args.by : []
  const parts = { ...args, ...Object.fromEntries(by.map((name) => [name, true])) }
  const isPart: PartCheck = (name, chosen, part) => {
    const info = model.fields.get(name)
    if (!by.includes(name)) return isAggregate(name, chosen, part, model)
    return info !== undefined && isScalarOf(info, model.columnTypes.get(name), part)
  }
  return hasExactly(parts, value, isPart, (name) => name.startsWith('_') || by.includes(name), model)
}
