import { isPlainObject } from '../argument-shapes.ts'

type Where = Readonly<Record<string, unknown>>

const COMBINATORS = new Set(['AND', 'OR', 'NOT'])

/**
 * An equal `where` with the conditions of its `AND` next to its other fields. A field that already has a
 * condition, `OR`, `NOT` and a nested `AND` stay in the `AND`.
 *
 * The result depends on no value. Deeper levels are not flattened, because the shape does not contain their
 * structure.
 */
export function flatWhere(where: Where): Where {
  const { AND: and, ...rest } = where
  const items: readonly unknown[] = Array.isArray(and) ? and : [and]
  if (items.length === 0 || !items.every(isPlainObject)) return where
  const flat: Record<string, unknown> = rest
  const left: Where[] = []
  for (const item of items) {
    const others: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(item)) {
      // With `strictUndefinedChecks`, Prisma rejects `undefined` values, so they stay where they are.
      if (COMBINATORS.has(name) || Object.hasOwn(flat, name) || value === undefined) others[name] = value
      else flat[name] = value
    }
    if (Object.keys(others).length > 0) left.push(others)
  }
  return left.length === 0 ? flat : { ...flat, AND: left }
}
