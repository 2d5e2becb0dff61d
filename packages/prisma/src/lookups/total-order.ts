import { isPlainObject } from '../plain-object.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'

/** Whether an order leaves no two rows of one key in doubt: it asks by a unique key, or it orders by one. */
export function isTotal(orderBy: unknown, keyFields: readonly string[], model: PrismaModel): boolean {
  const orders = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((order) =>
    isPlainObject(order) ? Object.keys(order).filter((name) => order[name] !== undefined) : [],
  )
  return [...model.uniqueSelectors.values()].some((unique) => {
    if (unique.every((field) => keyFields.includes(field))) return true
    // Nulls are no duplicates to a unique key.
    return unique.every((field) => keyFields.includes(field) || (orders.includes(field) && model.fields.get(field)?.required === true))
  })
}
