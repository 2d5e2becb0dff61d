import type { IndexDefinition, IndexKey } from '../index-definition.ts'

/** Whether an index does all that another one would: its first keys are the other's, of the same rows. */
export function covers(index: IndexDefinition, other: IndexDefinition): boolean {
  if (index.table !== other.table || index.method !== other.method || (index.where ?? '') !== (other.where ?? '')) return false
  if (index.keys.length < other.keys.length) return false
  // Read backwards, every direction is the other one.
  return hasPrefix(index.keys, other.keys, false) || hasPrefix(index.keys, other.keys, true)
}

function hasPrefix(keys: readonly IndexKey[], prefix: readonly IndexKey[], isReversed: boolean): boolean {
  return prefix.every((key, at) => sameKey(keys[at], key, isReversed))
}

function sameKey(a: IndexKey | undefined, b: IndexKey, isReversed: boolean): boolean {
  if (a === undefined || a.column !== b.column) return false
  return (
    normal(a.expression) === normal(b.expression) &&
    (a.isDescending === true) !== ((b.isDescending === true) === isReversed) &&
    a.operatorClass === b.operatorClass &&
    a.collation?.toLowerCase() === b.collation?.toLowerCase() &&
    a.prefixLength === b.prefixLength &&
    a.nulls === b.nulls
  )
}

/** Expressions are written in many ways: `lower(name)`, `lower((name)::text)`, lower("name"). */
function normal(expression: string | undefined): string | undefined {
  return expression
    ?.replace(/::[a-z ]+/gi, '')
    .replace(/["`()\s]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}
