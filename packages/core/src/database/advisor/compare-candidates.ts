import { isSameColumn } from '../index-definition.ts'
import type { Candidate } from './candidates.ts'
import type { WorkloadStatement } from './resolve-workload.ts'

/**
 * Whether an index gives an order, but is read past the rows that another index with the same order excludes
 * by a value: how many there are depends on the value, and on where they are.
 */
export function walksPast({ isOrdered, definition, found }: Candidate, other: Candidate): boolean {
  if (!isOrdered || !other.isOrdered || definition.table !== other.definition.table) return false
  const isMore = other.found.size > found.size && [...found].every((column) => other.found.has(column))
  return isMore && (definition.where ?? '') === (other.definition.where ?? '')
}

/**
 * Whether another index has the same keys and after them the column whose `min` or `max` a statement asks
 * for: it reads one row, however many the first index finds.
 */
export function lacksExtreme(
  { definition: { keys, table, where } }: Candidate,
  { isOrdered, definition: other }: Candidate,
  { planned: { use } }: WorkloadStatement,
): boolean {
  const isExtreme = use.uses.some((one) => one.isExtreme && one.table.id === table)
  const isLonger = isOrdered && other.table === table && other.keys.length > keys.length
  if (!isExtreme || !isLonger || (where ?? '') !== (other.where ?? '')) return false
  return keys.every((key, at) => isSameColumn(key, other.keys[at]))
}

/** Narrow ones first. */
export function byWidth(a: Candidate, b: Candidate): number {
  return width(a) - width(b)
}

function width({ definition }: Candidate): number {
  return definition.keys.length * 2 + (definition.where === undefined ? 0 : 1)
}

/** Whether an index consists of a part of another index's columns. */
export function isNarrower(index: Candidate, other: Candidate): boolean {
  const { definition } = other
  if (index.definition.table !== definition.table || width(index) >= width(other)) return false
  return index.definition.keys.every(
    (key) =>
      definition.keys.some((own) => isSameColumn(own, key)) ||
      definition.where?.includes(key.column) === true,
  )
}
