import { isSelfContained } from '@sluice/core/adapter'

/**
 * Identifies the type parsers that Drizzle passes with each query: an equal function each time.
 *
 * @param types - `types` of `pg`, or `typeCast` of `mysql2`.
 * @returns `undefined` if a function of `mysql2` may convert values differently each time.
 */
export function parsersOf(types: object): string | undefined {
  if (typeof types === 'function') {
    const source = String(types)
    return isSelfContained(source) ? source : undefined
  }
  const { getTypeParser } = types as { readonly getTypeParser?: unknown }
  // Sluice compares the parsers that functions with the same source return.
  return typeof getTypeParser === 'function' ? String(getTypeParser) : undefined
}
