import { usesRule } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import type { PrismaModel, PrismaRelation } from '../schema/prisma-model.ts'
import { type KeyType, keyTypeOf } from './key-type.ts'

type Where = Readonly<Record<string, unknown>>

/** Where a filter on a relation contains the key of the related row: `{ author: { is: { id: 7 } } }`. */
export interface RelationKey {
  /** The relation's field. */
  readonly field: string
  /** Names below it, down to the value. */
  readonly steps: readonly string[]
  /** Set for a list: the field of the related rows that the key is compared with. */
  readonly listed?: string
}

/** A key in a filter on a relation. */
interface RelatedKey {
  readonly relation: RelationKey
  readonly type: KeyType
  /** The field by which rows are distinguished: the foreign key, or a list of related rows. */
  readonly distinguishedBy: string
}

/** Names that a filter on one value can have. */
export type ValueFilter = 'equals' | 'in'

/**
 * The keys of filters on a relation that compare only one field of the related row. The batched query
 * contains the same filter, so it needs no assumption about whether the database enforces the foreign key.
 *
 * @param types - The fields of the model that can be keys.
 */
export function relationKeys(
  where: Where,
  model: PrismaModel,
  types: ReadonlyMap<string, KeyType>,
  isExact: boolean,
): readonly RelatedKey[] {
  if (!usesRule('relation-keys')) return []
  return Object.keys(where).flatMap((name) => {
    const relation = model.relations.get(name)
    if (relation === undefined || relation.ambiguous) return []
    const key = relation.list
      ? listedKey(where[name], relation, isExact)
      : referencedKey(where[name], relation, types)
    return key === undefined ? [] : [key]
  })
}

/** Rows are distinguished by their foreign key. */
function referencedKey(
  filter: unknown,
  { field, model, target, foreignKeyHere, fromFields, toFields }: PrismaRelation,
  types: ReadonlyMap<string, KeyType>,
): RelatedKey | undefined {
  const [own = ''] = fromFields
  const [referenced = ''] = toFields
  const type = types.get(own)
  if (!foreignKeyHere || fromFields.length !== 1 || type === undefined) return undefined
  const [from, to] = [model.fields.get(own), target.fields.get(referenced)]
  // If the database compares the two in a different way, the foreign key is not the key.
  if (from?.type !== to?.type || from?.nativeType !== to?.nativeType || target.collated.has(referenced))
    return undefined
  const steps = stepsTo(filter, referenced, 'is')
  return steps && { distinguishedBy: own, type, relation: { field, steps } }
}

/** Rows are distinguished by the related rows that are read with them. */
function listedKey(
  filter: unknown,
  { field, model, target }: PrismaRelation,
  isExact: boolean,
): RelatedKey | undefined {
  const [id = ''] = target.primaryKey
  const data = target.fields.get(id)
  const type = data && !target.collated.has(id) ? keyTypeOf(data, isExact) : undefined
  if (target.primaryKey.length !== 1 || type === undefined || target === model) return undefined
  const steps = stepsTo(filter, id, 'some')
  return steps?.[0] === 'some'
    ? { distinguishedBy: field, type, relation: { field, steps, listed: id } }
    : undefined
}

/** The path from a filter on a relation to the value of a field; `undefined` if it contains anything else. */
function stepsTo(filter: unknown, field: string, quantifier: 'is' | 'some'): readonly string[] | undefined {
  const steps: string[] = []
  let at = filter
  if (onlyName(at) === quantifier) {
    steps.push(quantifier)
    at = (at as Where)[quantifier]
  }
  if (onlyName(at) !== field) return undefined
  const value = (at as Where)[field]
  const filterName = valueFilterOf(value)
  if (isValue(value)) return [...steps, field]
  return filterName && [...steps, field, filterName]
}

/**
 * `equals` or `in`, if the value of a field is `{ equals: value }` or `{ in: list }`. The list can have any
 * length, since the next call of the shape can have a list of one.
 */
export function valueFilterOf(value: unknown): ValueFilter | undefined {
  const name = onlyName(value)
  if (name === 'in') return Array.isArray((value as Where)[name]) ? name : undefined
  return name === 'equals' && singleValue(value, name) !== undefined ? name : undefined
}

/**
 * The value of `{ equals: value }` or `{ in: [value] }`; `undefined` if there is anything else: a shape
 * contains neither the names at every depth nor the lengths of lists.
 */
export function singleValue(filter: unknown, name: ValueFilter): unknown {
  if (onlyName(filter) !== name) return undefined
  const inner = (filter as Where)[name]
  if (name === 'equals') return isValue(inner) ? inner : undefined
  return Array.isArray(inner) && inner.length === 1 && isValue(inner[0]) ? inner[0] : undefined
}

/** The key in a filter on a relation; `undefined` if the filter has any other name: see `singleValue`. */
export function relatedValue(filter: unknown, { steps }: RelationKey): unknown {
  let at = filter
  for (const step of steps) {
    if (step === 'equals' || step === 'in') return singleValue(at, step)
    if (onlyName(at) !== step) return undefined
    at = (at as Where)[step]
  }
  return isValue(at) ? at : undefined
}

/** A filter on a relation that matches any of the keys. */
export function relatedToAny({ field, steps }: RelationKey, values: readonly unknown[]): Where {
  const names = steps.filter((step) => step !== 'equals' && step !== 'in')
  const filter = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), { in: values })
  return { [field]: filter }
}

/** Whether it can be a single value: a shape only records that its values are not lists or conditions. */
export function isValue(value: unknown): boolean {
  return value !== undefined && value !== null && !Array.isArray(value) && !isPlainObject(value)
}

function onlyName(value: unknown): string | undefined {
  if (!isPlainObject(value)) return undefined
  const [name, ...others] = Object.keys(value)
  return others.length === 0 ? name : undefined
}
