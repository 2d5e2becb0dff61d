import type { LookupTarget, Refusal } from '@sluice/core/adapter'
import { type KeyPlan, readKey } from './key-plan.ts'
import { keyOf } from './key-type.ts'
import type { Ties } from './row-order.ts'

/** How the operations of one shape can be batched. Applies to all of them: it depends on no value. */
export interface KeyedPlan {
  readonly action: 'unique' | 'first' | 'many' | 'count' | 'aggregate' | 'groupBy'
  /** Whether a missing row is an error, which the caller's own query throws. */
  readonly throws: boolean
  readonly keys: KeyChoices
  /** Recognizes rows that the order leaves in any order; `undefined` if they cannot be recognized. */
  readonly ties: Ties | undefined
}

/** `undefined` for operations without a key. */
export type LookupPlan = KeyedPlan | Refusal | undefined

type Where = Readonly<Record<string, unknown>>

/** A key by which the operations of a shape can be batched. */
export interface KeyChoice {
  readonly key: KeyPlan
  readonly target: LookupTarget
}

/**
 * The candidate keys of a shape: for `{ tenantId, cityId }`, only the running loop shows which one it
 * iterates over. The choice moves to the key that changes between calls while the currently chosen one does
 * not. Any choice is correct: fields outside the key are constants of the group.
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
