import { type DatabaseFacts, type IndexSnapshot, isSameName, type NamedTable } from '@sluice/core/database'
import { indexesOf, type PrismaIndex, type PrismaKey, type PrismaModel } from './prisma-model.ts'

/**
 * An index of the model that serves the same purpose as the wanted index: it has the same type, condition and
 * operators. Its first keys are all keys of the wanted index, in the same order or in exactly the reverse
 * order. A unique key is only covered by a unique key on exactly its fields. The database's index with the
 * name of a line takes precedence: it can have operators or a collation that the line cannot express.
 *
 * @param onlyByName - Whether the line of the wanted index is incomplete, so that an index with the same line
 * can still differ.
 */
export function coveringIndex(
  wanted: PrismaIndex,
  model: PrismaModel,
  table: NamedTable,
  facts: DatabaseFacts,
  onlyByName: boolean,
): string | undefined {
  const covering = indexesOf(model).find((index) => {
    if (!covers(index, wanted)) return false
    if (isSameName(facts, index.name, wanted.name)) return true
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

/** Whether the line of an index describes one that serves the same purpose as the wanted index. */
export function covers(index: PrismaIndex, wanted: PrismaIndex): boolean {
  if ((index.kind === 'fulltext') !== (wanted.kind === 'fulltext')) return false
  if (index.type !== wanted.type || condition(index.where) !== condition(wanted.where)) return false
  if (wanted.kind === 'unique') return index.kind !== 'index' && hasSameFields(index.keys, wanted.keys)
  if (wanted.kind === 'fulltext') return hasSameFields(index.keys, wanted.keys)
  if (index.keys.length < wanted.keys.length) return false
  const pairs = wanted.keys.map((key, at) => [key, index.keys[at]] as const)
  return (
    pairs.every(([key, other]) => isSameKey(key, other, false)) ||
    pairs.every(([key, other]) => isSameKey(key, other, true))
  )
}

function isSameKey(wanted: PrismaKey, other: PrismaKey | undefined, isBackwards: boolean): boolean {
  if (other === undefined) return false
  const { field, isDescending, operators, length = Number.POSITIVE_INFINITY } = other
  return (
    field === wanted.field &&
    (isDescending !== wanted.isDescending) === isBackwards &&
    operators === wanted.operators &&
    length >= (wanted.length ?? Number.POSITIVE_INFINITY)
  )
}

function hasSameFields(left: readonly PrismaKey[], right: readonly PrismaKey[]): boolean {
  const fields = new Set(left.map(({ field }) => field))
  return left.length === right.length && right.every(({ field }) => fields.has(field))
}

const condition = (where: string | undefined) => where?.replace(/\s+/g, ' ')
