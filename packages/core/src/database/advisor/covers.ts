import type { IndexDefinition } from '../index-definition.ts'
import { sharedKeys } from '../shared-keys.ts'

/** Whether an index does all that another one would: its first keys are the other's, of the same rows. */
export function covers(index: IndexDefinition, other: IndexDefinition): boolean {
  if (index.table !== other.table || index.method !== other.method || (index.where ?? '') !== (other.where ?? '')) return false
  return sharedKeys(other.keys, index.keys) === other.keys.length
}
