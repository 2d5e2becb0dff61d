import type { IndexDefinition, IndexKey } from '../../index-definition.ts'
import { plainSql } from '../../shared-keys.ts'

/** An index as it is in the database right now. */
export interface LiveIndex {
  readonly name: string
  readonly method: string
  readonly isUnique: boolean
  /** An index that failed to be made, or is being made, does not serve reads. */
  readonly isValid: boolean
  /** Whether somebody is making it. */
  readonly isInProgress: boolean
  /** Whether a key or a constraint needs it. */
  readonly isConstraint: boolean
  readonly keys: readonly IndexKey[]
  readonly where?: string
  readonly include?: readonly string[]
}

/** Whether an index does what the other would: its first keys are all of the other's, of the same kind, in the same order or the opposite. */
export function isCoveredBy(wanted: IndexDefinition, live: LiveIndex): boolean {
  if (!live.isValid || live.method !== wanted.method || !isSameText(live.where, wanted.where) || !carries(wanted, live)) return false
  if (wanted.method === 'fulltext') return live.keys.length === wanted.keys.length && hasKeys(wanted, live)
  if (wanted.isUnique) return live.isUnique && live.keys.length === wanted.keys.length && hasKeys(wanted, live)
  return live.keys.length >= wanted.keys.length && hasKeys(wanted, live)
}

/** Whether an index is the very one that is described. */
export function isSameIndex(described: IndexDefinition, live: LiveIndex): boolean {
  return (
    live.method === described.method &&
    live.isUnique === described.isUnique &&
    live.keys.length === described.keys.length &&
    (live.where === undefined) === (described.where === undefined) &&
    described.keys.every((key, at) => isSameKey(key, live.keys[at], false))
  )
}

function carries({ include = [] }: IndexDefinition, live: LiveIndex): boolean {
  const columns = new Set([...(live.include ?? []), ...live.keys.map(({ column }) => column)])
  return include.every((column) => columns.has(column))
}

function hasKeys({ keys }: IndexDefinition, live: LiveIndex): boolean {
  const pairs = keys.map((key, at) => [key, live.keys[at]] as const)
  return pairs.every(([key, other]) => isSameKey(key, other, false)) || pairs.every(([key, other]) => isSameKey(key, other, true))
}

function isSameKey(wanted: IndexKey, live: IndexKey | undefined, isBackwards: boolean): boolean {
  return (
    live !== undefined &&
    wanted.column.toLowerCase() === live.column.toLowerCase() &&
    isSameText(wanted.expression, live.expression) &&
    wanted.operatorClass === live.operatorClass &&
    wanted.prefixLength === live.prefixLength &&
    (wanted.collation ?? '').toUpperCase() === (live.collation ?? '').toUpperCase() &&
    (wanted.nulls === live.nulls || isBackwards) &&
    ((wanted.isDescending ?? false) !== (live.isDescending ?? false)) === isBackwards
  )
}

/** A value in a condition has the type that it is compared with, whatever the database writes behind it: `'open'::order_status`. */
const VALUE_TYPE =
  /('(?:[^']|'')*'|\(\d[\d.]*\)|\b\d[\d.]*)::(?:"[^"]+"|[\w.]+)(?: varying| precision| with(?:out)? time zone)?(?:\(\d+\))?(?:\[\])?/gi

function isSameText(left: string | undefined, right: string | undefined): boolean {
  return plainSql(left?.replace(VALUE_TYPE, '$1')) === plainSql(right?.replace(VALUE_TYPE, '$1'))
}
