import { type Refusal, refuse } from '@sluice/core'
import { isPlainObject } from './plain-object.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

/** How the operations of one shape may be merged. Holds for all of them: it depends on no value. */
export interface KeyedPlan {
  readonly action: 'unique' | 'first' | 'many' | 'count'
  /** Whether a missing row is an error, which its caller's own query throws. */
  readonly throws: boolean
  /** What stands in `where`: a field, or the name of a compound key. */
  readonly selector: string
  /** The fields of the key. */
  readonly fields: readonly string[]
  /** Whether the value is wrapped: `{ equals: value }`. */
  readonly wrapped: boolean
  /** Whether there are arguments besides `where`. */
  readonly hasRest: boolean
}

export type LookupPlan = KeyedPlan | Refusal | undefined

const ACTIONS: Readonly<Record<string, KeyedPlan['action']>> = {
  findUnique: 'unique',
  findUniqueOrThrow: 'unique',
  findFirst: 'first',
  findFirstOrThrow: 'first',
  findMany: 'many',
  count: 'count',
}

/** Arguments that a merged query can carry for all its keys alike. */
const MERGEABLE_ARGS = new Set(['where', 'select', 'include', 'omit', 'orderBy', 'relationLoadStrategy'])

/** Field types whose values are compared as they are written. */
const KEY_TYPES = new Set(['Int', 'BigInt', 'String'])

/**
 * Plans the merging of a shape's operations. `undefined` for those that ask for nothing by key.
 *
 * @param model - `undefined` without a schema: then only `findUnique` says by itself that it asks by key.
 * @param args - Of any operation of the shape.
 */
export function planLookup(operation: string, model: PrismaModel | undefined, args: unknown): LookupPlan {
  const action = ACTIONS[operation]
  if (action === undefined) return undefined
  if (!isPlainObject(args)) return refuse('no key')
  const names = Object.keys(args).filter((name) => args[name] !== undefined)
  const other = names.find((name) => !MERGEABLE_ARGS.has(name))
  if (other !== undefined) return refuse(`argument ${other}`)
  const hasRest = names.some((name) => name !== 'where')
  if (action === 'count' && hasRest) return refuse('count with arguments')
  const key = keyOf(args.where, action === 'unique', model)
  if ('refused' in key) return key
  if (action === 'first' && !isTotal(args.orderBy, key.fields, model)) return refuse('first of an unspecified order')
  return { action, throws: operation.endsWith('OrThrow'), hasRest, ...key }
}

function keyOf(
  where: unknown,
  isUnique: boolean,
  model: PrismaModel | undefined,
): Pick<KeyedPlan, 'selector' | 'fields' | 'wrapped'> | Refusal {
  if (!isPlainObject(where)) return refuse('no key')
  const [selector, ...others] = Object.keys(where).filter((name) => where[name] !== undefined)
  if (selector === undefined) return refuse('no key')
  if (others.length > 0) return refuse('several filters')
  const value = where[selector]
  if (isUnique && isPlainObject(value)) {
    const fields = model?.uniqueSelectors.get(selector) ?? (model === undefined ? Object.keys(value) : undefined)
    return fields === undefined || fields.length < 2 ? refuse('no compound key') : { selector, fields, wrapped: false }
  }
  if (model === undefined && !isUnique) return refuse('no schema')
  const field = model?.fields.get(selector)
  const isKey = field !== undefined && !field.list && (KEY_TYPES.has(field.type) || field.kind === 'enum')
  if (model !== undefined && !isKey) return refuse('no key field')
  const wrapped = isPlainObject(value)
  if (wrapped && (Object.keys(value).length !== 1 || !('equals' in value))) return refuse('no key')
  return { selector, fields: [selector], wrapped }
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
