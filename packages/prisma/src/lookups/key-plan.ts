import type { Refusal } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import { refuse } from '../reasons.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import { COMBINATORS } from './flat-where.ts'
import { type KeyType, keyTypeOf } from './key-type.ts'
import {
  isValue,
  type RelationKey,
  relatedValue,
  relationKeys,
  singleValue,
  type ValueFilter,
  valueFilterOf,
} from './relation-key.ts'

/** The part of a `where` that is the key. The rest are filters that all lookups of a group share. */
export interface KeyPlan {
  /** Field names, in the order of the key's values. */
  readonly fields: readonly string[]
  /** Types of the values of each field. */
  readonly types: readonly KeyType[]
  /** The compound selector that contains the fields: `titleInOrg` in `{ titleInOrg: { orgId, title } }`. */
  readonly selector?: string
  /** How a field contains its value, if not directly: `{ equals: value }` or `{ in: [value] }`. */
  readonly wrapped: ReadonlyMap<string, ValueFilter>
  /** Set if a filter on a relation contains the key. */
  readonly relation?: RelationKey
}

type Where = Readonly<Record<string, unknown>>

/**
 * Candidate keys of a `where`, for all operations of its shape: the fields of a unique key, otherwise the
 * fields of each foreign key, otherwise each field that is compared with one value.
 *
 * @param model - `undefined` without a schema: the types of its fields are then unknown.
 * @param isUnique - Whether it is the `where` of a `findUnique`.
 * @param isExact - Whether the schema contains the types of columns.
 */
export function planKeys(
  where: unknown,
  model: PrismaModel | undefined,
  isUnique: boolean,
  isExact: boolean,
): readonly KeyPlan[] | Refusal {
  if (!isPlainObject(where)) return refuse('NO_KEY')
  const names = Object.keys(where).filter((name) => where[name] !== undefined)
  if (names.length === 0) return refuse('NO_KEY')
  if (model === undefined) return refuse('NO_SCHEMA')
  const types = keyTypes(model, isExact)
  const keys = isUnique ? uniqueKey(where, model, types) : filterKeys(where, names, model, types, isExact)
  if (keys.length === 0) return refuse('NO_KEY_FIELD')
  const isFilter = (name: string) => COMBINATORS.has(name) || model.fields.has(name)
  // An additional compound selector cannot be a filter of `findMany`.
  const usable = keys.filter(({ selector }) => names.every((name) => name === selector || isFilter(name)))
  return usable.length > 0 ? usable : refuse('UNSUPPORTED_FILTER')
}

type KeyTypes = ReadonlyMap<string, KeyType>

/** Fields that can be keys. */
function keyTypes(model: PrismaModel, isExact: boolean): KeyTypes {
  const types = new Map<string, KeyType>()
  for (const field of model.fields.values()) {
    const type = model.collated.has(field.name) ? undefined : keyTypeOf(field, isExact)
    if (type !== undefined) types.set(field.name, type)
  }
  return types
}

function typesOf(fields: readonly string[], types: KeyTypes): readonly KeyType[] {
  return fields.flatMap((field) => types.get(field) ?? [])
}

const NOT_WRAPPED: KeyPlan['wrapped'] = new Map()

/** The selector of a `findUnique`; if there are several, the others are additional filters. */
function uniqueKey(where: Where, model: PrismaModel, types: KeyTypes): readonly KeyPlan[] {
  for (const [name, fields] of model.uniqueSelectors) {
    const value = where[name]
    if (value === undefined || !fields.every((field) => types.has(field))) continue
    const key = { fields, types: typesOf(fields, types), wrapped: NOT_WRAPPED }
    if (fields.length === 1 && fields[0] === name) {
      if (isValue(value)) return [key]
    } else if (isPlainObject(value)) {
      const isWhole =
        Object.keys(value).length === fields.length && fields.every((field) => isValue(value[field]))
      if (isWhole) return [{ ...key, selector: name }]
    }
  }
  return []
}

function filterKeys(
  where: Where,
  names: readonly string[],
  model: PrismaModel,
  types: KeyTypes,
  isExact: boolean,
): readonly KeyPlan[] {
  const wrapped = new Map<string, ValueFilter>()
  for (const name of names) {
    const filter = valueFilterOf(where[name])
    if (filter !== undefined) wrapped.set(name, filter)
  }
  const isKey = (name: string) => types.has(name) && (isValue(where[name]) || wrapped.has(name))
  // A list can have several values in the next call.
  const lists = names.filter((name) => isKey(name) && wrapped.get(name) === 'in')
  const candidates = names.filter((name) => isKey(name) && wrapped.get(name) !== 'in')
  const isCompared = (fields: readonly string[]) =>
    fields.length > 0 && fields.every((field) => candidates.includes(field))
  const unique = [...model.uniqueSelectors.values()].filter(isCompared).slice(0, 1)
  const foreign = [...model.relations.values()].filter(
    ({ foreignKeyHere, fromFields }) => foreignKeyHere && isCompared(fromFields),
  )
  // A loop rarely iterates over a boolean.
  const flags = candidates.filter((field) => types.get(field) === 'boolean')
  const others = candidates.filter((field) => !flags.includes(field))
  const plan = (fields: readonly string[]): KeyPlan => ({ fields, types: typesOf(fields, types), wrapped })
  const related = relationKeys(where, model, types, isExact).map(
    ({ distinguishedBy, type, relation }): KeyPlan => ({
      fields: [distinguishedBy],
      types: [type],
      wrapped: NOT_WRAPPED,
      relation,
    }),
  )
  const keys = [
    unique.map(plan),
    [...foreign.map(({ fromFields }) => plan(fromFields)), ...related.filter((key) => !isList(key))],
    [...[...others, ...flags, ...lists].map((field) => plan([field])), ...related.filter(isList)],
  ]
  return keys.find((some) => some.length > 0) ?? []
}

function isList({ relation }: KeyPlan): boolean {
  return relation?.steps.at(-1) === 'in'
}

/** The key's values, and the remaining filters. */
export function readKey(
  key: KeyPlan,
  where: Where,
): { readonly values: readonly unknown[]; readonly filters: Where } {
  const { fields, selector, wrapped, relation } = key
  const filters: Record<string, unknown> = { ...where }
  if (relation !== undefined) {
    delete filters[relation.field]
    return { values: [relatedValue(where[relation.field], relation)], filters }
  }
  const holder = (selector === undefined ? where : where[selector]) as Where
  const values = fields.map((field) => {
    const filter = wrapped.get(field)
    return filter === undefined ? holder[field] : singleValue(holder[field], filter)
  })
  if (selector === undefined) for (const field of fields) delete filters[field]
  else delete filters[selector]
  return { values, filters }
}

/** Whether a key has at most one row. */
export function isUnique(keyFields: readonly string[], model: PrismaModel): boolean {
  return [...model.uniqueSelectors.values()].some((unique) =>
    unique.every((field) => keyFields.includes(field)),
  )
}

/**
 * Whether the order of one key's rows is deterministic: the key is unique, or the order includes a unique
 * key.
 */
export function isTotal(orderBy: unknown, keyFields: readonly string[], model: PrismaModel): boolean {
  const orders = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((order) =>
    isPlainObject(order) ? Object.keys(order).filter((name) => order[name] !== undefined) : [],
  )
  // A unique key does not treat nulls as duplicates.
  const isSettled = (field: string) =>
    keyFields.includes(field) || (orders.includes(field) && model.fields.get(field)?.required === true)
  return [...model.uniqueSelectors.values()].some((unique) => unique.every(isSettled))
}
