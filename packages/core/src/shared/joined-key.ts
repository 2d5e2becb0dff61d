/**
 * Joins strings so that different lists never result in the same string, for all characters. A
 * missing string differs from an empty one. Joined keys can be concatenated.
 */
export function joinedKey(...parts: readonly (string | undefined)[]): string {
  let key = ''
  for (const part of parts) key += part === undefined ? '-' : `${part.length}:${part}`
  return key
}
