import type { Refusal } from '@sluice/core/adapter'
import type { KeyChoices } from './lookups/key-choices.ts'

/** How the operations of one shape may be merged. Holds for all of them: it depends on no value. */
export interface KeyedPlan {
  readonly action: 'unique' | 'first' | 'many' | 'count' | 'aggregate' | 'groupBy'
  /** Whether a missing row is an error, which its caller's own query throws. */
  readonly throws: boolean
  readonly keys: KeyChoices
}

/** `undefined` for operations that ask for nothing by key. */
export type LookupPlan = KeyedPlan | Refusal | undefined
