import { isPlainObject } from './argument-shapes.ts'

/** Comparisons of a field that cannot be its key. */
const COMPARISONS = new Set(['lt', 'lte', 'gt', 'gte', 'not', 'in', 'notIn'])

/**
 * The conditions of a `where` that are not equal to a value: nulls, ranges and lists. A loop rarely varies
 * them, so its fix contains them unchanged.
 */
export function constantConditions(where: unknown): Readonly<Record<string, unknown>> {
  if (!isPlainObject(where)) return {}
  return Object.fromEntries(Object.entries(where).filter(([, value]) => isConstant(value)))
}

function isConstant(value: unknown): boolean {
  if (!isPlainObject(value)) return value === null
  const names = Object.keys(value).filter((name) => value[name] !== undefined)
  return names.length > 0 && names.every((name) => COMPARISONS.has(name) && !isPlainObject(value[name]))
}
