import { isDeepStrictEqual } from 'node:util'
import { canonicalKey } from '../shared/canonical.ts'
import { createHmac, randomBytes } from '../shared/late-modules.ts'
import { factsOf } from '../shared/thrown.ts'
import type { CallSite } from './call-site.ts'

/**
 * The optimized result of an operation differs from the result without Sluice. Contains no values of the
 * data, because they can be private. Field names are included if they look like names in code, including
 * those in JSON documents.
 */
export interface ShadowDifference {
  /** The normalized query, without values. If there is none, the ORM and the main table. */
  readonly label: string
  readonly fingerprint?: string
  /** Name of its scope. */
  readonly scope?: string
  readonly callSite?: CallSite
  /**
   * The step of the optimized path that returned the result: `cache`, `prefetch`, `batch`, or `database` if
   * it was queried anyway.
   */
  readonly answeredBy?: string
  /** Outline of the result without Sluice: `3 rows`, `no row`, or the name and code of an error. */
  readonly bare: string
  /** Outline of the optimized result. */
  readonly optimized: string
  /**
   * Number of rows of the result without Sluice. Omitted if the query failed, or if its result is neither a
   * row nor a list of rows.
   */
  readonly bareRows?: number
  readonly optimizedRows?: number
  /** The first difference between the results. Omitted if one of the queries failed. */
  readonly first?: FirstDifference
}

interface FirstDifference {
  /**
   * Path from the result: `[2].author.name`; empty for the result itself. If the order is nondeterministic,
   * rows are counted in the order of the result without Sluice.
   */
  readonly path: string
  readonly bare: RedactedValue
  readonly optimized: RedactedValue
}

/** The parts of a value that may be reported. */
export interface RedactedValue {
  /** `string`, `number`, `null`, `Date`, … or `missing`. */
  readonly type: string
  /**
   * Equal for equal values of one process. The key of the hash is random and never leaves the process.
   * Omitted for missing values, and for values that cannot be compared.
   */
  readonly hash?: string
}

export type Settled = { readonly value: unknown } | { readonly error: unknown }

const MISSING = Symbol('missing')
let hashKey: Buffer | undefined

/** The difference between two results; `undefined` if they are equal. */
export function differenceOf(
  bare: Settled,
  optimized: Settled,
  unordered: boolean,
): Omit<ShadowDifference, 'label'> | undefined {
  const outlines = { bare: outline(bare), optimized: outline(optimized) }
  if ('error' in bare || 'error' in optimized) {
    if ('error' in bare && 'error' in optimized && outlines.bare === outlines.optimized) return undefined
    return { ...outlines, ...rowsOf('bareRows', bare), ...rowsOf('optimizedRows', optimized) }
  }
  const first =
    unordered && Array.isArray(bare.value) && Array.isArray(optimized.value)
      ? firstUnmatched(bare.value, optimized.value)
      : firstBetween(bare.value, optimized.value, '')
  if (first === undefined) return undefined
  return { ...outlines, ...rowsOf('bareRows', bare), ...rowsOf('optimizedRows', optimized), first }
}

/** An outline of a settled result, without its contents. */
function outline(settled: Settled): string {
  if ('error' in settled) {
    const { name = 'Error', code = '' } = factsOf(settled.error)
    return `${name} ${code}`.trim()
  }
  const { value } = settled
  if (Array.isArray(value)) return `${value.length} ${value.length === 1 ? 'row' : 'rows'}`
  if (value === null || value === undefined) return 'no row'
  return typeof value === 'object' ? 'a row' : `a ${typeof value}`
}

function rowsOf<K extends 'bareRows' | 'optimizedRows'>(
  name: K,
  settled: Settled,
): { readonly [P in K]?: number } {
  if ('error' in settled) return {}
  const { value } = settled
  if (value === null || value === undefined) return { [name]: 0 } as { [P in K]: number }
  if (typeof value !== 'object') return {}
  return { [name]: Array.isArray(value) ? value.length : 1 } as { [P in K]: number }
}

/** For rows in any order: the first row of each side that the other side does not contain. */
function firstUnmatched(
  bare: readonly unknown[],
  optimized: readonly unknown[],
): FirstDifference | undefined {
  const rest = optimized.map((row, index) => ({ row, index }))
  const unmatched = bare.flatMap((row, index) => {
    const at = rest.findIndex((other) => isDeepStrictEqual(row, other.row))
    if (at >= 0) rest.splice(at, 1)
    return at >= 0 ? [] : [{ row, index }]
  })
  const [left, right] = [unmatched[0], rest[0]]
  if (left === undefined && right === undefined) return undefined
  const path = `[${left?.index ?? right?.index}]`
  return firstBetween(
    left === undefined ? MISSING : left.row,
    right === undefined ? MISSING : right.row,
    path,
  )
}

function firstBetween(bare: unknown, optimized: unknown, path: string): FirstDifference | undefined {
  if (isDeepStrictEqual(bare, optimized)) return undefined
  const inside = firstInside(bare, optimized, path)
  return inside ?? { path, bare: redact(bare), optimized: redact(optimized) }
}

function firstInside(bare: unknown, optimized: unknown, path: string): FirstDifference | undefined {
  if (Array.isArray(bare) && Array.isArray(optimized)) {
    for (let index = 0; index < Math.max(bare.length, optimized.length); index += 1) {
      const at = (items: readonly unknown[]) => (index < items.length ? items[index] : MISSING)
      const found = firstBetween(at(bare), at(optimized), `${path}[${index}]`)
      if (found !== undefined) return found
    }
  } else if (isRecord(bare) && isRecord(optimized)) {
    for (const name of new Set([...Object.keys(bare), ...Object.keys(optimized)])) {
      const at = (fields: Readonly<Record<string, unknown>>) =>
        Object.hasOwn(fields, name) ? fields[name] : MISSING
      const found = firstBetween(at(bare), at(optimized), `${path}${step(name, path)}`)
      if (found !== undefined) return found
    }
  }
  return undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const NAME = /^[A-Za-z_$][\w$]{0,63}$/

/** The name of a field. A name that does not look like one in code can be data. */
function step(name: string, path: string): string {
  if (!NAME.test(name)) return `[#${hashOf(name)}]`
  return path === '' ? name : `.${name}`
}

function redact(value: unknown): RedactedValue {
  if (value === MISSING) return { type: 'missing' }
  const hash = hashOf(value)
  return hash === undefined ? { type: typeOf(value) } : { type: typeOf(value), hash }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return 'object'
  const name: unknown = (prototype as { readonly constructor?: { readonly name?: unknown } }).constructor
    ?.name
  return typeof name === 'string' && NAME.test(name) ? name : 'object'
}

function hashOf(value: unknown): string | undefined {
  const key = canonicalKey(value, { dropUndefined: false })
  if (key === undefined) return undefined
  hashKey ??= randomBytes(32)
  return createHmac('sha256', hashKey).update(key).digest('hex').slice(0, 12)
}
