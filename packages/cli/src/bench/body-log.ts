import { createHash } from 'node:crypto'
import { canonicalJson, type JsonDifference, jsonDifference, withoutPaths } from './json-difference.ts'

interface Body {
  count: number
  /** Stored only for the first bodies. */
  readonly value: { readonly value: unknown } | undefined
}

const MAX_DISTINCT = 64
const MAX_KEPT = 4

/** The distinct response bodies of a route. Compares JSON by value and other content by bytes. */
export class BodyLog {
  readonly bodies = new Map<string, Body>()
  /** Number of bodies. */
  count = 0
  /** Number of bodies that were not compared, because there were too many distinct ones. */
  untold = 0
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
        this.untold += 1
        return
      }
      known = {
        count: 0,
        value:
          this.bodies.size < MAX_KEPT && value !== undefined
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
  const different = others.reduce((sum, { count }) => sum + count, 0) + log.untold
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
