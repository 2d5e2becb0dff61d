import { createHash } from 'node:crypto'

interface Body {
  count: number
  /** Stored only for the first bodies. */
  readonly value: { readonly value: unknown } | undefined
}

const MAX_DISTINCT = 64
const MAX_STORED = 4

/** The distinct response bodies of a route. Compares JSON by value and other content by bytes. */
export class BodyLog {
  readonly bodies: Map<string, Body> = new Map()
  /** Number of bodies. */
  count = 0
  /** Number of bodies that were not compared, because there were too many distinct ones. */
  uncompared = 0
  #last: Buffer | undefined
  #lastBody: Body | undefined

  constructor(private readonly ignored: readonly string[] = []) {}

  add(body: Buffer, type: string): void {
    this.count += 1
    // Under load, most bodies are identical to the previous one.
    if (this.#last?.equals(body) === true && this.#lastBody !== undefined) {
      this.#lastBody.count += 1
      return
    }
    const value = parsed(body, type)
    const text = value === undefined ? body : canonicalJson(value.value, this.ignored)
    const key = createHash('sha256').update(text).digest('base64')
    let known = this.bodies.get(key)
    if (known === undefined) {
      if (this.bodies.size >= MAX_DISTINCT) {
        this.uncompared += 1
        return
      }
      known = {
        count: 0,
        value:
          this.bodies.size < MAX_STORED && value !== undefined
            ? { value: withoutPaths(value.value, this.ignored) }
            : undefined,
      }
      this.bodies.set(key, known)
    }
    known.count += 1
    this.#last = body
    this.#lastBody = known
  }
}

/** Result of comparing the bodies of two sides. */
export type BodyComparison =
  | { readonly kind: 'equal'; readonly of: number }
  /** Number of responses of the first side that the other side never returned. */
  | {
      readonly kind: 'different'
      readonly different: number
      readonly of: number
      readonly at: JsonDifference | undefined
    }
  /** The responses of the other side differ from each other, so a comparison is impossible. */
  | { readonly kind: 'varying'; readonly of: number; readonly at: JsonDifference | undefined }

/** @param reference - The side with the expected responses. */
export function compareBodies(log: BodyLog, reference: BodyLog): BodyComparison {
  const of = log.count
  const others = [...log.bodies].filter(([key]) => !reference.bodies.has(key)).map(([, body]) => body)
  const different = others.reduce((sum, { count }) => sum + count, 0) + log.uncompared
  if (different === 0) return { kind: 'equal', of }
  const known = [...reference.bodies.values()].flatMap(({ value }) => (value === undefined ? [] : [value]))
  if (reference.bodies.size > 1) return { kind: 'varying', of, at: differenceOf(known[0], known[1]) }
  return {
    kind: 'different',
    different,
    of,
    at: differenceOf(others.find(({ value }) => value !== undefined)?.value, known[0]),
  }
}

function differenceOf(
  left: { readonly value: unknown } | undefined,
  right: { readonly value: unknown } | undefined,
): JsonDifference | undefined {
  return left === undefined || right === undefined ? undefined : jsonDifference(left.value, right.value)
}

function parsed(body: Buffer, type: string): { readonly value: unknown } | undefined {
  if (!/\bjson\b/i.test(type)) return undefined
  try {
    return { value: JSON.parse(body.toString()) as unknown }
  } catch {
    return undefined
  }
}

type Path = readonly (string | number)[]

interface JsonDifference {
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
function withoutPaths(value: unknown, ignored: readonly string[]): unknown {
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
  const remaining = Object.entries(value).flatMap(([name, one]) => {
    const inner = paths.filter(([first]) => first === name || first === '*').map(([, ...rest]) => rest)
    return inner.some(({ length }) => length === 0) ? [] : [[name, without(one, inner)] as const]
  })
  return Array.isArray(value) ? remaining.map(([, one]) => one) : Object.fromEntries(remaining)
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
