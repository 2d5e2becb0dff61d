import { isPlainObject } from '../plain-object.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'

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
