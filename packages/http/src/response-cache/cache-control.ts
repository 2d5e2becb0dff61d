/** The directives of a `Cache-Control` field: names in lower case, with their arguments. Source: RFC 9111, section 5.2. */
export function cacheControl(field: string | undefined): ReadonlyMap<string, string> {
  const directives = new Map<string, string>()
  if (field === undefined) return directives
  for (const [, name = '', quoted, token] of field.matchAll(/([\w!#$%&'*.^`|~+-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g)) {
    const key = name.toLowerCase()
    // Of two that differ the first one holds, as most have it.
    if (!directives.has(key)) directives.set(key, quoted ?? token ?? '')
  }
  return directives
}

/** Seconds as milliseconds; what is none is stale. `undefined`: it is not there. */
export function secondsOf(directives: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = directives.get(name)
  if (value === undefined) return undefined
  return /^\d{1,10}$/.test(value) ? Number(value) * 1_000 : 0
}
