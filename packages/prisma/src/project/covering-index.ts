import { type DatabaseFacts, type IndexSnapshot, isSameName, type NamedTable } from '@sluice/core/database'
import { indexesOf, type PrismaIndex, type PrismaKey, type PrismaModel } from './prisma-model.ts'

/**
 * An index of the model that serves the same purpose as the target index: it has the same type, condition and
 * operators. Its first keys are all keys of the target index, in the same order or in exactly the reverse
 * order. A unique key is only covered by a unique key on exactly its fields. The database's index with the
 * name of a line takes precedence: it can have operators or a collation that the line cannot express.
 *
 * @param onlyByName - Whether the line of the target index is incomplete, so that an index with the same line
 * can still differ.
 */
export function coveringIndex(
  target: PrismaIndex,
  model: PrismaModel,
  table: NamedTable,
  facts: DatabaseFacts,
  onlyByName: boolean,
): string | undefined {
  const covering = indexesOf(model).find((index) => {
    if (!covers(index, target)) return false
    if (isSameName(facts, index.name, target.name)) return true
    return (
      !onlyByName && !isMore(table.snapshot?.indexes.find(({ name }) => isSameName(facts, name, index.name)))
    )
  })
  return covering === undefined
    ? undefined
    : `the ${covering.kind} ${covering.name} on ${covering.keys.map(({ field }) => field).join(', ')}`
}

/** Whether an index of the database has properties that its line in a schema cannot express. */
function isMore(index: IndexSnapshot | undefined): boolean {
  if (index?.method !== 'btree') return false
  return index.keys.some(
    ({ operatorClass, collation }) => operatorClass !== undefined || collation !== undefined,
  )
}

/** Whether the line of an index describes one that serves the same purpose as the target index. */
export function covers(index: PrismaIndex, target: PrismaIndex): boolean {
  if ((index.kind === 'fulltext') !== (target.kind === 'fulltext')) return false
  if (index.type !== target.type || condition(index.where) !== condition(target.where)) return false
  if (target.kind === 'unique') return index.kind !== 'index' && hasSameFields(index.keys, target.keys)
  if (target.kind === 'fulltext') return hasSameFields(index.keys, target.keys)
  if (index.keys.length < target.keys.length) return false
  const pairs = target.keys.map((key, at) => [key, index.keys[at]] as const)
  return (
    pairs.every(([key, other]) => isSameKey(key, other, false)) ||
    pairs.every(([key, other]) => isSameKey(key, other, true))
  )
}

function isSameKey(target: PrismaKey, other: PrismaKey | undefined, isBackwards: boolean): boolean {
  if (other === undefined) return false
  const { field, isDescending, operators, length = Number.POSITIVE_INFINITY } = other
  return (
    field === target.field &&
    (isDescending !== target.isDescending) === isBackwards &&
    operators === target.operators &&
    length >= (target.length ?? Number.POSITIVE_INFINITY)
  )
}

function hasSameFields(left: readonly PrismaKey[], right: readonly PrismaKey[]): boolean {
  const fields = new Set(left.map(({ field }) => field))
  return left.length === right.length && right.every(({ field }) => fields.has(field))
}

const condition = (where: string | undefined) => where?.replace(/\s+/g, ' ')
