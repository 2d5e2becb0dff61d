type Path = readonly (string | number)[]

export interface JsonDifference {
  /** `$.rows[3].name` */
  readonly path: string
  /** Truncated JSON; `undefined` if the value is missing. */
  readonly left: string | undefined
  readonly right: string | undefined
}

const MAX_VALUE = 40

/** The first difference between two values, regardless of the order of properties. */
export function jsonDifference(left: unknown, right: unknown, path: Path = []): JsonDifference | undefined {
  if (Object.is(left, right)) return undefined
  if (Array.isArray(left) && Array.isArray(right)) {
    for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
      const found = jsonDifference(left[at], right[at], [...path, at])
      if (found !== undefined) return found
    }
    return undefined
  }
  if (isObject(left) && isObject(right)) {
    for (const name of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
      const found = jsonDifference(left[name], right[name], [...path, name])
      if (found !== undefined) return found
    }
    return undefined
  }
  return { path: pathText(path), left: shown(left), right: shown(right) }
}

/**
 * Serializes a value to JSON with sorted property names.
 *
 * @param ignored - Paths to omit: `meta.at`, `rows.*.seenAt`.
 */
export function canonicalJson(value: unknown, ignored: readonly string[] = []): string {
  return JSON.stringify(withoutPaths(value, ignored), (_name, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one,
  )
}

/** A copy of a value without the given paths. */
export function withoutPaths(value: unknown, ignored: readonly string[]): unknown {
  if (ignored.length === 0) return value
  const paths = ignored.map((path) =>
    path
      .replace(/^\$\.?/, '')
      .split(/[.[\]]+/)
      .filter((name) => name !== ''),
  )
  return without(value, paths)
}

function without(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).flatMap(([name, one]) => {
    const inner = paths.filter(([first]) => first === name || first === '*').map(([, ...rest]) => rest)
    return inner.some(({ length }) => length === 0) ? [] : [[name, without(one, inner)] as const]
  })
  return Array.isArray(value) ? kept.map(([, one]) => one) : Object.fromEntries(kept)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function pathText(path: Path): string {
  const parts = path.map((part) =>
    typeof part === 'number' ? `[${part}]` : /^[\w$]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`,
  )
  return `$${parts.join('')}`
}

function shown(value: unknown): string | undefined {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined || text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…`
}
