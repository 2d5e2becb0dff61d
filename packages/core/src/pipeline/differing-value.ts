import { type Sample, StatementValues } from './execution-group.ts'

const MAX_DEPTH = 16

/** The keys of values that are the same as the first ones, and of `undefined`. */
const SAME = Symbol('same')
const UNDEFINED = Symbol('undefined')

/**
 * Distinguishes executions of one normalized query by the only value in which they differ. Most loops are of
 * this kind: canonical strings of all their values take several times longer.
 */
export class DifferingValue {
  #first: Sample | undefined
  /** Names of fields and indexes of items that lead to the value. */
  #path: readonly (string | number)[] | undefined
  /** Those that lead to the compared value: as many as it is deep. */
  readonly #steps: (string | number)[] = []
  #key: unknown

  /**
   * Equal values have the same key.
   *
   * @returns `undefined` if several values differ, after a write, and for values that are unknown or not
   * plain data. Keys of other executions are not valid then.
   */
  keyOf(sample: Sample): unknown {
    this.#first ??= sample
    const { values, writes } = this.#first
    if (sample.values === undefined || sample.writes !== writes) return undefined
    this.#key = SAME
    return this.#compare(values, sample.values, 0) ? this.#key : undefined
  }

  /** Whether two values are the same, except for the only one that may differ. */
  #compare(one: unknown, other: unknown, depth: number): boolean {
    if (isSimple(one) && isSimple(other)) return one === other || this.#differs(other, depth)
    if (depth >= MAX_DEPTH || typeof one !== 'object' || typeof other !== 'object') return false
    if (Array.isArray(one)) return Array.isArray(other) && this.#compareItems(one, other, depth)
    return isPlain(one) && isPlain(other) && this.#compareFields(one, other, depth)
  }

  #compareItems(one: readonly unknown[], other: readonly unknown[], depth: number): boolean {
    if (one.length !== other.length) return false
    for (let at = 0; at < one.length; at += 1) {
      this.#steps[depth] = at
      if (!this.#compare(one[at], other[at], depth + 1)) return false
    }
    return true
  }

  #compareFields(one: Fields, other: Fields, depth: number): boolean {
    let fields = 0
    for (const name in one) {
      if (!Object.hasOwn(other, name)) return false
      fields += 1
      this.#steps[depth] = name
      if (!this.#compare(one[name], other[name], depth + 1)) return false
    }
    for (const _ in other) fields -= 1
    return fields === 0
  }

  #differs(value: unknown, depth: number): boolean {
    const path = this.#path
    if (path === undefined) this.#path = this.#steps.slice(0, depth)
    else if (path.length !== depth) return false
    else for (let at = 0; at < depth; at += 1) if (path[at] !== this.#steps[at]) return false
    this.#key = value === undefined ? UNDEFINED : value
    return true
  }
}

type Fields = Readonly<Record<string, unknown>>

function isSimple(value: unknown): boolean {
  const type = typeof value
  return type !== 'object' ? type !== 'function' && type !== 'symbol' : value === null
}

function isPlain(value: object | null): value is Fields {
  if (value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === StatementValues.prototype || prototype === null
}
