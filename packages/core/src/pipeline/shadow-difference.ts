import { isDeepStrictEqual } from 'node:util'
import { canonicalKey } from '../shared/canonical.ts'
import { createHmac, randomBytes } from '../shared/late-modules.ts'
import type { CallSite } from './call-site.ts'

/**
 * The optimised result of an operation was not the bare one. It holds no value of the data: they may be private. Names of fields are
 * shown where they look like names in code, those in JSON documents too.
 */
export interface ShadowDifference {
  /** The operation's shape, without values; where it has none, its ORM and main table. */
  readonly label: string
  readonly fingerprint?: string
  /** The name of its scope. */
  readonly scope?: string
  readonly callSite?: CallSite
  /** The step of the optimised way that answered: `cache`, `prefetch`, `batch`, or `database` when it was asked after all. */
  readonly answeredBy?: string
  /** The bare result in outline: `3 rows`, `no row`, or an error's name and code. */
  readonly bare: string
  /** The optimised result in outline. */
  readonly optimized: string
  /** Rows of the bare result. Left out when it failed, or is neither a row nor a list of rows. */
  readonly bareRows?: number
  readonly optimizedRows?: number
  /** Where both first differ. Left out when one of them failed. */
  readonly first?: FirstDifference
}

export interface FirstDifference {
  /** From the result on: `[2].author.name`; empty for the result itself. Where there is no order, rows are counted as the bare result has them. */
  readonly path: string
  readonly bare: RedactedValue
  readonly optimized: RedactedValue
}

/** What may be told of a value. */
export interface RedactedValue {
  /** `string`, `number`, `null`, `Date`, … or `missing`. */
  readonly type: string
  /** Equal for equal values of one process; the key is random and never leaves it. Left out for what is missing or cannot be compared. */
  readonly hash?: string
}

export type Settled = { readonly value: unknown } | { readonly error: unknown }

const MISSING = Symbol('missing')
let hashKey: Buffer | undefined

/** What two results say about each other; `undefined` when they are equal. */
export function differenceOf(bare: Settled, optimized: Settled, unordered: boolean): Omit<ShadowDifference, 'label'> | undefined {
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

/** What a settled result looks like, without what is in it. */
function outline(settled: Settled): string {
  if ('error' in settled)
    return `${(settled.error as Error | undefined)?.name ?? 'Error'} ${(settled.error as { code?: string } | undefined)?.code ?? ''}`.trim()
  const { value } = settled
  if (Array.isArray(value)) return `${value.length} ${value.length === 1 ? 'row' : 'rows'}`
  if (value === null || value === undefined) return 'no row'
  return typeof value === 'object' ? 'a row' : `a ${typeof value}`
}

function rowsOf<K extends 'bareRows' | 'optimizedRows'>(name: K, settled: Settled): { readonly [P in K]?: number } {
  if ('error' in settled) return {}
  const { value } = settled
  if (value === null || value === undefined) return { [name]: 0 } as { [P in K]: number }
  if (typeof value !== 'object') return {}
  return { [name]: Array.isArray(value) ? value.length : 1 } as { [P in K]: number }
}

/** Between rows in any order: the first of each side that the other has not. */
function firstUnmatched(bare: readonly unknown[], optimized: readonly unknown[]): FirstDifference | undefined {
  const rest = optimized.map((row, index) => ({ row, index }))
  const unmatched = bare.flatMap((row, index) => {
    const at = rest.findIndex((other) => isDeepStrictEqual(row, other.row))
    if (at >= 0) rest.splice(at, 1)
    return at >= 0 ? [] : [{ row, index }]
  })
  const [left, right] = [unmatched[0], rest[0]]
  if (left === undefined && right === undefined) return undefined
  const path = `[${left?.index ?? right?.index}]`
  return firstBetween(left === undefined ? MISSING : left.row, right === undefined ? MISSING : right.row, path)
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
      const at = (fields: Readonly<Record<string, unknown>>) => (Object.hasOwn(fields, name) ? fields[name] : MISSING)
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

/** A field's name; what does not look like a name in code may be data. */
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
  const name: unknown = (prototype as { readonly constructor?: { readonly name?: unknown } }).constructor?.name
  return typeof name === 'string' && NAME.test(name) ? name : 'object'
}

function hashOf(value: unknown): string | undefined {
  const key = canonicalKey(value, { dropUndefined: false })
  if (key === undefined) return undefined
  hashKey ??= randomBytes(32)
  return createHmac('sha256', hashKey).update(key).digest('hex').slice(0, 12)
}
