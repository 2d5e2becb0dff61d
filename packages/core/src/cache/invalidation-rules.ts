import { InvalidArgumentError } from '../shared/errors.ts'
import { type CacheKey, cacheId } from './cache-entry.ts'

const MAX_TARGETS = 10_000

/** An invalidation. */
export interface InvalidationEvent {
  readonly kind: 'delete' | 'pattern' | 'dependency'
  /** The requested glob of a `pattern`. */
  readonly pattern?: string
  /**
   * The invalidated keys. `delete`: the key. `dependency`: the key and its dependents, cached or not.
   * `pattern`: the deleted entries.
   */
  readonly keys: readonly CacheKey[]
}

/** A target to delete: a glob over `namespace:key`, or one key. */
export type InvalidationTarget = string | CacheKey

/** Returns other targets to delete after an invalidation. */
export type InvalidationRule = (event: InvalidationEvent) => Iterable<InvalidationTarget>

/** Runs the rules on an event, and on the events that they cause. */
export class InvalidationRules {
  readonly #rules = new Set<{ readonly rule: InvalidationRule }>()
  #errors = 0

  get errors(): number {
    return this.#errors
  }

  add(rule: InvalidationRule): () => void {
    if (typeof rule !== 'function') throw new InvalidArgumentError('rule', 'a function', rule)
    const registration = { rule }
    this.#rules.add(registration)
    return () => {
      this.#rules.delete(registration)
    }
  }

  /**
   * Passes an event to the rules and deletes the targets that they return, until there are no new ones. Each
   * pattern and each key is deleted once, which ends cycles. Rules that keep returning new keys are stopped
   * after 10,000 and counted as an error.
   *
   * @param drop - Deletes one target and returns the resulting event.
   */
  follow(first: InvalidationEvent, drop: (target: InvalidationTarget) => InvalidationEvent): void {
    if (this.#rules.size === 0) return
    const done = new Set<string>()
    const events = [first]
    let dropped = 0
    for (const event of events) {
      for (const name of namesOf(event)) done.add(name)
      for (const target of this.#targetsOf(event)) {
        if (done.has(nameOf(target))) continue
        if (dropped >= MAX_TARGETS) {
          this.#errors++
          return
        }
        dropped++
        const next = drop(target)
        for (const name of namesOf(next)) done.add(name)
        events.push(next)
      }
    }
  }

  #targetsOf(event: InvalidationEvent): readonly InvalidationTarget[] {
    const targets: InvalidationTarget[] = []
    for (const { rule } of [...this.#rules]) {
      try {
        targets.push(...checkedTargets(rule(event)))
      } catch {
        this.#errors++
      }
    }
    return targets
  }
}

function checkedTargets(targets: Iterable<InvalidationTarget>): readonly InvalidationTarget[] {
  // A string is iterable, too, and one of its characters can be a `*`.
  if (typeof targets === 'string')
    throw new InvalidArgumentError('rule', 'an array of patterns and keys', targets)
  const list: InvalidationTarget[] = []
  for (const target of targets) {
    if (
      typeof target !== 'string' &&
      (typeof target?.namespace !== 'string' || typeof target.key !== 'string')
    ) {
      throw new InvalidArgumentError('rule', 'patterns or { namespace, key }', target)
    }
    if (list.length > MAX_TARGETS)
      throw new InvalidArgumentError('rule', `at most ${MAX_TARGETS} targets`, 'more')
    list.push(target)
  }
  return list
}

const nameOf = (target: InvalidationTarget): string =>
  typeof target === 'string' ? `pattern ${target}` : `key ${cacheId(target.namespace, target.key)}`

function namesOf(event: InvalidationEvent): readonly string[] {
  const keys = event.keys.map(nameOf)
  return event.pattern === undefined ? keys : [nameOf(event.pattern), ...keys]
}
