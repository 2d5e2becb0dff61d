import { isRefusal, type Shape } from '@sluice/core/adapter'
import { isPlainObject } from './argument-shapes.ts'
import { COMBINATORS } from './lookups/flat-where.ts'
import type { PrismaShape } from './prisma-shape.ts'
import type { PrismaModel, PrismaRelation } from './schema/prisma-model.ts'

/** Arguments that determine the fields of a relation's rows. */
const ROW_ARGS = ['select', 'include', 'omit']
const LIST_ARGS = ['orderBy', 'skip', 'take', 'cursor', 'distinct']
const AGGREGATES = ['_count', '_sum', '_avg', '_min', '_max']

/**
 * A fix for a repeated shape, as Prisma code: an argument for the parent query, or one call for all `keys`.
 * Values of conditions are written as `value`. `undefined` if no valid code is known.
 */
export function fixFor(shape: PrismaShape, parent: Shape | undefined): string | undefined {
  const keys = keysOf(shape)
  if (keys.length === 0 || shape.kind !== 'read' || !areFields(shape, keys)) return undefined
  return argumentFix(shape, parent as PrismaShape | undefined) ?? callFix(shape, keys)
}

/** The fields whose values differ between the calls of a loop. */
function keysOf({ keyColumns = [], conditions }: PrismaShape): readonly string[] {
  return keyColumns.filter((name) => !(name in conditions))
}

/** Whether a shape follows a relation of the parent query's model. */
export function follows(shape: PrismaShape, listing: Shape): boolean {
  const { model } = listing as PrismaShape
  return model !== undefined && relationsTo(model, shape).length > 0
}

/**
 * Relations of the parent query's model that the shape follows: to-one by its key, or to-many by its foreign
 * key.
 */
function relationsTo(from: PrismaModel, shape: PrismaShape): readonly PrismaRelation[] {
  const keys = keysOf(shape)
  return [...from.relations.values()].filter(
    ({ target, toFields }) =>
      target.name === shape.model?.name &&
      toFields.length === keys.length &&
      toFields.every((field) => keys.includes(field)),
  )
}

/**
 * Whether the shape's keys are stored fields, as far as that is known. Without a model, only common names of
 * ids count as fields.
 */
function areFields({ model }: PrismaShape, names: readonly string[]): boolean {
  if (model === undefined)
    return names.every((name) => /^(?:id|\w+Id|\w+_id)$/.test(name) && !COMBINATORS.has(name))
  return names.every((name) => model.column(name) !== undefined)
}

/** An argument for the parent query's call, which eager-loads the relation. */
function argumentFix(shape: PrismaShape, listing: PrismaShape | undefined): string | undefined {
  if (listing?.model === undefined || !listing.operation.startsWith('find') || !isByKey(shape))
    return undefined
  const relations = relationsTo(listing.model, shape)
  const [relation] = relations
  const nested = relation === undefined ? undefined : nestedFix(shape, relation)
  if (nested === undefined) return undefined
  // Prisma accepts only one of them in a call.
  const argument = listing.rest.select === undefined ? 'include' : 'select'
  const others = relations.slice(1).map(({ field }) => `or ${field}, `)
  return `${argument}: { ${nested} }  // ${others.join('')}in ${clientName(listing.modelName)}.${listing.operation}${hasValue(shape) ? `, ${SAME_VALUE}` : ''}`
}

function nestedFix(shape: PrismaShape, relation: PrismaRelation): string | undefined {
  const { operation, rest, conditions } = shape
  const isList = relation.list && !relation.ambiguous
  // Only a list accepts conditions.
  if (!isList && hasAny(conditions)) return undefined
  const where = hasAny(conditions) ? { where: conditions } : {}
  if (operation === 'count') {
    const counted = hasAny(where) ? literal(where, true) : 'true'
    return isList && has(rest, []) && counted !== undefined
      ? `_count: { select: { ${relation.field}: ${counted} } }`
      : undefined
  }
  if (!operation.startsWith('find')) return undefined
  if (!has(rest, [...ROW_ARGS, ...(isList ? LIST_ARGS : []), 'relationLoadStrategy'])) return undefined
  const isFirst = isList && operation.startsWith('findFirst')
  const { relationLoadStrategy: _, ...others } = isFirst
    ? { ...rest, take: Number(rest.take) < 0 ? -1 : 1 }
    : rest
  const args = propertiesOf({ ...where, ...others })
  return args === undefined
    ? undefined
    : `${relation.field}: ${args.length === 0 ? 'true' : `{ ${args.join(', ')} }`}`
}

/** One call for all keys. */
function callFix(shape: PrismaShape, keys: readonly string[]): string | undefined {
  const { operation, rest, model } = shape
  const plan = shape.plan()
  if (
    model !== undefined &&
    (plan === undefined || (isRefusal(plan) && plan.refused !== 'NONDETERMINISTIC_FIRST_ROW'))
  )
    return undefined
  const [key] = keys
  if (keys.length > 1 && !isCompositeKey(model, keys)) return undefined
  const constants = Object.entries(shape.conditions).map(([name, value]) => property(name, value, true))
  if (!constants.every((text) => text !== undefined)) return undefined
  const where = `where: { ${[keys.length > 1 ? 'OR: keys' : `${key}: { in: keys }`, ...constants].join(', ')} }`
  const end = hasValue(shape) ? `  // ${SAME_VALUE}` : ''
  const by = `by: [${keys.map((name) => `'${name}'`).join(', ')}]`
  const call = (method: string, ...args: readonly string[]) =>
    `prisma.${clientName(shape.modelName)}.${method}({ ${args.join(', ')} })${end}`
  if (operation === 'count') {
    if (!has(rest, ['select'])) return undefined
    const count = rest.select === undefined ? 'true' : literal(rest.select)
    return count === undefined ? undefined : call('groupBy', by, where, `_count: ${count}`)
  }
  const isFirst = operation.startsWith('findFirst')
  if (operation !== 'aggregate' && !operation.startsWith('find')) return undefined
  if (!has(rest, operation === 'aggregate' ? AGGREGATES : [...ROW_ARGS, 'orderBy', 'relationLoadStrategy']))
    return undefined
  const args = propertiesOf(rest)
  if (args === undefined) return undefined
  if (operation === 'aggregate') return call('groupBy', by, where, ...args)
  // Rows are distinguished by their keys, so a selection must include them.
  const selects = rest.select !== undefined || rest.omit !== undefined
  const distinct = isFirst ? [`distinct: [${keys.map((name) => `'${name}'`).join(', ')}]`] : []
  return selects ? call('findMany', where, ...distinct) : call('findMany', where, ...args, ...distinct)
}

/** A fix that has one value for all keys is only valid if the loop has only one. */
const SAME_VALUE = 'if value is the same for all keys'

function hasValue({ conditions }: PrismaShape): boolean {
  return Object.values(conditions).some((value) => value !== null && literal(value, true)?.includes('value'))
}

function hasAny(args: object): boolean {
  return Object.keys(args).length > 0
}

/**
 * Whether the shape looks up a key by its value. Unknown for a call with a limit: its conditions were not
 * examined.
 */
function isByKey(shape: PrismaShape): boolean {
  const plan = shape.plan()
  if (plan === undefined) return false
  return (
    !isRefusal(plan) ||
    plan.refused === 'NONDETERMINISTIC_FIRST_ROW' ||
    plan.refused.startsWith('UNSUPPORTED_ARGUMENT:')
  )
}

function isCompositeKey(model: PrismaModel | undefined, keys: readonly string[]): boolean {
  if (model === undefined) return false
  const composites = [
    ...model.uniqueSelectors.values(),
    ...[...model.relations.values()].map(({ fromFields }) => fromFields),
  ]
  return composites.some(
    (fields) => fields.length === keys.length && fields.every((field) => keys.includes(field)),
  )
}

/** Whether arguments contain only the allowed names. */
function has(args: Readonly<Record<string, unknown>>, allowed: readonly string[]): boolean {
  return Object.keys(args).every((name) => args[name] === undefined || allowed.includes(name))
}

/** Arguments as code; `undefined` if one of them cannot be written. */
function propertiesOf(args: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const written = Object.entries(args)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => property(name, value))
  return written.every((text) => text !== undefined) ? written : undefined
}

function clientName(model: string): string {
  return `${model.slice(0, 1).toLowerCase()}${model.slice(1)}`
}

const NAME = /^[A-Za-z_$][\w$]*$/

/** Arguments whose nested values are data of the app and differ between calls. */
const CONDITIONS = new Set(['where', 'cursor', 'having'])

/**
 * A Prisma argument as code. Values of conditions become the name `value`.
 *
 * @returns `undefined` for values that cannot be written: bytes, references to fields, instances of other
 * classes.
 */
function literal(value: unknown, isCondition = false): string | undefined {
  if (Array.isArray(value))
    return isCondition && !value.some(isPlainObject)
      ? 'values'
      : bracketed(
          '[',
          value.map((item) => literal(item, isCondition)),
          ']',
        )
  if (isPlainObject(value)) {
    const fields = Object.entries(value).filter(([, inner]) => inner !== undefined)
    return fields.length === 0
      ? '{}'
      : bracketed(
          '{ ',
          fields.map(([name, inner]) => property(name, inner, isCondition)),
          ' }',
        )
  }
  if (isCondition) return value === null ? 'null' : 'value'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined
  return typeof value === 'boolean' || value === null ? String(value) : undefined
}

/** A property of an object literal. */
function property(name: string, value: unknown, isCondition = false): string | undefined {
  const written = literal(value, isCondition || CONDITIONS.has(name))
  return written === undefined ? undefined : `${NAME.test(name) ? name : quote(name)}: ${written}`
}

function bracketed(open: string, items: readonly (string | undefined)[], close: string): string | undefined {
  return items.every((item) => item !== undefined) ? `${open}${items.join(', ')}${close}` : undefined
}

function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
