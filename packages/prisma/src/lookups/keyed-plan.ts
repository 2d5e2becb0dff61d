import type { LookupTarget, Refusal } from '@sluice/core/adapter'
import { type KeyPlan, readKey } from './key-plan.ts'
import { keyOf } from './key-type.ts'

/** How the operations of one shape may be merged. Holds for all of them: it depends on no value. */
export interface KeyedPlan {
  readonly action: 'unique' | 'first' | 'many' | 'count' | 'aggregate' | 'groupBy'
  /** Whether a missing row is an error, which its caller's own query throws. */
  readonly throws: boolean
  readonly keys: KeyChoices
}

/** `undefined` for operations that ask for nothing by key. */
export type LookupPlan = KeyedPlan | Refusal | undefined

type Where = Readonly<Record<string, unknown>>

/** A key that the operations of a shape may be merged by. */
export interface KeyChoice {
  readonly key: KeyPlan
  readonly target: LookupTarget
}

/**
 * The keys that a shape asks by: of `{ tenantId, cityId }`, which one a loop walks along is seen only as it walks. The choice follows
 * the key that changes from call to call while the one chosen so far does not. Any choice is right: what is not the key is a constant
 * of the group.
 */
export class KeyChoices {
  #chosen: KeyChoice
  #latest: readonly string[] = []

  constructor(private readonly choices: readonly [KeyChoice, ...KeyChoice[]]) {
    this.#chosen = choices[0]
  }

  choose(where: Where): KeyChoice {
    if (this.choices.length === 1) return this.#chosen
    const texts = this.choices.map(({ key }) => keyOf(readKey(key, where).values, key.types)?.text ?? '')
    const hasChanged = texts.map((text, at) => this.#latest.length > 0 && text !== this.#latest[at])
    this.#latest = texts
    if (hasChanged[this.choices.indexOf(this.#chosen)] === false) {
      this.#chosen = this.choices[hasChanged.indexOf(true)] ?? this.#chosen
    }
    return this.#chosen
  }
}
