import { isPlainObject } from '../argument-shapes.ts'

type Where = Readonly<Record<string, unknown>>

/** Names in a `where` that are not fields of the model. */
export const COMBINATORS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT'])

/**
 * An equal `where` with the conditions of its `AND`, and of each `AND` in it, next to its other fields. A
 * field that already has a condition, `OR` and `NOT` stay in the `AND`.
 *
 * A shape does not contain the structure of deep levels. So the names in the result can differ between two
 * calls of one shape, but never what the result means.
 */
export function flatWhere(where: Where): Where {
  const { AND: and, ...flat } = where as Record<string, unknown>
  const left: Where[] = []
  const conditions = conditionsOf(and)
  if (conditions === undefined) return where
  for (const condition of conditions) flatten(condition, flat, left)
  return left.length === 0 ? flat : { ...flat, AND: left }
}

function flatten(condition: Where, flat: Record<string, unknown>, left: Where[]): void {
  const others: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(condition)) {
    const nested = name === 'AND' ? conditionsOf(value) : undefined
    if (nested !== undefined) for (const inner of nested) flatten(inner, flat, left)
    // With `strictUndefinedChecks`, Prisma rejects `undefined` values, so they stay where they are.
    else if (COMBINATORS.has(name) || Object.hasOwn(flat, name) || value === undefined) others[name] = value
    else flat[name] = value
  }
  if (Object.keys(others).length > 0) left.push(others)
}

/** The conditions that an `AND` combines; `undefined` for any other value. */
function conditionsOf(and: unknown): readonly Where[] | undefined {
  const conditions: readonly unknown[] = Array.isArray(and) ? and : [and]
  return conditions.every(isPlainObject) ? conditions : undefined
}
