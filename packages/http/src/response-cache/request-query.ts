import { canonicalKey } from '@sluice/core/adapter'
import { joinedKey } from '@sluice/core/siblings'

/** Default limit of the parsers `qs` and Node's `querystring`: they ignore additional parameters. */
const MAX_PARAMETERS = 1_000
/** All parsers split these the same way: no list notation, no second separator, no encoding in the name. */
const PLAIN = /^[\w-]+(?:=[^;]*)?$/
/** An encoded separator. A parser that decodes first treats it as a separator. */
const ENCODED_SEPARATOR = /%(?:26|3b|3d)/i

/**
 * The query's part of a cache key: equal only for queries that the app reads as equal.
 *
 * @param listed - The parameters that the response depends on; `undefined`: every one.
 * @param parsed - Returns the query as the app's parser reads it; `undefined`: the parser is not known, and
 *   must be one of the usual ones.
 * @returns `undefined` if parsers may read different values from it.
 */
export function queryKey(
  query: string,
  listed: ReadonlySet<string> | undefined,
  parsed: (() => unknown) | undefined,
): string | undefined {
  const parts = query.split('&')
  if (parts.length > MAX_PARAMETERS) return undefined
  if (listed !== undefined && parsed !== undefined) return canonicalKey(fieldsOf(parsed(), listed))
  if (query === '') return ''
  const isPlain = areDistinct(parts)
  if (listed === undefined) {
    // A custom parser may depend on the order.
    if (!isPlain || parts.length === 1 || parsed === undefined) return query
    const read = canonicalKey(fieldsOf(parsed(), undefined))
    return read === undefined ? query : joinedKey(sortedByName(parts), read)
  }
  if (!isPlain || parts.some((part) => ENCODED_SEPARATOR.test(part))) return undefined
  const lower = new Set([...listed].map((name) => name.toLowerCase()))
  return sortedByName(parts.filter((part) => lower.has(nameOf(part).toLowerCase())))
}

/** Whether all parts are plain, and no two names differ in case only: a parser may ignore case. */
function areDistinct(parts: readonly string[]): boolean {
  const names = new Map<string, string>()
  return parts.every((part) => {
    if (!PLAIN.test(part)) return false
    const name = nameOf(part)
    const known = names.get(name.toLowerCase())
    names.set(name.toLowerCase(), name)
    return known === undefined || known === name
  })
}

/** Values of one name keep their order. */
function sortedByName(parts: readonly string[]): string {
  return parts.toSorted((left, right) => compare(nameOf(left), nameOf(right))).join('&')
}

/** Returns a plain object of the fields: objects of parsers have different prototypes. */
function fieldsOf(parsed: unknown, listed: ReadonlySet<string> | undefined): unknown {
  if (typeof parsed !== 'object' || parsed === null) return parsed
  // A parser that builds no nested objects leaves `page[x]` as a name.
  const isListed = (name: string) =>
    listed === undefined || listed.has(name) || listed.has(name.split(/[[.]/, 1)[0] ?? name)
  return Object.fromEntries(Object.entries(parsed).filter(([name]) => isListed(name)))
}

function nameOf(part: string): string {
  return part.split('=', 1)[0] ?? part
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
