import { compileGlob } from '../../shared/glob.ts'
import { type OptionRule, option } from '../../shared/options.ts'

export interface IgnoreRule {
  /** A table as the database calls it, with or without its schema; any case. */
  readonly table?: string
  /** A model, as the ORM calls it. */
  readonly model?: string
  /** A glob over the file's path, `*` for any run of characters, such as `*\/admin/*`. */
  readonly callSite?: string
  readonly fingerprint?: string
}

export interface DetectionOptions {
  /**
   * Queries of one shape from one place within one scope before they are reported.
   * Minimum: `2`.
   * @defaultValue 5
   */
  readonly threshold?: number
  /**
   * Times that the same query with the same values is sent from one place within one scope, with no write in between, before it is reported.
   * Minimum: `2`.
   * @defaultValue 3
   */
  readonly repeats?: number
  /**
   * `log` reports by events. `throw` also makes `sluice.run(fn)` reject, and `ScopeHandle.end()` throw, with an `NPlusOneError`: for tests.
   * @defaultValue 'log'
   */
  readonly mode?: 'log' | 'throw'
  /**
   * The most queries of a scope, at least `0`; or of scopes by name, `*` in a name for any run of characters: of several that match, the
   * first counts.
   * @defaultValue no limit
   */
  readonly budget?: number | Readonly<Record<string, number>>
  /**
   * What is not reported. A text is a finding's id or a fingerprint; an object must be met in all that it names.
   * @defaultValue []
   */
  readonly ignore?: readonly (string | IgnoreRule)[]
}

const count = option.integer(0)
const NAMES = new Set<string>(['table', 'model', 'callSite', 'fingerprint'] satisfies (keyof IgnoreRule)[])

const budgets: OptionRule = {
  expected: 'an object of integers of at least 0 by scope name',
  accepts: (value) => option.object.accepts(value) && Object.values(value as object).every((one) => count.accepts(one)),
}

function isIgnoreRule(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  if (!option.object.accepts(value)) return false
  const entries = Object.entries(value as object)
  // An empty rule would ignore everything.
  return entries.length > 0 && entries.every(([name, text]) => NAMES.has(name) && typeof text === 'string' && text !== '')
}

const ignored: OptionRule = {
  expected: `an array of ids, fingerprints, and objects with one or more of ${[...NAMES].join(', ')}, each a text that is not empty`,
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

/** How many queries scopes may make. */
export class Budgets {
  readonly #budgets: readonly Budget[]

  constructor(budget: DetectionOptions['budget'] = {}) {
    this.#budgets =
      typeof budget === 'number'
        ? [{ matches: () => true, most: budget }]
        : Object.entries(budget).map(([pattern, most]) => ({ matches: compileGlob(pattern), most }))
  }

  /** A scope's; `undefined`: no limit. Of several that match its name, the first counts. */
  of(name: string): number | undefined {
    return this.#budgets.find(({ matches }) => matches(name))?.most
  }
}
