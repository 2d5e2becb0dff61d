import { type Refusal, refuse } from '@sluice/core'
import { isPlainObject } from './plain-object.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

/** How the operations of one shape may be merged. Holds for all of them: it depends on no value. */
export interface KeyedPlan {
  readonly action: 'first' | 'many' | 'count'
  /** Whether a missing row is an error, which its caller's own query throws. */
  readonly throws: boolean
  /** The field that it asks by. */
  readonly field: string
  /** Whether the value is wrapped: `{ equals: value }`. */
  readonly wrapped: boolean
  /** Whether there are arguments besides `where`. */
  readonly hasRest: boolean
}

export type LookupPlan = KeyedPlan | Refusal | undefined

const ACTIONS: Readonly<Record<string, KeyedPlan['action']>> = {
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
 * @param model - `undefined` without a schema: what its fields are is not known then.
 * @param args - Of any operation of the shape.
 */
export function planLookup(operation: string, model: PrismaModel | undefined, args: unknown): LookupPlan {
  // Prisma merges these by itself, within the same tick and with the same result as without Sluice: nothing is left to gain.
  if (operation === 'findUnique' || operation === 'findUniqueOrThrow') return refuse('merged by Prisma')
  const action = ACTIONS[operation]
  if (action === undefined) return undefined
  if (!isPlainObject(args)) return refuse('no key')
  const names = Object.keys(args).filter((name) => args[name] !== undefined)
  const other = names.find((name) => !MERGEABLE_ARGS.has(name))
  if (other !== undefined) return refuse(`argument ${other}`)
  const hasRest = names.some((name) => name !== 'where')
  if (action === 'count' && hasRest) return refuse('count with arguments')
  const key = keyOf(args.where, model)
  if ('refused' in key) return key
  if (action === 'first' && !isTotal(args.orderBy, key.field, model)) return refuse('first of an unspecified order')
  return { action, throws: operation.endsWith('OrThrow'), hasRest, ...key }
}

function keyOf(where: unknown, model: PrismaModel | undefined): Pick<KeyedPlan, 'field' | 'wrapped'> | Refusal {
  if (!isPlainObject(where)) return refuse('no key')
  const [name, ...others] = Object.keys(where).filter((key) => where[key] !== undefined)
  if (name === undefined) return refuse('no key')
  if (others.length > 0) return refuse('several filters')
  if (model === undefined) return refuse('no schema')
  const field = model.fields.get(name)
  if (field === undefined || field.list || !(KEY_TYPES.has(field.type) || field.kind === 'enum')) return refuse('no key field')
  const value = where[name]
  const wrapped = isPlainObject(value)
  if (wrapped && (Object.keys(value).length !== 1 || !('equals' in value))) return refuse('no key')
  return { field: name, wrapped }
}

/** Whether an order leaves no two rows of one key in doubt: it asks by a unique key, or it orders by one. */
function isTotal(orderBy: unknown, keyField: string, model: PrismaModel | undefined): boolean {
  if (model === undefined) return false
  if (isUnique(model, keyField)) return true
  const orders = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((order) => (isPlainObject(order) ? Object.keys(order) : []))
  // Nulls are no duplicates to a unique key.
  return orders.some((field) => model.fields.get(field)?.required === true && isUnique(model, field))
}

function isUnique(model: PrismaModel, field: string): boolean {
  return [...model.uniqueSelectors.values()].some((key) => key.length === 1 && key[0] === field)
}
