import { compileGlob } from '../../shared/glob.ts'
import { type OptionRule, option } from '../../shared/options.ts'

export interface IgnoreRule {
  /** Name of the table in the database, with or without its schema. Not case-sensitive. */
  readonly table?: string
  /** Name of the model in the ORM. */
  readonly model?: string
  /**
   * A glob for the path of the file: absolute, or relative to the working directory, such as `src/admin/*`.
   * Files of a package begin with `node_modules/`. `*` matches any number of characters.
   */
  readonly callSite?: string
  readonly fingerprint?: string
}

export interface DetectionOptions {
  /**
   * Number of equal normalized queries from one call site in one scope that is reported as an N+1.
   * Minimum: `2`.
   * @defaultValue 5
   */
  readonly threshold?: number
  /**
   * Number of identical queries (same values) from one call site in one scope, with no write in between, that
   * is reported as duplicate queries.
   * Minimum: `2`.
   * @defaultValue 3
   */
  readonly repeats?: number
  /**
   * `log` emits events. With `throw`, `sluice.run(fn)` also rejects, and `ScopeHandle.end()` throws, with an
   * `NPlusOneError`: for tests.
   * @defaultValue 'log'
   */
  readonly mode?: 'log' | 'throw'
  /**
   * Maximum number of queries of a scope, at least `0`; or an object of these by scope name. `*` in a name
   * matches any number of characters. The first matching name applies.
   * @defaultValue no limit
   */
  readonly budget?: number | Readonly<Record<string, number>>
  /**
   * Findings that are not reported. A string is a finding's id or a fingerprint. An object must match in all
   * its fields.
   * @defaultValue []
   */
  readonly ignore?: readonly (string | IgnoreRule)[]
}

const count = option.integer(0)
const NAMES = new Set<string>(['table', 'model', 'callSite', 'fingerprint'] satisfies (keyof IgnoreRule)[])

const ID_OR_FINGERPRINT = /^(?:[\da-f]{8}|[\da-f]{16})$/

const budgets: OptionRule = {
  expected: 'an object of integers of at least 0 by scope name',
  accepts: (value) =>
    option.object.accepts(value) && Object.values(value as object).every((one) => count.accepts(one)),
}

function isIgnoreRule(value: unknown): boolean {
  if (typeof value === 'string') return ID_OR_FINGERPRINT.test(value)
  if (!option.object.accepts(value)) return false
  const entries = Object.entries(value as object)
  // An empty rule would ignore everything.
  return (
    entries.length > 0 &&
    entries.every(([name, text]) => NAMES.has(name) && typeof text === 'string' && text !== '')
  )
}

const ignored: OptionRule = {
  expected: `an array of ids (8 hexadecimal digits), fingerprints (16), and objects with one or more of ${[...NAMES].join(', ')}, each a non-empty string`,
  accepts: (value) => Array.isArray(value) && value.every(isIgnoreRule),
}

/** The rules of `DetectionOptions`. */
export const detectionRules: Readonly<Record<keyof DetectionOptions, OptionRule>> = {
  threshold: option.integer(2),
  repeats: option.integer(2),
  mode: option.oneOf('log', 'throw'),
  budget: option.either(count, budgets),
  ignore: ignored,
}

interface Budget {
  readonly matches: (name: string) => boolean
  readonly most: number
}

/** Maximum numbers of queries, by scope name. */
export class Budgets {
  readonly #budgets: readonly Budget[]

  constructor(budget: DetectionOptions['budget'] = {}) {
    this.#budgets =
      typeof budget === 'number'
        ? [{ matches: () => true, most: budget }]
        : Object.entries(budget).map(([pattern, most]) => ({ matches: compileGlob(pattern), most }))
  }

  /** Returns the budget of a scope; `undefined`: no limit. The first matching pattern applies. */
  of(name: string): number | undefined {
    return this.#budgets.find(({ matches }) => matches(name))?.most
  }
}
