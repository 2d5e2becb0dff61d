import { type Refusal, refuse } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import { type KeyType, keyTypeOf } from './key-type.ts'

/** Which part of a `where` is the key. The rest are filters that all lookups of a group share. */
export interface KeyPlan {
  /** Field names, in the order of the key's values. */
  readonly fields: readonly string[]
  /** What the values of each field are. */
  readonly types: readonly KeyType[]
  /** The compound selector that holds them: `titleInOrg` in `{ titleInOrg: { orgId, title } }`. */
  readonly selector?: string
  /** Of the fields, those whose value is wrapped: `{ equals: value }`. */
  readonly wrapped: ReadonlySet<string>
}

type Where = Readonly<Record<string, unknown>>

const COMBINATORS = new Set(['AND', 'OR', 'NOT'])

/**
 * The keys that a `where` may be taken to ask by, for all operations of its shape: the fields of a unique key, else those of each foreign
 * key, else each field that is asked for one value.
 *
 * @param model - `undefined` without a schema: what its fields are is not known then.
 * @param isUnique - Whether it is the `where` of a `findUnique`.
 * @param isExact - Whether the schema tells the types of columns.
 */
export function planKeys(
  where: unknown,
  model: PrismaModel | undefined,
  isUnique: boolean,
  isExact: boolean,
): readonly KeyPlan[] | Refusal {
  if (!isPlainObject(where)) return refuse('no key')
  const names = Object.keys(where).filter((name) => where[name] !== undefined)
  if (names.length === 0) return refuse('no key')
  if (model === undefined) return refuse('no schema')
  const types = keyTypes(model, isExact)
  const keys = isUnique ? uniqueKey(where, model, types) : filterKeys(where, names, model, types)
  if (keys.length === 0) return refuse('no key field')
  const isFilter = (name: string) => COMBINATORS.has(name) || model.fields.has(name)
  // A further compound selector cannot be a filter of `findMany`.
  const usable = keys.filter(({ selector }) => names.every((name) => name === selector || isFilter(name)))
  return usable.length > 0 ? usable : refuse('filters not understood')
}

type KeyTypes = ReadonlyMap<string, KeyType>

/** The fields that may be keys. */
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

/** The selector of a `findUnique`; where there are several, the others narrow it down. */
function uniqueKey(where: Where, model: PrismaModel, types: KeyTypes): readonly KeyPlan[] {
  for (const [name, fields] of model.uniqueSelectors) {
    const value = where[name]
    if (value === undefined || !fields.every((field) => types.has(field))) continue
    const key = { fields, types: typesOf(fields, types), wrapped: new Set<string>() }
    if (fields.length === 1 && fields[0] === name) {
      if (isValue(value)) return [key]
    } else if (isPlainObject(value)) {
      const isWhole = Object.keys(value).length === fields.length && fields.every((field) => isValue(value[field]))
      if (isWhole) return [{ ...key, selector: name }]
    }
  }
  return []
}

function filterKeys(where: Where, names: readonly string[], model: PrismaModel, types: KeyTypes): readonly KeyPlan[] {
  const candidates = names.filter((name) => types.has(name) && isValue(unwrap(where[name])))
  const isAsked = (fields: readonly string[]) => fields.length > 0 && fields.every((field) => candidates.includes(field))
  const unique = [...model.uniqueSelectors.values()].filter(isAsked).slice(0, 1)
  const foreign = [...model.relations.values()].filter(({ foreignKeyHere, fromFields }) => foreignKeyHere && isAsked(fromFields))
  // A flag is hardly what a loop walks along.
  const flags = candidates.filter((field) => types.get(field) === 'boolean')
  const others = candidates.filter((field) => !flags.includes(field))
  const keys = [unique, foreign.map(({ fromFields }) => fromFields), [...others, ...flags].map((field) => [field])]
  const found = keys.find((some) => some.length > 0) ?? []
  const wrapped = new Set(names.filter((field) => isPlainObject(where[field])))
  return found.map((fields) => ({ fields, types: typesOf(fields, types), wrapped }))
}

function unwrap(value: unknown): unknown {
  return isPlainObject(value) && Object.keys(value).length === 1 && 'equals' in value ? value.equals : value
}

/** Whether it may be one value: of a shape's values no more is known than that they are no lists and no conditions. */
function isValue(value: unknown): boolean {
  return value !== undefined && value !== null && !Array.isArray(value) && !isPlainObject(value)
}

/** The key's values, and the filters beside them. */
export function readKey(key: KeyPlan, where: Where): { readonly values: readonly unknown[]; readonly filters: Where } {
  const { fields, selector, wrapped } = key
  const filters: Record<string, unknown> = { ...where }
  const holder = (selector === undefined ? where : where[selector]) as Where
  const values = fields.map((field) => (wrapped.has(field) ? (holder[field] as Where).equals : holder[field]))
  if (selector === undefined) for (const field of fields) delete filters[field]
  else delete filters[selector]
  return { values, filters }
}

/** Whether a key has one row at most. */
export function isUnique(keyFields: readonly string[], model: PrismaModel): boolean {
  return [...model.uniqueSelectors.values()].some((unique) => unique.every((field) => keyFields.includes(field)))
}

/** Whether an order leaves no two rows of one key in doubt: it asks by a unique key, or it orders by one. */
export function isTotal(orderBy: unknown, keyFields: readonly string[], model: PrismaModel): boolean {
  const orders = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((order) =>
    isPlainObject(order) ? Object.keys(order).filter((name) => order[name] !== undefined) : [],
  )
  // Nulls are no duplicates to a unique key.
  const isSettled = (field: string) => keyFields.includes(field) || (orders.includes(field) && model.fields.get(field)?.required === true)
  return [...model.uniqueSelectors.values()].some((unique) => unique.every(isSettled))
}
