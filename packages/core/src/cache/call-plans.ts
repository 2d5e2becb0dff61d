import { checkOptions, option } from '../shared/options.ts'
import { type Copier, type CopyMode, copiers } from './copiers.ts'
import type { FetchPolicy } from './fetch-request.ts'
import { policyFrom, type TieredOptions, tieredRules } from './tiered-options.ts'

/** Options of one call. */
export interface GetOrLoadOptions extends TieredOptions {
  /** Custom tags, for `invalidateTags`. */
  readonly tags?: readonly string[]
  /**
   * Models and tables that the value depends on. A write to one of them invalidates it. Until a catalog is
   * known, the value is not cached.
   */
  readonly tables?: readonly string[]
  /**
   * How the value is returned. `clone` and `freeze` require plain data; a value that cannot be copied exactly
   * is then not cached.
   * @defaultValue 'none'
   */
  readonly copy?: CopyMode
}

const callRules = {
  ...tieredRules,
  tags: option.strings,
  tables: option.strings,
  copy: option.oneOf('none', 'freeze', 'clone'),
}
/** A power of 2. */
const SLOTS = 16

/** The resolved options of a call, without its tags and tables. */
export interface CallPlan {
  readonly policy: FetchPolicy
  readonly copier: Copier<unknown>
}

interface Slot extends CallPlan {
  /** The enumerable options, in their order. */
  readonly names: readonly string[]
  readonly values: readonly unknown[]
}

/**
 * Resolves the options of calls. Most calls of an app use a few sets of options, so each set is resolved
 * once.
 */
export class CallPlans {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined)

  constructor(private readonly base: FetchPolicy) {}

  /** @throws InvalidOptionError */
  of(options: GetOrLoadOptions): CallPlan {
    // An instance of a class can have options that are not enumerable.
    if (!option.object.accepts(options) || Object.getPrototypeOf(options) !== Object.prototype)
      return this.#resolve(options)
    const { ttl } = options
    const at = typeof ttl === 'number' ? ttl & (SLOTS - 1) : 0
    const slot = this.#slots[at]
    if (slot !== undefined && matches(slot, options)) return slot
    const given = { ...options }
    const plan = this.#resolve(given)
    this.#slots[at] = { ...plan, names: Object.keys(given), values: Object.values(given) }
    return plan
  }

  #resolve(options: GetOrLoadOptions): CallPlan {
    checkCallOptions(options)
    return { policy: policyFrom(options, this.base), copier: copiers[options.copy ?? 'none'] }
  }
}

/** @throws InvalidOptionError */
export function checkCallOptions(options: GetOrLoadOptions): void {
  checkOptions(options, callRules, 'options.')
}

function matches({ names, values }: Slot, options: object): boolean {
  let at = 0
  for (const name in options) {
    if (name !== names[at]) return false
    const value = (options as Record<string, unknown>)[name]
    // Tags and tables differ between calls, and are not part of a plan: they are only validated.
    const isList = name === 'tags' || name === 'tables'
    if (isList ? value !== undefined && !option.strings.accepts(value) : value !== values[at]) return false
    at += 1
  }
  return at === names.length
}
